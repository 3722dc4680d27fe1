//! Deletions of bindings that the watch has observed.
//!
//! A deleted binding is gone 40 to 60 ms after its `deletionTimestamp` is set (recorded), so that a read usually comes
//! too late to see it.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

/// Maximum number of deletions that are kept per namespace. A client that creates and deletes bindings in a loop evicts
/// only those of its own namespace, which delays the removal of a key and never causes one.
const MAX_PER_NAMESPACE: usize = 64;

/// The uid of a binding and the time at which its deletion started.
type Deletion = (String, Timestamp);

/// The observed deletions by namespace, oldest first.
#[derive(Debug, Default)]
pub struct ObservedDeletions(Mutex<HashMap<String, VecDeque<Deletion>>>);

impl ObservedDeletions {
    /// Records that the deletion of the binding `uid` in `namespace` started at `deletion_timestamp`.
    pub fn record(&self, namespace: &str, uid: &str, deletion_timestamp: Timestamp) {
        let mut all = self.lock();
        let deletions = all.entry(namespace.to_owned()).or_default();
        deletions.retain(|(known, _)| known != uid);
        deletions.push_back((uid.to_owned(), deletion_timestamp));
        if deletions.len() > MAX_PER_NAMESPACE {
            deletions.pop_front();
        }
    }

    /// Returns the time at which the deletion of the binding `uid` in `namespace` started, if it was observed.
    #[must_use]
    pub fn started_at(&self, namespace: &str, uid: &str) -> Option<Timestamp> {
        let all = self.lock();
        let deletion = all.get(namespace)?.iter().find(|(known, _)| known == uid);
        deletion.map(|(_, started_at)| *started_at)
    }

    /// Forgets a binding to which no object refers any more.
    pub fn forget(&self, namespace: &str, uid: &str) {
        let mut all = self.lock();
        if let Some(deletions) = all.get_mut(namespace) {
            deletions.retain(|(known, _)| known != uid);
            if deletions.is_empty() {
                all.remove(namespace);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, VecDeque<Deletion>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // proves: limit source/observed_deletions MAX_PER_NAMESPACE
    #[test]
    fn endless_deletions_in_one_namespace_evict_none_of_another() {
        let (observed_deletions, start) = (ObservedDeletions::default(), Timestamp::UNIX_EPOCH);
        observed_deletions.record("friendly", "1", start);
        for number in 0..10_000 {
            observed_deletions.record("hostile", &number.to_string(), start);
        }
        assert_eq!(observed_deletions.started_at("friendly", "1"), Some(start));
        assert_eq!(observed_deletions.lock()["hostile"].len(), MAX_PER_NAMESPACE);
        assert_eq!(observed_deletions.started_at("hostile", "9999"), Some(start), "the latest deletion is kept");
        assert_eq!(
            observed_deletions.started_at("hostile", "1"),
            None,
            "a deletion in one namespace is none in another"
        );
        observed_deletions.forget("friendly", "1");
        assert!(!observed_deletions.lock().contains_key("friendly"));
    }
}
