//! How often something may happen: so many times in a row, and then once in a while.

use std::time::Duration;

use super::time::Moment;

/// A bound: `burst` times in a row, and then once in each `period`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How often in a row.
    pub burst: u32,
    /// How long one more takes after that.
    pub period: Duration,
}

/// How much of a rate is used up: the generic cell rate algorithm (ITU-T I.371), a token bucket without a clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TokenBucket {
    /// When all of it is there again; none if it has never been used.
    full_at: Option<Moment>,
}

impl TokenBucket {
    /// Takes the next turn, whenever that is: answers for how long it is to be waited for.
    pub fn take(&mut self, rate: Rate, now: Moment) -> Duration {
        let used = self.full_at.map_or(Duration::ZERO, |full_at| full_at.remaining(now));
        self.full_at = Some(now.after(used.saturating_add(rate.period)));
        used.saturating_sub(rate.period.saturating_mul(rate.burst.saturating_sub(1)))
    }

    /// Whether nothing of it is used up: to forget it makes no difference.
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
    fn a_burst_passes_at_once_and_each_one_after_it_has_a_turn_of_its_own() {
        let mut pace = TokenBucket::default();
        let waits: Vec<_> = (0..6).map(|_| pace.take(RATE, at(5)).as_secs()).collect();
        assert_eq!(waits, [0, 0, 0, 10, 20, 30]);
    }

    #[test]
    fn what_was_not_used_comes_back_with_time_and_never_more_than_a_burst() {
        let mut pace = TokenBucket::default();
        for _ in 0..3 {
            pace.take(RATE, at(0));
        }
        assert_eq!(pace.take(RATE, at(10)), Duration::ZERO);
        assert_eq!(pace.take(RATE, at(15)), Duration::from_secs(5));
        assert!(!pace.is_idle(at(20)) && pace.is_idle(at(1000)));
        let waits: Vec<_> = (0..4).map(|_| pace.take(RATE, at(1000)).as_secs()).collect();
        assert_eq!(waits, [0, 0, 0, 10]);
    }

    #[test]
    fn whoever_knocks_without_end_gets_no_more_than_the_rate() {
        let mut pace = TokenBucket::default();
        let day = 24 * 3600;
        let mut knocked_at = 0;
        let mut turns = 0;
        while knocked_at < day {
            knocked_at += pace.take(RATE, at(knocked_at)).as_secs();
            turns += 1;
        }
        assert!((day / 10..=day / 10 + 4).contains(&turns), "{turns}");
    }
}
