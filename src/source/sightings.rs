//! Deletions of bindings that the watch has seen begin.
//!
//! A deleted binding goes from `deletionTimestamp` to gone within 40 to 60 ms (recorded), so that a read comes too late
//! more often than not.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

/// The beginnings of deletions, by uid.
#[derive(Debug, Default)]
pub struct Sightings(Mutex<HashMap<String, Timestamp>>);

impl Sightings {
    /// The deletion of the binding `uid` was seen to have begun at `deletion_timestamp`.
    pub fn note(&self, uid: &str, deletion_timestamp: Timestamp) {
        self.locked().insert(uid.to_owned(), deletion_timestamp);
    }

    /// When the deletion of the binding `uid` began, if that was seen.
    #[must_use]
    pub fn began(&self, uid: &str) -> Option<Timestamp> {
        self.locked().get(uid).copied()
    }

    /// Forgets a binding that no object asks for any more.
    pub fn forget(&self, uid: &str) {
        self.locked().remove(uid);
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, HashMap<String, Timestamp>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
