//! A slot that this object may not fill: it holds the key of another owner, or an older sibling comes first.

use super::facts::Facts;
use super::settle::{self, Wait};
use super::step::{Now, Settlement, Step};
use super::write;
use crate::domain::conditions::{Condition, Conditions, Progress};
use crate::domain::ledger::{Ledger, Overwritten};
use crate::domain::policy::AdoptionPolicy;
use crate::domain::reason::Reason;
use crate::domain::retry::Retry;
use crate::domain::service_key::ServiceKey;
use crate::domain::slot::Revision;

/// Replaces a key that is not ours if the tenant allows it. A key that overwrote ours is not replaced, because two
/// clusters that both replace would overwrite each other forever.
///
/// # Errors
/// Returns the step that puts the source's key.
pub(super) fn replace_if_allowed(
    facts: &Facts,
    key: &ServiceKey,
    revision: &Revision,
    now: Now,
) -> Result<Settlement, Step> {
    match facts.policy.adoption {
        AdoptionPolicy::Replace if !was_overwritten(facts, key) || facts.subject.requested.is_some() => {
            Err(write::put(facts, key, revision, false, now))
        }
        AdoptionPolicy::Replace | AdoptionPolicy::IfIdentical | AdoptionPolicy::Never => Ok(stalled(facts, now)),
    }
}

/// Returns true if another client put the content of the slot in this object's name: the slot names this object at a
/// revision that the operator did not record, with other content than it put, while the source still has the key that it
/// did put. That is so if two operators use the same cluster ID, as after a restored backup of etcd. They would overwrite
/// each other's keys forever.
pub(super) fn is_overwritten_by_namesake(facts: &Facts, key: &ServiceKey, revision: &Revision) -> bool {
    let Ledger { uploaded, pending, overwritten } = &facts.ledger;
    let content = facts.slot_key().map(ServiceKey::fingerprint);
    let is_pending =
        pending.as_ref().is_some_and(|pending| content.is_none() || pending.fingerprint.as_ref() == content);
    let is_known = match uploaded {
        Some(uploaded) => uploaded.revision != *revision && uploaded.is_current(key) == Some(true),
        None => overwritten.as_ref().is_some_and(|overwritten| is_same(facts, overwritten, key)),
    };
    is_known && !is_pending && facts.subject.requested.is_none()
}

/// Settles because another client put a key in this object's name.
pub(super) fn overwritten_by_namesake(facts: &Facts, key: &ServiceKey, now: Now) -> Settlement {
    let uploaded = Condition::no(
        Reason::SlotOverwritten,
        "another client overwrote the key of this object in its name: does an operator of another cluster use the same \
         cluster ID? Stop it, and then request a reconciliation of this object",
    );
    let ready = uploaded.clone();
    let conditions = Conditions { uploaded, ..settle::conditions(facts, ready, Progress::Stalled) };
    let overwritten = Overwritten { fingerprint: key.fingerprint().clone(), generation: facts.subject.generation };
    Settlement {
        // A pending write is conditional on a revision that the slot has left.
        ledger: Ledger { overwritten: Some(overwritten), ..Ledger::default() },
        ..settle::settlement(facts, Some(conditions), &[Wait::Interval.at_most_hourly()], now)
    }
}

/// Returns true if another client overwrote exactly this key and the object has not changed since.
fn was_overwritten(facts: &Facts, key: &ServiceKey) -> bool {
    settle::ledger_without_upload(facts).overwritten.is_some_and(|overwritten| is_same(facts, &overwritten, key))
}

/// Returns true if `overwritten` speaks of this key and of this generation of the object.
fn is_same(facts: &Facts, Overwritten { fingerprint, generation }: &Overwritten, key: &ServiceKey) -> bool {
    // A fingerprint of another version cannot be compared, so it counts as the same key: nothing is overwritten.
    let is_same_key = !fingerprint.is_comparable() || *fingerprint == *key.fingerprint();
    is_same_key && *generation == facts.subject.generation
}

/// Settles because the slot holds a key that is not ours and is not to be changed.
pub(super) fn stalled(facts: &Facts, now: Now) -> Settlement {
    let overwritten = facts.source_key().is_some_and(|key| was_overwritten(facts, key));
    let uploaded = match settle::uploaded(facts) {
        Condition { message, .. } if overwritten => {
            let message = format!("another client overwrote the key of this object. {message}");
            Condition::no(Reason::SlotOverwritten, message)
        }
        uploaded => uploaded,
    };
    let ready = Condition::no(uploaded.reason, uploaded.message.clone());
    let conditions = Conditions { uploaded, ..settle::conditions(facts, ready, Progress::Stalled) };
    Settlement {
        ledger: settle::ledger_without_upload(facts),
        ..settle::settlement(facts, Some(conditions), &[Wait::Interval.at_most_hourly()], now)
    }
}

/// Settles because the slot may be filled, but an older sibling uploads first.
pub(super) fn waiting_for_sibling(facts: &Facts, now: Now) -> Settlement {
    let name = facts.siblings.ahead.as_deref().unwrap_or_default();
    let message = format!("ALMServiceKey {name} is older and uploads first: a tenant has only one key");
    let ready = Condition::unknown(Reason::WaitingForSibling, message);
    let conditions = settle::conditions(facts, ready, Progress::Reconciling);
    Settlement {
        ledger: settle::ledger_without_upload(facts),
        ..settle::settlement(facts, Some(conditions), &[Wait::Retry(Retry::Never)], now)
    }
}
