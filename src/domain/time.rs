//! Moments on a monotonic clock.

use std::time::Duration;

/// A moment on the monotonic clock of this process, as the time since its start.
///
/// Durations that lead to a deletion are measured with it, never with a wall clock, which can be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(Duration);

impl Moment {
    /// Returns the moment at `since_start` after the start of the process.
    #[must_use]
    pub fn new(since_start: Duration) -> Self {
        Self(since_start)
    }

    /// Returns the moment `later` after this one.
    #[must_use]
    pub fn after(self, later: Duration) -> Self {
        Self(self.0.saturating_add(later))
    }

    /// Returns the time from this moment to `now`; zero if this moment is in the future.
    #[must_use]
    pub fn elapsed(self, now: Self) -> Duration {
        now.0.saturating_sub(self.0)
    }

    /// Returns the time from `now` to this moment; zero if this moment has passed.
    #[must_use]
    pub fn remaining(self, now: Self) -> Duration {
        self.0.saturating_sub(now.0)
    }
}
