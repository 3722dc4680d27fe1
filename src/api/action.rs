//! The action that a person is asked for in manual mode, in the status of an `ALMServiceKey`.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::time::whole_seconds;
use crate::domain::action::{self, Action, Unconfirmed};
use crate::domain::service_key::fingerprint::KeyFingerprint;
use crate::domain::slot::Revision;

/// An action in Landscape Management that a person is asked for.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ActionStatus {
    /// Identifies the action. It is drawn at random and never used again. A confirmation names it.
    pub id: String,
    /// Upload: the key is to be uploaded. Replace: the key that is there is to be deleted, and the other one to be
    /// uploaded. Delete: the key that is there is to be deleted.
    pub operation: ActionOperation,
    /// Fingerprint of the key that is to be uploaded or deleted, as `almkey validate` prints it. Not set if it is not
    /// known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// The revision of the tenant's record of the slot that the action is based on.
    pub revision: String,
    /// Time of the request (RFC 3339, whole seconds).
    pub requested_at: Time,
    /// Time from which managed systems cannot sign in without this action (RFC 3339, whole seconds). Not set if it is
    /// not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Time>,
    /// The instructions, one step each, for a person who has never opened the app.
    #[serde(default)]
    #[schemars(extend("x-kubernetes-list-type" = "atomic"))]
    pub steps: Vec<String>,
}

/// A kind of action that a person is asked for.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActionOperation {
    /// Upload the key.
    Upload,
    /// Delete the key that is there, and upload the other one.
    Replace,
    /// Delete the key that is there.
    Delete,
}

/// The keys whose upload was requested and not confirmed.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct UnconfirmedStatus {
    /// The revision of the tenant's record of the slot that the requests are based on.
    pub revision: String,
    /// Fingerprints of the keys in the order of their requests, the last 8 of them.
    #[schemars(extend("x-kubernetes-list-type" = "atomic"))]
    pub fingerprints: Vec<String>,
}

impl From<&Action> for ActionStatus {
    fn from(action: &Action) -> Self {
        Self {
            id: action.id.clone(),
            operation: match action.operation {
                action::ActionOperation::Upload => ActionOperation::Upload,
                action::ActionOperation::Replace => ActionOperation::Replace,
                action::ActionOperation::Delete => ActionOperation::Delete,
            },
            fingerprint: action.fingerprint.as_ref().map(|fingerprint| fingerprint.as_str().to_owned()),
            revision: action.revision.as_str().to_owned(),
            requested_at: whole_seconds(action.requested_at),
            deadline: action.deadline.map(whole_seconds),
            steps: action.steps.clone(),
        }
    }
}

impl From<&ActionStatus> for Action {
    fn from(status: &ActionStatus) -> Self {
        Self {
            id: status.id.clone(),
            operation: match status.operation {
                ActionOperation::Upload => action::ActionOperation::Upload,
                ActionOperation::Replace => action::ActionOperation::Replace,
                ActionOperation::Delete => action::ActionOperation::Delete,
            },
            fingerprint: status.fingerprint.as_deref().map(KeyFingerprint::recorded),
            revision: Revision::new(&status.revision),
            requested_at: status.requested_at.0,
            deadline: status.deadline.as_ref().map(|deadline| deadline.0),
            steps: status.steps.clone(),
        }
    }
}

impl From<&Unconfirmed> for UnconfirmedStatus {
    fn from(unconfirmed: &Unconfirmed) -> Self {
        Self {
            revision: unconfirmed.revision.as_str().to_owned(),
            fingerprints: unconfirmed.keys.iter().map(|key| key.as_str().to_owned()).collect(),
        }
    }
}

impl From<&UnconfirmedStatus> for Unconfirmed {
    fn from(status: &UnconfirmedStatus) -> Self {
        Self {
            revision: Revision::new(&status.revision),
            keys: status.fingerprints.iter().map(|fingerprint| KeyFingerprint::recorded(fingerprint)).collect(),
        }
    }
}
