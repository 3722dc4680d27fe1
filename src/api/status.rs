//! What the operator says of an `ALMServiceKey`.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::ledger::{self, Ledger, Operation, Overwritten, Pending, Uploaded};
use crate::domain::plan::SourceIdentity;
use crate::domain::reason::Reason;
use crate::domain::service_key::fingerprint::Fingerprint;
use crate::domain::slot::Revision;
use crate::names::condition;

/// What the operator says of an ALMServiceKey.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ALMServiceKeyStatus {
    /// The generation of this object that the conditions speak of, also of a pass that failed; -1 before there are any.
    #[serde(default)]
    pub observed_generation: i64,

    /// Ready is the summary; Valid (the key keeps the rules of the upload), SignedIn (the token endpoint accepts it) and
    /// Uploaded (it stands in Landscape Management) say where it stands; all four are always there. Reconciling (it moves by
    /// itself) and Stalled (somebody must act) are there only while True.
    #[serde(default)]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,

    /// Where the key was last found. Not set before it was found for the first time; it stays when the source goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceStatus>,

    /// The key of this object that stands in Landscape Management. Not set while there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uploaded: Option<UploadedStatus>,

    /// A write to Landscape Management whose end is not known yet. Not set while there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<PendingStatus>,

    /// A key of this object that somebody put another one over: it is not put back by itself, so that two clusters cannot
    /// fight. Not set while there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overwritten: Option<OverwrittenStatus>,

    /// The value of the annotation almkey.dev/reconcile-requested-at that was acted upon last, its first 256 characters. Written
    /// with the verdict of that pass, so whoever asked can wait for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
}

/// A key of an object that somebody put another one over: it is not put back by itself.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct OverwrittenStatus {
    /// Fingerprint of the key of ours.
    pub fingerprint: String,
    /// The generation of this object when that was seen; with another one it is tried again.
    pub generation: i64,
}

/// Where the key was last found.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct SourceStatus {
    /// Kind of the source: ServiceBinding or Secret.
    pub kind: String,
    /// Name of the ServiceBinding or Secret, in this object's namespace.
    pub name: String,
    /// Uid of the source: another object of the same name is not the same source.
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
    /// How it got there: Uploaded by the operator, or Adopted because the very same key was there already.
    pub origin: Origin,
    /// The slot's revision with it, which a later write is conditional on.
    pub revision: String,
    /// Tells two keys apart and reveals neither: 32 hexadecimal digits.
    pub fingerprint: String,
    /// `uaa.identityzone` of the key.
    pub identity_zone: String,
    /// `uaa.credential-type` of the key.
    pub credential_type: String,
    /// `uaa.clientid` of the key.
    #[serde(rename = "clientID")]
    pub client_id: String,
    /// When it was put there or taken over (RFC 3339, whole seconds).
    pub uploaded_at: Time,
    /// When it was proven to sign in, before it was put there (RFC 3339, whole seconds).
    pub proven_at: Time,
}

/// How a key got into the slot.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The operator put it there.
    Uploaded,
    /// It was there already and was taken over: it is deleted only when it no longer signs in.
    Adopted,
}

/// A write whose end is not known yet.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct PendingStatus {
    /// What was begun. Upload: the key is put into the slot; Delete: the slot is emptied; Adopt: the key that stands there
    /// becomes ours; Release: it is left to somebody else or to nobody. `TakeOver` and `GiveUp` are the former names of Adopt and
    /// Release, and are read but no longer written.
    pub operation: PendingOperation,
    /// Fingerprint of the key that it is about. Not set where that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// The slot's revision that the write is conditional on: with another one it has no effect.
    pub revision: String,
    /// When it was begun (RFC 3339, whole seconds).
    pub started_at: Time,
}

/// A kind of write. The schema also admits the former names of Adopt and Release: an object that holds one could not be
/// written to otherwise.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
#[schemars(extend("enum" = ["TakeOver", "GiveUp"]))]
pub enum PendingOperation {
    /// The key is put into the slot.
    Upload,
    /// The slot is emptied.
    Delete,
    /// The key that stands there becomes ours.
    #[serde(alias = "TakeOver")]
    Adopt,
    /// The key that stands there is left to somebody else or to nobody.
    #[serde(alias = "GiveUp")]
    Release,
}

/// Why `Uploaded` is unknown of an object of which nobody has looked for anything in the slot.
const NOT_LOOKED: [Reason; 5] = [
    Reason::Progressing,
    Reason::WaitingForTenant,
    Reason::NamespaceNotAllowed,
    Reason::DuplicateTenant,
    Reason::Suspended,
];

impl ALMServiceKeyStatus {
    /// Whether it tells of a look at the slot. Somebody may have left a key there to this object since, of which no ledger
    /// tells yet.
    #[must_use]
    pub fn has_looked(&self) -> bool {
        let uploaded = self.conditions.iter().find(|found| found.type_ == condition::UPLOADED);
        uploaded.is_some_and(|found| {
            found.status != "Unknown" || !NOT_LOOKED.iter().any(|reason| found.reason == reason.as_str())
        })
    }

    /// Whether something of the object may be in the slot, whoever is admitted now: it is recorded, or may have been left to
    /// it.
    #[must_use]
    pub fn may_hold(&self) -> bool {
        self.ledger().is_open() || self.has_looked()
    }

    /// The ledger as the domain knows it.
    #[must_use]
    pub fn ledger(&self) -> Ledger {
        Ledger {
            uploaded: self.uploaded.as_ref().map(|uploaded| Uploaded {
                origin: match uploaded.origin {
                    Origin::Uploaded => ledger::Origin::Uploaded,
                    Origin::Adopted => ledger::Origin::Adopted,
                },
                revision: Revision::new(&uploaded.revision),
                fingerprint: Fingerprint::recorded(&uploaded.fingerprint),
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
                fingerprint: pending.fingerprint.as_deref().map(Fingerprint::recorded),
                revision: Revision::new(&pending.revision),
                started_at: pending.started_at.0,
            }),
            overwritten: self.overwritten.as_ref().map(|overwritten| Overwritten {
                fingerprint: Fingerprint::recorded(&overwritten.fingerprint),
                generation: overwritten.generation,
            }),
        }
    }

    /// Takes over the ledger.
    pub fn set_ledger(&mut self, ledger: &Ledger) {
        self.uploaded = ledger.uploaded.as_ref().map(|uploaded| UploadedStatus {
            origin: match uploaded.origin {
                ledger::Origin::Uploaded => Origin::Uploaded,
                ledger::Origin::Adopted => Origin::Adopted,
            },
            revision: uploaded.revision.as_str().to_owned(),
            fingerprint: uploaded.fingerprint.as_str().to_owned(),
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
    }
}

/// Kubernetes writes times in whole seconds: what is compared later must be what comes back.
fn whole_seconds(timestamp: Timestamp) -> Time {
    Time(Timestamp::from_second(timestamp.as_second()).unwrap_or(timestamp))
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
    fn a_status_tells_whether_the_slot_was_looked_at() {
        assert!(!ALMServiceKeyStatus::default().has_looked());
        for reason in NOT_LOOKED {
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
