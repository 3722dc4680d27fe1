//! Moments on a monotonic clock.

use std::time::Duration;

/// A moment on the monotonic clock of this process: the time since it started.
///
/// Durations that lead to a deletion are counted with it, never with a wall clock that somebody may set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(Duration);

impl Moment {
    /// The moment `since_start` after the process started.
    #[must_use]
    pub fn new(since_start: Duration) -> Self {
        Self(since_start)
    }

    /// The moment `later` than this one.
    #[must_use]
    pub fn after(self, later: Duration) -> Self {
        Self(self.0.saturating_add(later))
    }

    /// How long it is from this moment to `now`; zero if this one still lies ahead.
    #[must_use]
    pub fn elapsed(self, now: Self) -> Duration {
        now.0.saturating_sub(self.0)
    }

    /// How long it still is from `now` to this moment; zero if it has passed.
    #[must_use]
    pub fn remaining(self, now: Self) -> Duration {
        self.0.saturating_sub(now.0)
    }
}
