//! What this process has seen happen over time: the grounds on which a key is deleted.
//!
//! Kept in observations, counted by the monotonic clock, and begun anew with the process: forgetting delays a deletion, and
//! never causes one.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::retry::FailureStreak;
use super::service_key::fingerprint::Fingerprint;
use super::time::Moment;

/// How one object has fared, as far as this process has seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observations {
    /// The verdict that was last written, and until when it need not be looked at again.
    pub settled: Option<Settled>,
    /// Since when the source has been gone without a break.
    pub gone_since: Option<Moment>,
    /// Since when its kind has been defined under which it is gone: under a later definition the absence begins anew.
    pub kind_since: Option<Timestamp>,
    /// Since when nothing certain can be said of the source.
    pub unknown_since: Option<Moment>,
    /// Refused sign-ins, by key.
    pub refusals: BTreeMap<Fingerprint, Refusals>,
    /// Failed passes in a row.
    pub failing: Option<FailureStreak>,
    /// The source's key that was signed in with last, whatever came of it.
    pub last_tested: Option<Fingerprint>,
    /// The key of which `Ready=True` was found last, and when.
    pub verified: Option<Verified>,
}

/// That all was well with a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Which key.
    pub fingerprint: Fingerprint,
    /// When.
    pub at: Moment,
}

/// What was looked at when the last verdict was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// Spec, tenant and source as they were then.
    pub stamp: String,
    /// When to look again although nothing changed.
    pub due: Moment,
}

impl Observations {
    /// Notes a refused sign-in of a key.
    pub fn refused(&mut self, key: &Fingerprint, now: Moment, dead_after: Duration) {
        self.refusals
            .entry(key.clone())
            .and_modify(|refusals| refusals.again(now, dead_after))
            .or_insert_with(|| Refusals::begin(now));
    }

    /// Notes a sign-in of a key that worked: whatever spoke against it is void.
    pub fn accepted(&mut self, key: &Fingerprint) {
        self.refusals.remove(key);
    }
}

/// When, in parts of `deadKey.after`, a key must have been refused without a success between to count as dead.
const PROBES: [f64; 4] = [0.0, 0.1, 0.4, 1.0];

/// A row of refusals of one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusals {
    last: Moment,
    probes_failed: usize,
}

impl Refusals {
    fn begin(now: Moment) -> Self {
        Self { last: now, probes_failed: 1 }
    }

    fn again(&mut self, now: Moment, dead_after: Duration) {
        if self.next_probe(dead_after).is_some_and(|due| due <= now) {
            self.probes_failed += 1;
            self.last = now;
        }
    }

    /// When the next probe counts; none once all have failed. Counted from the last one that did: probes that were
    /// missed, as during an outage, are not made up for in a burst.
    #[must_use]
    pub fn next_probe(&self, dead_after: Duration) -> Option<Moment> {
        let part = PROBES.get(self.probes_failed)? - PROBES.get(self.probes_failed - 1)?;
        Some(self.last.after(dead_after.mul_f64(part)))
    }

    /// Whether all probes failed: the key is dead.
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
        let key = Fingerprint::recorded("a");
        let mut observations = Observations::default();
        for moment in moments {
            observations.refused(&key, at(*moment), AFTER);
        }
        observations.refusals[&key]
    }

    // proves: limit domain/evidence PROBES
    #[test]
    fn a_key_is_dead_when_it_was_refused_at_all_four_probes() {
        assert!(refused_at(&[5, 15, 45, 105]).prove_dead());
        assert!(!refused_at(&[5, 15, 45]).prove_dead(), "three are not enough");
        assert!(!refused_at(&[5, 15, 45, 104]).prove_dead(), "the last one came too early");
    }

    #[test]
    fn many_refusals_in_a_short_time_do_not_prove_it_dead() {
        assert!(!refused_at(&[5, 6, 7, 8, 9, 10, 11, 12]).prove_dead());
    }

    #[test]
    fn a_late_probe_does_not_stand_for_the_ones_before_it() {
        assert!(!refused_at(&[5, 200]).prove_dead());
    }

    #[test]
    fn one_success_voids_all_refusals() {
        let key = Fingerprint::recorded("a");
        let mut observations = Observations::default();
        for moment in [0, 10, 40] {
            observations.refused(&key, at(moment), AFTER);
        }
        observations.accepted(&key);
        observations.refused(&key, at(100), AFTER);
        assert!(!observations.refusals[&key].prove_dead());
    }

    #[test]
    fn the_next_probe_is_named_until_none_is_left() {
        assert_eq!(refused_at(&[0]).next_probe(AFTER), Some(at(10)));
        assert_eq!(refused_at(&[0, 10]).next_probe(AFTER), Some(at(40)));
        assert_eq!(refused_at(&[0, 10, 40]).next_probe(AFTER), Some(at(100)));
        assert_eq!(refused_at(&[0, 10, 40, 100]).next_probe(AFTER), None);
    }
}
