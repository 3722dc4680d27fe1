//! The effect of the deletion of an object in Landscape Management.

use crate::api::ALMServiceKey;
use crate::api::annotations::is_abandoned;
use crate::api::resolve::policy;
use crate::api::status::Origin;
use crate::cli::cluster::Tenant;
use crate::domain::policy::{DeletionPolicy, Mode};
use crate::names::annotation::ABANDON;

/// Says what the deletion of an object changes in Landscape Management.
pub(super) fn effect_of_deletion(key: &ALMServiceKey, tenant: &Tenant) -> String {
    if is_abandoned(key) {
        return format!("Nothing changes in Landscape Management ({ABANDON} is set).");
    }
    // What the tenant adds to the policy does not matter here.
    let policy = policy(&key.spec, None);
    let uploaded = key.status.as_ref().and_then(|status| status.uploaded.as_ref());
    match (policy.mode, policy.deletion, uploaded.map(|uploaded| uploaded.origin)) {
        (Mode::Observe, ..) => "Nothing changes in Landscape Management (spec.mode is Observe).",
        (Mode::Enforce, DeletionPolicy::Retain, _) => {
            "A key that signs in stays in Landscape Management, without an owner (spec.deletionPolicy is Retain)."
        }
        (Mode::Enforce, DeletionPolicy::Delete, Some(Origin::Adopted)) => {
            "A key that was adopted stays in Landscape Management, without an owner, unless it is dead."
        }
        (Mode::Enforce, DeletionPolicy::Delete, Some(Origin::Uploaded) | None) if tenant.is_manual() => {
            "If the key may be in Landscape Management, a person is asked to delete it there; the object does not wait."
        }
        (Mode::Enforce, DeletionPolicy::Delete, Some(Origin::Uploaded) | None) => {
            "If the key is in Landscape Management, it is removed there, or handed over to another ALMServiceKey of the \
             tenant that has the same key."
        }
    }
    .to_owned()
}

/// Returns true if the key of an object leaves the slot with it, so that another key can follow.
pub(super) fn empties_the_slot(key: &ALMServiceKey) -> bool {
    let policy = policy(&key.spec, None);
    let uploaded = key.status.as_ref().and_then(|status| status.uploaded.as_ref());
    let is_ours = uploaded.is_some_and(|uploaded| uploaded.origin == Origin::Uploaded);
    policy.mode == Mode::Enforce && policy.deletion == DeletionPolicy::Delete && is_ours && !is_abandoned(key)
}
