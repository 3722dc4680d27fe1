//! The status of an `ALMServiceKey`, and its conversion from and to the domain's ledger.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::action::{ActionStatus, UnconfirmedStatus};
use super::confirmation::ConfirmationStatus;
use super::time::whole_seconds;
use crate::domain::action::{Action, Unconfirmed};
use crate::domain::ledger::{self, Ledger, Operation, Overwritten, Pending, Uploaded};
use crate::domain::plan::SourceIdentity;
use crate::domain::reason::Reason;
use crate::domain::service_key::fingerprint::{DocumentFingerprint, KeyFingerprint};
use crate::domain::slot::Revision;
use crate::names::condition::UPLOADED;

/// The state of an ALMServiceKey as the operator observed it.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ALMServiceKeyStatus {
    /// The generation of this object that the conditions describe, even if its reconciliation failed; -1 before the
    /// first reconciliation.
    #[serde(default)]
    pub observed_generation: i64,

    /// Ready is the summary. Valid (the key meets the upload rules), SignedIn (the token endpoint accepts the key) and
    /// Uploaded (the key is in Landscape Management) give the details. These four are always present. Reconciling (work
    /// is in progress) and Stalled (a person must act) are present only while True.
    #[serde(default)]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,

    /// The source in which the key was last found. Not set before the key was first found; kept when the source is
    /// deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceStatus>,

    /// The key of this object in Landscape Management. Not set while there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uploaded: Option<UploadedStatus>,

    /// A write to Landscape Management whose outcome is not known yet. Not set while there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<PendingStatus>,

    /// A key of this object that another client has overwritten. The operator does not upload it again on its own, so
    /// that two clusters cannot fight over the slot. Not set while there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overwritten: Option<OverwrittenStatus>,

    /// The action in Landscape Management that a person is asked for in manual mode. Not set while nothing is to be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<ActionStatus>,

    /// The keys whose upload was requested in manual mode and not confirmed. Each of them may be in Landscape Management.
    /// Not set while there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unconfirmed: Option<UnconfirmedStatus>,

    /// The result of the last confirmation, made by the annotation almkey.dev/confirmation. Not set before the first one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_confirmation: Option<ConfirmationStatus>,

    /// The last handled value of the annotation almkey.dev/reconcile-requested-at, its first 256 characters. It is
    /// written together with the result of that reconciliation, so that a client can wait for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
}

/// A key that another client has overwritten.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct OverwrittenStatus {
    /// Fingerprint of the overwritten key.
    pub fingerprint: String,
    /// The generation of this object when the overwrite was observed. A change of the spec or of the source, or a
    /// request, allows another upload.
    pub generation: i64,
}

/// The source in which the key was last found.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct SourceStatus {
    /// Kind of the source: ServiceBinding or Secret.
    pub kind: String,
    /// Name of the ServiceBinding or Secret, in this object's namespace.
    pub name: String,
    /// UID of the source: another object of the same name is a different source.
    pub uid: String,
    /// `status.bindingID` of the ServiceBinding. Not set for a plain Secret.
    #[serde(rename = "bindingID", default, skip_serializing_if = "Option::is_none")]
    pub binding_id: Option<String>,
    /// Name of the Secret that holds the key.
    pub secret_name: String,
}

impl From<&SourceIdentity> for SourceStatus {
    fn from(identity: &SourceIdentity) -> Self {
        Self {
            kind: identity.kind.into(),
            name: identity.name.clone(),
            uid: identity.uid.clone(),
            binding_id: identity.binding_id.clone(),
            secret_name: identity.secret_name.clone(),
        }
    }
}

/// A key in Landscape Management.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct UploadedStatus {
    /// Uploaded: the operator uploaded the key. Adopted: the identical key was already there and was adopted.
    pub origin: Origin,
    /// The revision of the slot with this key. Later writes are conditional on it.
    pub revision: String,
    /// Identifies the key, by its credentials and endpoints, without revealing it: the version of the computation, a
    /// colon and 32 hexadecimal digits. A value without a version is of an earlier operator and covers the credentials.
    pub fingerprint: String,
    /// Identifies the whole document that the source holds, in the form of `fingerprint`. If another document is found
    /// there, a key that the operator uploaded is uploaded again. Not set by an earlier operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<String>,
    /// `uaa.identityzone` of the key.
    pub identity_zone: String,
    /// `uaa.credential-type` of the key.
    pub credential_type: String,
    /// `uaa.clientid` of the key.
    #[serde(rename = "clientID")]
    pub client_id: String,
    /// Time of the upload or adoption (RFC 3339, whole seconds).
    pub uploaded_at: Time,
    /// Time of the successful sign-in before the upload (RFC 3339, whole seconds).
    pub proven_at: Time,
}

/// The way in which a key got into the slot.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The operator uploaded the key.
    Uploaded,
    /// The identical key was already in the slot. An adopted key is deleted only once it no longer signs in.
    Adopted,
}

/// A write whose outcome is not known yet.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct PendingStatus {
    /// The kind of the write. Upload: puts the key into the slot. Delete: empties the slot. Adopt: makes this object
    /// the owner of the key in the slot. Release: gives the key in the slot another owner, or none. `TakeOver` and
    /// `GiveUp` are the former names of Adopt and Release; they are read, but no longer written.
    pub operation: PendingOperation,
    /// Fingerprint of the key that the write concerns. Not set if it is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// The revision of the slot that the write is conditional on: at any other revision it has no effect.
    pub revision: String,
    /// Time at which the write was begun (RFC 3339, whole seconds).
    pub started_at: Time,
}

/// A kind of write. The schema also admits the former names of Adopt and Release: an object that holds one could not be
/// written to otherwise.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
#[schemars(extend("enum" = ["TakeOver", "GiveUp"]))]
pub enum PendingOperation {
    /// Puts the key into the slot.
    Upload,
    /// Empties the slot.
    Delete,
    /// Makes this object the owner of the key in the slot.
    #[serde(alias = "TakeOver")]
    Adopt,
    /// Gives the key in the slot another owner, or none.
    #[serde(alias = "GiveUp")]
    Release,
}

/// Reasons of `Uploaded=Unknown` of an object for which the slot has never been read.
const SLOT_NOT_READ: [Reason; 5] = [
    Reason::Progressing,
    Reason::WaitingForTenant,
    Reason::NamespaceNotAllowed,
    Reason::DuplicateTenant,
    Reason::Suspended,
];

impl ALMServiceKeyStatus {
    /// Returns true if the slot has been read for this object. An object may have been made the owner of a key since,
    /// by a hand-over that its ledger does not record yet.
    #[must_use]
    pub fn has_looked(&self) -> bool {
        let uploaded = self.conditions.iter().find(|condition| condition.type_ == UPLOADED);
        uploaded.is_some_and(|uploaded| {
            uploaded.status != "Unknown" || !SLOT_NOT_READ.iter().any(|reason| uploaded.reason == reason.as_str())
        })
    }

    /// Returns true if a key of this object may be in the slot, even if its tenant does not admit the object now: the
    /// ledger is open, or a hand-over may have made the object its owner.
    #[must_use]
    pub fn may_hold(&self) -> bool {
        self.ledger().is_open() || self.has_looked()
    }

    /// Converts the recorded fields into a ledger.
    #[must_use]
    pub fn ledger(&self) -> Ledger {
        Ledger {
            uploaded: self.uploaded.as_ref().map(|uploaded| Uploaded {
                origin: match uploaded.origin {
                    Origin::Uploaded => ledger::Origin::Uploaded,
                    Origin::Adopted => ledger::Origin::Adopted,
                },
                revision: Revision::new(&uploaded.revision),
                fingerprint: KeyFingerprint::recorded(&uploaded.fingerprint),
                document: uploaded.document.as_deref().map(DocumentFingerprint::recorded),
                identity_zone: uploaded.identity_zone.clone(),
                credential_type: uploaded.credential_type.clone(),
                client_id: uploaded.client_id.clone(),
                uploaded_at: uploaded.uploaded_at.0,
                proven_at: uploaded.proven_at.0,
            }),
            pending: self.pending.as_ref().map(|pending| Pending {
                operation: match pending.operation {
                    PendingOperation::Upload => Operation::Upload,
                    PendingOperation::Delete => Operation::Delete,
                    PendingOperation::Adopt => Operation::Adopt,
                    PendingOperation::Release => Operation::Release,
                },
                fingerprint: pending.fingerprint.as_deref().map(KeyFingerprint::recorded),
                revision: Revision::new(&pending.revision),
                started_at: pending.started_at.0,
            }),
            overwritten: self.overwritten.as_ref().map(|overwritten| Overwritten {
                fingerprint: KeyFingerprint::recorded(&overwritten.fingerprint),
                generation: overwritten.generation,
            }),
            action: self.action.as_ref().map(Action::from),
            unconfirmed: self.unconfirmed.as_ref().map(Unconfirmed::from),
        }
    }

    /// Records the ledger.
    pub fn set_ledger(&mut self, ledger: &Ledger) {
        self.uploaded = ledger.uploaded.as_ref().map(|uploaded| UploadedStatus {
            origin: match uploaded.origin {
                ledger::Origin::Uploaded => Origin::Uploaded,
                ledger::Origin::Adopted => Origin::Adopted,
            },
            revision: uploaded.revision.as_str().to_owned(),
            fingerprint: uploaded.fingerprint.as_str().to_owned(),
            document: uploaded.document.as_ref().map(|document| document.as_str().to_owned()),
            identity_zone: uploaded.identity_zone.clone(),
            credential_type: uploaded.credential_type.clone(),
            client_id: uploaded.client_id.clone(),
            uploaded_at: whole_seconds(uploaded.uploaded_at),
            proven_at: whole_seconds(uploaded.proven_at),
        });
        self.pending = ledger.pending.as_ref().map(|pending| PendingStatus {
            operation: match pending.operation {
                Operation::Upload => PendingOperation::Upload,
                Operation::Delete => PendingOperation::Delete,
                Operation::Adopt => PendingOperation::Adopt,
                Operation::Release => PendingOperation::Release,
            },
            fingerprint: pending.fingerprint.as_ref().map(|fingerprint| fingerprint.as_str().to_owned()),
            revision: pending.revision.as_str().to_owned(),
            started_at: whole_seconds(pending.started_at),
        });
        self.overwritten = ledger.overwritten.as_ref().map(|overwritten| OverwrittenStatus {
            fingerprint: overwritten.fingerprint.as_str().to_owned(),
            generation: overwritten.generation,
        });
        self.action = ledger.action.as_ref().map(ActionStatus::from);
        self.unconfirmed = ledger.unconfirmed.as_ref().map(UnconfirmedStatus::from);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn has_looked(uploaded: &str, reason: Reason) -> bool {
        let condition = json!({
            "type": "Uploaded", "status": uploaded, "reason": reason.as_str(), "message": "",
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        });
        let status = json!({ "observedGeneration": 1, "conditions": [condition] });
        serde_json::from_value::<ALMServiceKeyStatus>(status).expect("a status").has_looked()
    }

    #[test]
    fn a_pending_operation_is_read_by_its_former_name_and_written_by_its_new_one() {
        let read = |operation: &str| {
            let pending = json!({ "operation": operation, "revision": "\"1\"", "startedAt": "2026-01-01T00:00:00Z" });
            serde_json::from_value::<PendingStatus>(pending).expect("a pending write").operation
        };
        for (former, operation) in [("TakeOver", PendingOperation::Adopt), ("GiveUp", PendingOperation::Release)] {
            assert_eq!(read(former), operation);
            let written = serde_json::to_value(operation).expect("JSON");
            assert_eq!(read(written.as_str().expect("a string")), operation);
            assert_ne!(written, former);
        }
    }

    #[test]
    fn the_schema_admits_each_name_of_a_pending_operation_that_can_be_read() {
        let crd = serde_json::to_value(<crate::api::ALMServiceKey as kube::CustomResourceExt>::crd()).expect("JSON");
        let status = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["status"];
        let mut names = status["properties"]["pending"]["properties"]["operation"]["enum"].clone();
        names.as_array_mut().expect("an enum").sort_by_key(ToString::to_string);
        assert_eq!(names, json!(["Adopt", "Delete", "GiveUp", "Release", "TakeOver", "Upload"]));
    }

    #[test]
    fn a_status_shows_if_the_slot_was_read() {
        assert!(!ALMServiceKeyStatus::default().has_looked());
        for reason in SLOT_NOT_READ {
            assert!(!has_looked("Unknown", reason), "{reason}");
        }
        for (uploaded, reason) in [
            ("True", Reason::Uploaded),
            ("False", Reason::NotSlotOwner),
            ("False", Reason::SourceGone),
            ("Unknown", Reason::SlotUnknown),
            ("Unknown", Reason::NotVerifiedLately),
        ] {
            assert!(has_looked(uploaded, reason), "{uploaded} {reason}");
        }
    }
}
