//! The clocks of the process.

use std::time::Instant;

use jiff::Timestamp;

use crate::domain::plan::Now;
use crate::domain::time::Moment;
use crate::executor::ports::Clock;

/// The monotonic and the wall clock of the process. Monotonic time counts from the creation of the value.
#[derive(Clone, Copy)]
pub struct SystemClock(Instant);

impl SystemClock {
    /// Starts the monotonic clock at zero.
    #[must_use]
    pub fn start() -> Self {
        Self(Instant::now())
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Now {
        Now { monotonic: Moment::new(self.0.elapsed()), wall: Timestamp::now() }
    }
}
