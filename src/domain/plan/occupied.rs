//! A slot that this object may not fill: it holds the key of another owner, or an older sibling comes first.

use super::facts::Facts;
use super::probe::{self, SlotKey};
use super::settle::{self, Wait};
use super::step::{Now, Settlement, Step};

use super::put;
use crate::domain::conditions::{Condition, Conditions, Progress};
use crate::domain::ledger::{Ledger, Overwritten};
use crate::domain::policy::{Adapter, AdoptionPolicy};
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
            put::put(facts, key, revision, false, now)
        }
        AdoptionPolicy::Replace | AdoptionPolicy::IfIdentical | AdoptionPolicy::Never => Ok(stalled(facts, now)),
    }
}

/// Returns true if another client put the content of the slot under the name of this object: the slot names this object at
/// a revision that the operator did not record, with other content than it put, while the source still has the document
/// that it did put. That is so if two operators use the same cluster ID, as after a restored backup of etcd. They would
/// overwrite each other's keys forever.
pub(super) fn is_overwritten_by_namesake(facts: &Facts, key: &ServiceKey, revision: &Revision) -> bool {
    let Ledger { uploaded, pending, overwritten, .. } = &facts.ledger;
    let is_put = uploaded
        .as_ref()
        .is_some_and(|uploaded| uploaded.revision != *revision && uploaded.is_current(key) == Some(true));
    let content = facts.slot_key().map(ServiceKey::fingerprint);
    let may_be_ours = facts.answers.earlier_write
        || pending.as_ref().is_some_and(|pending| {
            content.is_none() || pending.fingerprint.is_none() || pending.fingerprint.as_ref() == content
        });
    let has_changed =
        overwritten.as_ref().is_some_and(|overwritten| overwritten.generation != facts.subject.generation);
    // The record of manual mode is written by this operator alone.
    let is_shared = facts.policy.adapter == Adapter::Http;
    is_shared && is_put && !may_be_ours && !has_changed && facts.subject.requested.is_none()
}

/// Settles because another client put a key under the name of this object. Returns `None` once that key is proven dead, so
/// that it may be overwritten.
///
/// # Errors
/// Returns the step that must be performed first.
pub(super) fn overwritten_by_namesake(facts: &Facts, key: &ServiceKey, now: Now) -> Result<Option<Settlement>, Step> {
    let mut waits = vec![Wait::Interval.at_most_hourly()];
    match probe::slot_key(facts)? {
        SlotKey::Refused(_) => match probe::wait_until_dead(facts, now) {
            Some(wait) => waits.push(wait),
            None => return Ok(None),
        },
        SlotKey::Unknown(retry) => waits.push(Wait::Retry(retry)),
        SlotKey::Accepted | SlotKey::Unusable | SlotKey::NotAvailable => {}
    }
    let uploaded = settle::overwritten_by_namesake();
    let ready = uploaded.clone();
    let conditions = Conditions { uploaded, ..settle::conditions(facts, ready, Progress::Stalled) };
    // A pending write is conditional on a revision that the slot has left.
    let ledger = Ledger { pending: None, overwritten: Some(overwritten(facts, key)), ..settle::current_ledger(facts) };
    Ok(Some(Settlement { ledger, ..settle::settlement(facts, Some(conditions), &waits, now) }))
}

/// Returns true if another client put a key under the name of this object after its own was removed with its source: the
/// ledger is empty, and no write of the operator fills a slot for a lost source. An operator of another cluster with the
/// same cluster ID keeps doing so, and each deletion would take the key from its managed systems.
pub(super) fn is_filled_by_namesake(facts: &Facts) -> bool {
    let was_removed = settle::removed_before(facts).is_some();
    let is_shared = facts.policy.adapter == Adapter::Http;
    is_shared && was_removed && !facts.answers.earlier_write && facts.subject.requested.is_none()
}

/// Settles because another client put a key under the name of this object, whose source is gone. The key is probed.
pub(super) fn filled_by_namesake(facts: &Facts, waits: Vec<Wait>, now: Now) -> Settlement {
    let waits: Vec<Wait> = waits.into_iter().map(Wait::at_most_hourly).collect();
    let uploaded = Condition::no(
        Reason::SlotOverwritten,
        "another client put a key into Landscape Management under the name of this object, whose source is gone: perhaps \
         an operator of another cluster uses the same cluster ID. Stop the operator that is wrong, or request a \
         reconciliation of this object to delete that key",
    );
    let ready = uploaded.clone();
    let conditions = Conditions { uploaded, ..settle::conditions(facts, ready, Progress::Stalled) };
    settle::settlement(facts, Some(conditions), &waits, now)
}

/// Returns the record that another client overwrote `key`.
fn overwritten(facts: &Facts, key: &ServiceKey) -> Overwritten {
    Overwritten { fingerprint: key.fingerprint().clone(), generation: facts.subject.generation }
}

/// Returns true if another client overwrote exactly this key and the object has not changed since.
fn was_overwritten(facts: &Facts, key: &ServiceKey) -> bool {
    let Some(Overwritten { fingerprint, generation }) = settle::ledger_without_upload(facts).overwritten else {
        return false;
    };
    // A fingerprint of another version cannot be compared, so it counts as the same key: nothing is overwritten.
    let is_same_key = !fingerprint.is_comparable() || fingerprint == *key.fingerprint();
    is_same_key && generation == facts.subject.generation
}

/// Settles because the slot holds a key that is not ours and is not to be changed.
pub(super) fn stalled(facts: &Facts, now: Now) -> Settlement {
    let overwritten_key = facts.source_key().filter(|key| was_overwritten(facts, key));
    let uploaded = match settle::uploaded(facts) {
        Condition { message, .. } if overwritten_key.is_some() => {
            let message = match facts.policy.adapter {
                Adapter::Http => format!("another client overwrote the key of this object. {message}"),
                // A policy alone replaces no key that came after ours.
                Adapter::Manual => format!("{message}, and request a reconciliation"),
            };
            Condition::no(Reason::SlotOverwritten, message)
        }
        uploaded => uploaded,
    };
    let ready = Condition::no(uploaded.reason, uploaded.message.clone());
    let conditions = Conditions { uploaded, ..settle::conditions(facts, ready, Progress::Stalled) };
    let before = settle::ledger_without_upload(facts);
    // The record of an earlier version is written anew, so that it does not count as the same key after a rotation.
    let overwritten = overwritten_key.map(|key| overwritten(facts, key)).or(before.overwritten);
    Settlement {
        ledger: Ledger { overwritten, ..before },
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
