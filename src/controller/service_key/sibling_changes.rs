//! Detection of status changes that concern siblings and the tenant.
//!
//! The operator writes the status itself, so a change of it does not trigger the object. But a sibling may have waited for
//! the slot, or must step back.

use std::collections::HashMap;

use super::siblings::is_ready_to_upload;
use crate::api::ALMServiceKey;
use crate::cluster::identity::Uid;

/// The states of all objects, as the watch has seen them.
#[derive(Default)]
pub(crate) struct SiblingStates(HashMap<Uid, SiblingState>);

/// The part of an object's state that concerns its siblings.
#[derive(Default, PartialEq, Eq)]
struct SiblingState {
    proven: bool,
    uploaded: Option<String>,
    pending: bool,
    leaves_key_behind: bool,
}

impl SiblingStates {
    /// Records the state of an object. Returns true if its siblings must be reconciled.
    pub(crate) fn record(&mut self, object: &ALMServiceKey) -> bool {
        let status = object.status.as_ref();
        let uploaded = status.and_then(|status| status.uploaded.as_ref()).map(|uploaded| uploaded.fingerprint.clone());
        let pending = status.is_some_and(|status| status.pending.is_some() || status.unconfirmed.is_some());
        let leaves_key_behind = object.metadata.deletion_timestamp.is_some() && (uploaded.is_some() || pending);
        let state = SiblingState { proven: is_ready_to_upload(object), uploaded, pending, leaves_key_behind };
        // An unknown object has the default state: a new one that has nothing in the slot, and may put nothing there, must
        // not trigger its siblings, because users create such objects at will.
        let before = self.0.entry(Uid::new(object)).or_default();
        let changed = *before != state;
        *before = state;
        changed
    }

    /// Drops the state of a deleted object. Returns true if its siblings must be reconciled.
    pub(crate) fn remove(&mut self, object: &ALMServiceKey) -> bool {
        self.0.remove(&Uid::new(object)).is_some_and(|before| before != SiblingState::default())
    }
}
