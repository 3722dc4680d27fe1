//! The evidence that this process gathers over time, on which a key is deleted.
//!
//! Evidence is kept in memory, timed by the monotonic clock, and lost with the process. A loss delays a deletion and
//! never causes one.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::retry::FailureStreak;
use super::service_key::fingerprint::{CredentialsFingerprint, DocumentFingerprint, KeyFingerprint};
use super::time::Moment;

/// The observations that this process has made of one object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observations {
    /// The last settlement that was written, until the next check is due.
    pub settled: Option<Settled>,
    /// The start of the current absence of the source.
    pub gone_since: Option<Moment>,
    /// The creation time of the definition of the source's kind. Under a later definition the absence starts again.
    pub kind_since: Option<Timestamp>,
    /// The start of the current uncertainty about the source.
    pub unknown_since: Option<Moment>,
    /// The refused sign-ins by key.
    pub refusals: BTreeMap<CredentialsFingerprint, Refusals>,
    /// The key that was last seen in our slot.
    pub slot_key: Option<CredentialsFingerprint>,
    /// The current streak of failed reconciliations.
    pub failures: Option<FailureStreak>,
    /// The key of the source that was tested last, with any result.
    pub last_tested: Option<CredentialsFingerprint>,
    /// The fingerprint of that key.
    pub last_tested_key: Option<KeyFingerprint>,
    /// The last document of the source for which `Ready=True` was found.
    pub verified: Option<Verified>,
    /// The document of the source that is not in the slot yet.
    pub changed: Option<SourceChange>,
}

/// A document of the source for which `Ready=True` has not been found yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceChange {
    /// The document.
    pub document: DocumentFingerprint,
    /// The time at which it was first read.
    pub since: Moment,
}

/// A document for which `Ready=True` was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The document.
    pub document: DocumentFingerprint,
    /// The time of the last confirmation.
    pub at: Moment,
}

/// The basis of the last settlement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// The change marker (`Facts::change_marker`) of that time.
    pub change_marker: String,
    /// The time of the next check if nothing changes.
    pub due: Moment,
}

impl Observations {
    /// Notes a refused sign-in.
    pub fn refused(&mut self, key: &CredentialsFingerprint, now: Moment, dead_after: Duration) {
        self.refusals
            .entry(key.clone())
            .and_modify(|refusals| refusals.repeat(now, dead_after))
            .or_insert_with(|| Refusals::first(now));
    }

    /// Notes an accepted sign-in, which voids all refusals of the key.
    pub fn accepted(&mut self, key: &CredentialsFingerprint) {
        self.refusals.remove(key);
    }

    /// Notes the document that the source has now. One that the ledger records as uploaded is no change, nor is one that
    /// was found in order before.
    pub fn read_document(&mut self, document: &DocumentFingerprint, is_recorded: bool, now: Moment) {
        if is_recorded || self.verified.as_ref().is_some_and(|verified| verified.document == *document) {
            self.changed = None;
        } else if self.changed.as_ref().is_none_or(|changed| changed.document != *document) {
            self.changed = Some(SourceChange { document: document.clone(), since: now });
        }
    }

    /// Returns the time of the first refusal of the key that was last seen in our slot, if no success has followed.
    #[must_use]
    pub fn slot_key_refused_since(&self) -> Option<Moment> {
        self.refusals.get(self.slot_key.as_ref()?).map(|refusals| refusals.first)
    }
}

/// The times, as fractions of `deadKey.after`, at which a key must be refused without a success between to count as
/// dead.
const PROBES: [f64; 4] = [0.0, 0.1, 0.4, 1.0];

/// The uninterrupted refusals of one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusals {
    first: Moment,
    last: Moment,
    probes_failed: usize,
}

impl Refusals {
    fn first(now: Moment) -> Self {
        Self { first: now, last: now, probes_failed: 1 }
    }

    fn repeat(&mut self, now: Moment, dead_after: Duration) {
        if self.next_probe(dead_after).is_some_and(|due| due <= now) {
            self.probes_failed += 1;
            self.last = now;
        }
    }

    /// Returns the time from which the next probe counts; `None` once all have failed. The time is relative to the last
    /// counted probe, so probes that were missed, as during an outage, are not made up for in a burst.
    #[must_use]
    pub fn next_probe(&self, dead_after: Duration) -> Option<Moment> {
        let fraction = PROBES.get(self.probes_failed)? - PROBES.get(self.probes_failed - 1)?;
        Some(self.last.after(dead_after.mul_f64(fraction)))
    }

    /// Returns true if all probes failed, which proves that the key is dead.
    #[must_use]
    pub fn prove_dead(&self) -> bool {
        self.probes_failed == PROBES.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AFTER: Duration = Duration::from_secs(100);

    fn at(seconds: u64) -> Moment {
        Moment::new(Duration::from_secs(seconds))
    }

    fn refused_at(moments: &[u64]) -> Refusals {
        let key = CredentialsFingerprint::recorded("a");
        let mut observations = Observations::default();
        for moment in moments {
            observations.refused(&key, at(*moment), AFTER);
        }
        observations.refusals[&key]
    }

    // proves: limit domain/evidence PROBES
    #[test]
    fn a_key_refused_at_all_four_probes_is_dead() {
        assert!(refused_at(&[5, 15, 45, 105]).prove_dead());
        assert!(!refused_at(&[5, 15, 45]).prove_dead(), "three are not enough");
        assert!(!refused_at(&[5, 15, 45, 104]).prove_dead(), "the last one was too early");
    }

    #[test]
    fn many_refusals_in_a_short_time_do_not_prove_death() {
        assert!(!refused_at(&[5, 6, 7, 8, 9, 10, 11, 12]).prove_dead());
    }

    #[test]
    fn a_late_probe_does_not_replace_missed_ones() {
        assert!(!refused_at(&[5, 200]).prove_dead());
    }

    #[test]
    fn one_success_voids_all_refusals() {
        let key = CredentialsFingerprint::recorded("a");
        let mut observations = Observations::default();
        for moment in [0, 10, 40] {
            observations.refused(&key, at(moment), AFTER);
        }
        observations.accepted(&key);
        observations.refused(&key, at(100), AFTER);
        assert!(!observations.refusals[&key].prove_dead());
    }

    #[test]
    fn a_key_in_the_slot_is_refused_since_its_first_refusal_without_a_success() {
        let key = CredentialsFingerprint::recorded("a");
        let mut observations = Observations::default();
        observations.refused(&key, at(5), AFTER);
        assert_eq!(observations.slot_key_refused_since(), None, "it is not known to be in the slot");
        observations.slot_key = Some(key.clone());
        observations.refused(&key, at(200), AFTER);
        assert_eq!(observations.slot_key_refused_since(), Some(at(5)));
        observations.accepted(&key);
        assert_eq!(observations.slot_key_refused_since(), None);
    }

    #[test]
    fn a_change_of_the_source_begins_with_the_first_read_of_its_document() {
        let document = |text| DocumentFingerprint::recorded(text);
        let mut observations = Observations::default();
        let since = |observations: &Observations| observations.changed.as_ref().map(|changed| changed.since);
        observations.read_document(&document("a"), false, at(5));
        observations.read_document(&document("a"), false, at(6));
        assert_eq!(since(&observations), Some(at(5)));
        observations.read_document(&document("b"), false, at(7));
        assert_eq!(since(&observations), Some(at(7)), "another document is another change");
        observations.verified = Some(Verified { document: document("b"), at: at(8) });
        observations.read_document(&document("b"), false, at(9));
        assert_eq!(since(&observations), None);
        observations.read_document(&document("c"), true, at(10));
        assert_eq!(since(&observations), None, "the ledger records it as uploaded");
    }

    #[test]
    fn the_next_probe_is_known_until_all_have_failed() {
        assert_eq!(refused_at(&[0]).next_probe(AFTER), Some(at(10)));
        assert_eq!(refused_at(&[0, 10]).next_probe(AFTER), Some(at(40)));
        assert_eq!(refused_at(&[0, 10, 40]).next_probe(AFTER), Some(at(100)));
        assert_eq!(refused_at(&[0, 10, 40, 100]).next_probe(AFTER), None);
    }
}
