//! Deletions of bindings that the watch has seen begin.
//!
//! A deleted binding goes from `deletionTimestamp` to gone within 40 to 60 ms (recorded), so that a read comes too late
//! more often than not.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

/// How many are kept of one namespace. Whoever makes and deletes bindings without end there makes only that namespace
/// forget its oldest, which delays a deletion and never causes one.
const KEPT: usize = 64;

/// The uid of a binding, and when its deletion began.
type Sighting = (String, Timestamp);

/// The beginnings of deletions, by namespace, the oldest first.
#[derive(Debug, Default)]
pub struct ObservedDeletions(Mutex<HashMap<String, VecDeque<Sighting>>>);

impl ObservedDeletions {
    /// The deletion of the binding `uid` of `namespace` was seen to have begun at `deletion_timestamp`.
    pub fn note(&self, namespace: &str, uid: &str, deletion_timestamp: Timestamp) {
        let mut all = self.locked();
        let seen = all.entry(namespace.to_owned()).or_default();
        seen.retain(|(known, _)| known != uid);
        seen.push_back((uid.to_owned(), deletion_timestamp));
        if seen.len() > KEPT {
            seen.pop_front();
        }
    }

    /// When the deletion of the binding `uid` of `namespace` began, if that was seen.
    #[must_use]
    pub fn began(&self, namespace: &str, uid: &str) -> Option<Timestamp> {
        let all = self.locked();
        let found = all.get(namespace)?.iter().find(|(known, _)| known == uid);
        found.map(|(_, began)| *began)
    }

    /// Forgets a binding that no object asks for any more.
    pub fn forget(&self, namespace: &str, uid: &str) {
        let mut all = self.locked();
        if let Some(seen) = all.get_mut(namespace) {
            seen.retain(|(known, _)| known != uid);
            if seen.is_empty() {
                all.remove(namespace);
            }
        }
    }

    fn locked(&self) -> MutexGuard<'_, HashMap<String, VecDeque<Sighting>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // proves: limit source/observed_deletions KEPT
    #[test]
    fn a_namespace_that_deletes_bindings_without_end_makes_no_other_forget() {
        let (observed_deletions, then) = (ObservedDeletions::default(), Timestamp::UNIX_EPOCH);
        observed_deletions.note("friendly", "1", then);
        for number in 0..10_000 {
            observed_deletions.note("hostile", &number.to_string(), then);
        }
        assert_eq!(observed_deletions.began("friendly", "1"), Some(then));
        assert_eq!(observed_deletions.locked()["hostile"].len(), KEPT);
        assert_eq!(observed_deletions.began("hostile", "9999"), Some(then), "the last one is known");
        assert_eq!(observed_deletions.began("hostile", "1"), None, "a uid is one of its namespace");
        observed_deletions.forget("friendly", "1");
        assert!(!observed_deletions.locked().contains_key("friendly"));
    }
}
