//! Whom it matters to that an object's state has changed: its siblings, and its tenant.
//!
//! An object's status is our own writing and no trigger for itself. But another one of the same tenant may have waited
//! for the slot, or must step back.

use std::collections::HashMap;

use kube::ResourceExt;

use super::siblings::is_proven;
use crate::api::ALMServiceKey;

/// The sibling_states of all objects as the watch has told, by uid.
#[derive(Default)]
pub(crate) struct SiblingStates(HashMap<String, SiblingState>);

/// What of an object matters to others.
#[derive(Default, PartialEq, Eq)]
struct SiblingState {
    proven: bool,
    uploaded: Option<String>,
    pending: bool,
    leaves_something: bool,
}

impl SiblingStates {
    /// Notes an object as it is now. Whether others are to be told.
    pub(crate) fn seen(&mut self, object: &ALMServiceKey) -> bool {
        let status = object.status.as_ref();
        let uploaded = status.and_then(|status| status.uploaded.as_ref()).map(|uploaded| uploaded.fingerprint.clone());
        let pending = status.is_some_and(|status| status.pending.is_some());
        let leaves_something = object.metadata.deletion_timestamp.is_some() && (uploaded.is_some() || pending);
        let state = SiblingState { proven: is_proven(object), uploaded, pending, leaves_something };
        // One that has nothing there and may put nothing there is as good as none: anybody may make such objects.
        let before = self.0.entry(object.uid().unwrap_or_default()).or_default();
        let changed = *before != state;
        *before = state;
        changed
    }

    /// Notes that an object has gone. Whether others are to be told.
    pub(crate) fn gone(&mut self, object: &ALMServiceKey) -> bool {
        self.0.remove(&object.uid().unwrap_or_default()).is_some_and(|before| before != SiblingState::default())
    }
}
