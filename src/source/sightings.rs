//! Deletions of bindings that the watch has seen begin.
//!
//! A deleted binding goes from `deletionTimestamp` to gone within 40 to 60 ms (recorded), so that a read comes too late
//! more often than not.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

/// How many are kept. Anybody may make and delete bindings that no object ever takes a key from; that one is forgotten
/// delays a deletion, and never causes one.
const MOST: usize = 10_000;

/// The beginnings of deletions, by uid.
#[derive(Debug, Default)]
pub struct Sightings(Mutex<HashMap<String, Timestamp>>);

impl Sightings {
    /// The deletion of the binding `uid` was seen to have begun at `deletion_timestamp`.
    pub fn note(&self, uid: &str, deletion_timestamp: Timestamp) {
        let mut sightings = self.locked();
        if sightings.len() >= MOST && !sightings.contains_key(uid) {
            let oldest = sightings.iter().min_by_key(|(_, began)| **began).map(|(uid, _)| uid.clone());
            if let Some(oldest) = oldest {
                sightings.remove(&oldest);
            }
        }
        sightings.insert(uid.to_owned(), deletion_timestamp);
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

#[cfg(test)]
mod tests {
    use super::*;

    // proves: limit source/sightings MOST
    #[test]
    fn ten_thousand_deletions_are_kept_and_for_one_more_the_oldest_is_forgotten() {
        let sightings = Sightings::default();
        let at = |second: usize| Timestamp::from_second(i64::try_from(second).expect("small")).expect("a time");
        for number in 0..MOST {
            sightings.note(&number.to_string(), at(number));
        }
        assert_eq!(sightings.began("0"), Some(at(0)));
        sightings.note("0", at(0));
        assert_eq!(sightings.began("1"), Some(at(1)), "what is known takes no place");

        sightings.note("new", at(MOST));
        assert_eq!((sightings.began("0"), sightings.began("1")), (None, Some(at(1))));
        assert_eq!(sightings.began("new"), Some(at(MOST)));
        assert_eq!(sightings.locked().len(), MOST);
    }
}
