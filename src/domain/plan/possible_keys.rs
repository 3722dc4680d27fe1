//! The keys of an object that may be in the slot in manual mode, in which the record does not know everything.

use super::facts::Facts;
use crate::domain::action::{Action, ActionOperation};
use crate::domain::ledger::Ledger;
use crate::domain::policy::Adapter;
use crate::domain::service_key::fingerprint::KeyFingerprint;
use crate::domain::slot::{Holder, Slot};

/// Returns the keys of this object that may be in the slot although the record does not say so: those whose upload was
/// requested and not confirmed, and the key that the ledger has if the record was lost.
///
/// A key that a person is asked to upload for a sibling is left to that sibling: a request to delete it would lead to the
/// deletion of the sibling's key. An object that is being deleted names it all the same, because the tenant takes the
/// request over, and withdraws what a living object wants.
pub(super) fn possible_keys<'a>(facts: &'a Facts, slot: &Slot) -> Vec<&'a KeyFingerprint> {
    let Ledger { uploaded, unconfirmed, .. } = &facts.ledger;
    if facts.policy.adapter == Adapter::Http {
        return Vec::new();
    }
    let lost = uploaded.as_ref().filter(|_| matches!(slot, Slot::Unknown { .. }));
    let requested = unconfirmed.as_ref().filter(|unconfirmed| unconfirmed.revision == *slot.revision());
    let requested = requested.map(|unconfirmed| unconfirmed.keys.as_slice()).unwrap_or_default();
    let keys = lost.map(|uploaded| &uploaded.fingerprint).into_iter().chain(requested);
    keys.filter(|key| facts.subject.deleting || !facts.siblings.requested.contains(key)).collect()
}

/// Returns the keys of this object that a person is to delete, the most likely one first: that of the slot, if it is ours,
/// and those that may be there.
pub(super) fn keys_to_delete(facts: &Facts) -> Vec<&KeyFingerprint> {
    let Some(Ok(slot)) = &facts.answers.slot else { return Vec::new() };
    let is_ours = matches!(slot.holder(&facts.subject.owner), Holder::Us(_));
    let uploaded = facts.ledger.uploaded.as_ref().filter(|uploaded| uploaded.revision == *slot.revision());
    let is_current =
        |action: &&Action| action.operation == ActionOperation::Delete && action.revision == *slot.revision();
    // The content cannot be read now, and the request was made when it could be.
    let requested = facts.ledger.action.as_ref().filter(is_current).and_then(|action| action.fingerprint.as_ref());
    let recorded = facts.slot_fingerprint().or(uploaded.map(|uploaded| &uploaded.fingerprint)).or(requested);
    let recorded = recorded.filter(|_| is_ours);
    let mut keys: Vec<_> = recorded.into_iter().collect();
    for key in possible_keys(facts, slot).into_iter().rev() {
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    keys
}
