//! When to try again.

use std::time::Duration;

use super::time::Moment;

/// First upper bound of a back-off.
pub const BACKOFF_MIN: Duration = Duration::from_secs(2);
/// Largest upper bound of a back-off.
pub const BACKOFF_MAX: Duration = Duration::from_mins(15);
/// After this long of failing, tries get rare.
pub const PATIENCE: Duration = Duration::from_hours(1);
/// Between two tries after that.
pub const RARE: Duration = Duration::from_hours(2);
/// Between two looks at what will not mend itself.
pub const RECHECK_PERIOD: Duration = Duration::from_hours(1);
/// The longest `Retry-After` that is obeyed in full.
pub const MAX_RETRY_AFTER: Duration = Duration::from_hours(2);

/// What a failure says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// Not before its input changes; looked at again hourly.
    Never,
    /// The other side said when.
    After(Duration),
    /// Again, ever more rarely.
    Backoff,
}

/// A row of failures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FailureStreak {
    since: Moment,
    count: u32,
}

impl FailureStreak {
    /// One failure more, at `now`.
    #[must_use]
    pub fn extend(before: Option<Self>, now: Moment) -> Self {
        match before {
            Some(row) => Self { count: row.count.saturating_add(1), ..row },
            None => Self { since: now, count: 1 },
        }
    }

    /// How long to wait: full jitter up to a bound that doubles, and rarely after an hour.
    ///
    /// `jitter` is a number from 0 up to 1, drawn by the caller.
    #[must_use]
    pub fn wait(self, now: Moment, jitter: f64) -> Duration {
        if self.since.elapsed(now) >= PATIENCE {
            return spread(RARE, jitter);
        }
        let doublings = self.count.saturating_sub(1).min(16);
        let bound = BACKOFF_MIN.saturating_mul(1 << doublings).min(BACKOFF_MAX);
        bound.mul_f64(jitter.clamp(0.0, 1.0)).max(Duration::from_millis(100))
    }
}

/// `duration` ± 10 %, so that many objects do not ask at once.
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
        let mut row = None;
        let mut bounds = Vec::new();
        for _ in 0..12 {
            let failing = FailureStreak::extend(row, at(0));
            bounds.push(failing.wait(at(1), 1.0).as_secs());
            row = Some(failing);
        }
        assert_eq!(bounds, [2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]);
    }

    #[test]
    fn the_wait_is_drawn_from_the_whole_range_below_the_bound() {
        let failing = FailureStreak::extend(Some(FailureStreak::extend(None, at(0))), at(0));
        assert_eq!(failing.wait(at(0), 0.5), Duration::from_secs(2));
        assert_eq!(failing.wait(at(0), 0.0), Duration::from_millis(100));
    }

    // proves: limit domain/retry PATIENCE, limit domain/retry RARE
    #[test]
    fn after_an_hour_of_failing_a_try_is_made_every_two_hours() {
        let failing = FailureStreak::extend(None, at(0));
        assert_eq!(failing.wait(at(3599), 1.0), Duration::from_secs(2), "not a second before");
        assert_eq!(failing.wait(at(3600), 0.0), Duration::from_mins(108));
        assert_eq!(failing.wait(at(3600), 1.0), Duration::from_mins(132));
    }
}
