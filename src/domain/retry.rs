//! The time of the next attempt after a failure.

use std::time::Duration;

use super::time::Moment;

/// The first upper bound of the back-off.
pub const BACKOFF_MIN: Duration = Duration::from_secs(2);
/// The largest upper bound of the back-off.
pub const BACKOFF_MAX: Duration = Duration::from_mins(15);
/// The duration of a streak of failures after which attempts become rare.
pub const RARE_RETRIES_AFTER: Duration = Duration::from_hours(1);
/// The time between two rare attempts.
pub const RARE_RETRY_PERIOD: Duration = Duration::from_hours(2);
/// The time between two checks of a state that does not recover by itself.
pub const RECHECK_PERIOD: Duration = Duration::from_hours(1);
/// The longest `Retry-After` that is obeyed in full.
pub const MAX_RETRY_AFTER: Duration = Duration::from_hours(2);

/// The time of the next attempt after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// No attempt before the input changes, except for an hourly check.
    Never,
    /// The time that the server asked for.
    After(Duration),
    /// Attempts that become less and less frequent.
    Backoff,
}

/// An uninterrupted series of failures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FailureStreak {
    since: Moment,
    count: u32,
}

impl FailureStreak {
    /// Returns the streak with one more failure at `now`.
    #[must_use]
    pub fn extend(streak: Option<Self>, now: Moment) -> Self {
        match streak {
            Some(streak) => Self { count: streak.count.saturating_add(1), ..streak },
            None => Self { since: now, count: 1 },
        }
    }

    /// Returns the time until the next attempt: full jitter up to a bound that doubles, and rare attempts after an
    /// hour.
    ///
    /// `jitter` is a random number from 0 up to 1.
    #[must_use]
    pub fn wait(self, now: Moment, jitter: f64) -> Duration {
        if self.since.elapsed(now) >= RARE_RETRIES_AFTER {
            return spread(RARE_RETRY_PERIOD, jitter);
        }
        let doublings = self.count.saturating_sub(1).min(16);
        let bound = BACKOFF_MIN.saturating_mul(1 << doublings).min(BACKOFF_MAX);
        bound.mul_f64(jitter.clamp(0.0, 1.0)).max(Duration::from_millis(100))
    }
}

/// Spreads `duration` by ± 10 %, so that many objects do not call at once.
#[must_use]
pub fn spread(duration: Duration, jitter: f64) -> Duration {
    duration.mul_f64(0.9 + 0.2 * jitter.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Moment {
        Moment::new(Duration::from_secs(seconds))
    }

    // proves: limit domain/retry BACKOFF_MIN, limit domain/retry BACKOFF_MAX
    #[test]
    fn the_bound_doubles_from_two_seconds_to_fifteen_minutes() {
        let mut streak = None;
        let mut bounds = Vec::new();
        for _ in 0..12 {
            let failures = FailureStreak::extend(streak, at(0));
            bounds.push(failures.wait(at(1), 1.0).as_secs());
            streak = Some(failures);
        }
        assert_eq!(bounds, [2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]);
    }

    #[test]
    fn the_jitter_covers_the_whole_range_below_the_bound() {
        let failures = FailureStreak::extend(Some(FailureStreak::extend(None, at(0))), at(0));
        assert_eq!(failures.wait(at(0), 0.5), Duration::from_secs(2));
        assert_eq!(failures.wait(at(0), 0.0), Duration::from_millis(100));
    }

    // proves: limit domain/retry RARE_RETRIES_AFTER, limit domain/retry RARE_RETRY_PERIOD
    #[test]
    fn after_an_hour_of_failures_attempts_are_made_every_two_hours() {
        let failures = FailureStreak::extend(None, at(0));
        assert_eq!(failures.wait(at(3599), 1.0), Duration::from_secs(2), "not a second before");
        assert_eq!(failures.wait(at(3600), 0.0), Duration::from_mins(108));
        assert_eq!(failures.wait(at(3600), 1.0), Duration::from_mins(132));
    }
}
