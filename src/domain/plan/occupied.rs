//! The slot is not ours to fill: somebody else's key is there, or somebody else comes first.

use super::settle::{self, Wait};
use super::{Facts, Now, Settlement, Step, write};
use crate::domain::conditions::{Condition, Conditions, Progress};
use crate::domain::ledger::Overwritten;
use crate::domain::policy::AdoptionPolicy;
use crate::domain::reason::Reason;
use crate::domain::retry::Retry;
use crate::domain::service_key::ServiceKey;
use crate::domain::service_key::fingerprint::Fingerprint;
use crate::domain::slot::Revision;

/// Another key is there: replaced if the tenant says so, but not if ours was there before and somebody put theirs over
/// it. Two clusters that both replace would fight for ever.
pub(super) fn replaced(facts: &Facts, key: &ServiceKey, revision: &Revision, now: Now) -> Step {
    match facts.policy.adoption {
        AdoptionPolicy::Replace if !was_overwritten(facts, key) || facts.subject.requested.is_some() => {
            write::put(facts, key, revision, now)
        }
        AdoptionPolicy::Replace | AdoptionPolicy::IfIdentical | AdoptionPolicy::Never => {
            Step::Settle(Box::new(stalled(facts, now)))
        }
    }
}

/// Whether this very key stood there before, and nobody has changed the object since.
fn was_overwritten(facts: &Facts, key: &ServiceKey) -> bool {
    let Some(Overwritten { fingerprint, generation }) = settle::without_ours(facts).overwritten else {
        return false;
    };
    fingerprint == Fingerprint::of(key) && generation == facts.subject.generation
}

/// The slot holds a key that is not ours, and that is not changed.
pub(super) fn stalled(facts: &Facts, now: Now) -> Settlement {
    let overwritten = facts.source_key().is_some_and(|key| was_overwritten(facts, key));
    let uploaded = match settle::uploaded(facts) {
        Condition { message, .. } if overwritten => {
            let text = format!("somebody put another key over the one of this object. {message}");
            Condition::no(Reason::SlotOverwritten, text)
        }
        uploaded => uploaded,
    };
    let conditions = Conditions {
        ready: Condition::no(uploaded.reason, uploaded.message.clone()),
        valid: settle::valid(facts),
        signed_in: settle::signed_in(facts),
        uploaded,
        progress: Progress::Stalled,
        others_stand: false,
    };
    Settlement {
        ledger: settle::without_ours(facts),
        ..settle::with(facts, Some(conditions), &[Wait::Interval.at_most_hourly()], now)
    }
}

/// The slot may be filled, and an older object goes first.
pub(super) fn waiting_for_sibling(facts: &Facts, now: Now) -> Settlement {
    let name = facts.siblings.ahead.as_deref().unwrap_or_default();
    let text = format!("ALMServiceKey {name} is older and uploads first: a tenant has only one key");
    let conditions = Conditions {
        ready: Condition::unknown(Reason::WaitingForSibling, text),
        valid: settle::valid(facts),
        signed_in: settle::signed_in(facts),
        uploaded: settle::uploaded(facts),
        progress: Progress::Reconciling,
        others_stand: false,
    };
    Settlement {
        ledger: settle::without_ours(facts),
        ..settle::with(facts, Some(conditions), &[Wait::Retry(Retry::Never)], now)
    }
}
