//! Whether this replica could take over now.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether the first lists of the watches are done. What is remote need not answer for that: a restart would not help.
#[derive(Clone, Debug, Default)]
pub struct Readiness(Arc<AtomicBool>);

impl Readiness {
    /// From now on.
    pub fn reached(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether it was reached.
    #[must_use]
    pub fn is_reached(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}
