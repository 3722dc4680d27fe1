//! Rate limits: a burst, and then one action per period.

use std::time::Duration;

use super::time::Moment;

/// A rate limit: `burst` actions in a row, and then one per `period`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// The number of actions in a row.
    pub burst: u32,
    /// The time between two actions after that.
    pub period: Duration,
}

/// The used part of a rate: the generic cell rate algorithm (ITU-T I.371), a token bucket without a clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TokenBucket {
    /// The time at which the bucket is full again; `None` if it has never been used.
    full_at: Option<Moment>,
}

impl TokenBucket {
    /// Takes the next token, even if it is not available yet. Reactions the time until it is.
    pub fn take(&mut self, rate: Rate, now: Moment) -> Duration {
        let used = self.full_at.map_or(Duration::ZERO, |full_at| full_at.remaining(now));
        self.full_at = Some(now.after(used.saturating_add(rate.period)));
        used.saturating_sub(rate.period.saturating_mul(rate.burst.saturating_sub(1)))
    }

    /// Reactions true if the bucket is full, so that dropping it makes no difference.
    #[must_use]
    pub fn is_idle(&self, now: Moment) -> bool {
        self.full_at.is_none_or(|full_at| full_at <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { burst: 3, period: Duration::from_secs(10) };

    fn at(seconds: u64) -> Moment {
        Moment::new(Duration::from_secs(seconds))
    }

    #[test]
    fn a_burst_passes_at_once_and_later_actions_one_by_one() {
        let mut bucket = TokenBucket::default();
        let waits: Vec<_> = (0..6).map(|_| bucket.take(RATE, at(5)).as_secs()).collect();
        assert_eq!(waits, [0, 0, 0, 10, 20, 30]);
    }

    #[test]
    fn tokens_come_back_with_time_and_never_exceed_a_burst() {
        let mut bucket = TokenBucket::default();
        for _ in 0..3 {
            bucket.take(RATE, at(0));
        }
        assert_eq!(bucket.take(RATE, at(10)), Duration::ZERO);
        assert_eq!(bucket.take(RATE, at(15)), Duration::from_secs(5));
        assert!(!bucket.is_idle(at(20)) && bucket.is_idle(at(1000)));
        let waits: Vec<_> = (0..4).map(|_| bucket.take(RATE, at(1000)).as_secs()).collect();
        assert_eq!(waits, [0, 0, 0, 10]);
    }

    #[test]
    fn a_constant_load_gets_no_more_than_the_rate() {
        let mut bucket = TokenBucket::default();
        let day = 24 * 3600;
        let mut time = 0;
        let mut actions = 0;
        while time < day {
            time += bucket.take(RATE, at(time)).as_secs();
            actions += 1;
        }
        assert!((day / 10..=day / 10 + 4).contains(&actions), "{actions}");
    }
}
