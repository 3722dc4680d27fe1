//! The comparison of a document with the key that the status of an object records as uploaded.

use std::fmt;

use serde_json::{Map, Value};

use crate::api::action::ActionOperation;
use crate::api::status::{ALMServiceKeyStatus, Origin};
use crate::cli::key_file::lenient;
use crate::domain::service_key::ServiceKey;
use crate::domain::service_key::fingerprint::KeyFingerprint;

/// The relation of a document to the uploaded key of its object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cli) enum Comparison {
    /// The operator has uploaded this document.
    Identical,
    /// Credentials and endpoints are those of the uploaded key.
    SameCredentials,
    /// The uploaded key is another one.
    Different,
    /// A person is asked to upload this key.
    Requested,
    /// No key is uploaded.
    NotUploaded,
    /// The status does not allow a comparison, for this reason.
    Unknown(&'static str),
}

impl Comparison {
    /// Returns the name in a report for machines.
    pub(in crate::cli) fn name(self) -> &'static str {
        match self {
            Self::Identical => "Identical",
            Self::SameCredentials => "SameCredentials",
            Self::Different => "Different",
            Self::Requested => "Requested",
            Self::NotUploaded => "NotUploaded",
            Self::Unknown(_) => "Unknown",
        }
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Identical => "yes, the operator has uploaded this document",
            Self::SameCredentials => {
                "the key in Landscape Management has the same credentials and endpoints; other fields may differ"
            }
            Self::Different => "no, the key in Landscape Management is another one",
            Self::Requested => "not yet confirmed: a person is asked to upload it (almkey explain NAME --steps)",
            Self::NotUploaded => "no, there is no key of this object in Landscape Management",
            Self::Unknown(why) => return write!(f, "not known, because {why}"),
        })
    }
}

/// Compares a document with the uploaded key. Also returns the fingerprint of the document, if a key can have it.
pub(super) fn compare(
    document: &Map<String, Value>,
    status: Option<&ALMServiceKeyStatus>,
) -> (Comparison, Option<String>) {
    let key = lenient::parse(document.clone()).ok();
    let comparison = compare_key(key.as_ref(), status);
    (comparison, key.map(|key| key.fingerprint().to_string()))
}

fn compare_key(key: Option<&ServiceKey>, status: Option<&ALMServiceKeyStatus>) -> Comparison {
    let Some(status) = status else { return Comparison::NotUploaded };
    if status.pending.is_some() {
        return Comparison::Unknown("a write to Landscape Management is under way");
    }
    if key.is_some_and(|key| is_requested(key, status)) {
        return Comparison::Requested;
    }
    let Some(uploaded) = &status.uploaded else { return Comparison::NotUploaded };
    // What breaks even the lenient rules was never uploaded.
    let Some(key) = key else { return Comparison::Different };
    let fingerprint = KeyFingerprint::recorded(&uploaded.fingerprint);
    let is_same_document = uploaded.document.as_deref() == Some(key.document_fingerprint().as_str());
    if !fingerprint.is_comparable() {
        Comparison::Unknown("an earlier version of the operator recorded the uploaded key")
    } else if fingerprint != *key.fingerprint() {
        Comparison::Different
    } else if is_same_document && uploaded.origin == Origin::Uploaded {
        Comparison::Identical
    } else {
        // An adopted key was compared by credentials and endpoints alone.
        Comparison::SameCredentials
    }
}

/// Returns true if a person is asked to upload this key.
fn is_requested(key: &ServiceKey, status: &ALMServiceKeyStatus) -> bool {
    let upload = status.action.as_ref().filter(|action| action.operation != ActionOperation::Delete);
    upload.is_some_and(|action| action.fingerprint.as_deref() == Some(key.fingerprint().as_str()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn document() -> Map<String, Value> {
        let document = json!({
            "endpoints": { "Api": "https://alm.example" },
            "uaa": {
                "clientid": "sb-x!b1|app!b2", "clientsecret": "s", "url": "https://token.example:8443",
                "identityzone": "acme-calm", "credential-type": "binding-secret",
            },
        });
        document.as_object().expect("an object").clone()
    }

    fn key() -> ServiceKey {
        lenient::parse(document()).expect("a key")
    }

    fn status(change: impl FnOnce(&mut Value)) -> ALMServiceKeyStatus {
        let key = key();
        let mut status = json!({
            "observedGeneration": 1, "conditions": [],
            "uploaded": {
                "origin": "Uploaded", "revision": "\"7\"", "fingerprint": key.fingerprint().as_str(),
                "document": key.document_fingerprint().as_str(), "identityZone": "acme-calm",
                "credentialType": "binding-secret", "clientID": "sb-x!b1|app!b2",
                "uploadedAt": "2026-05-01T10:00:00Z", "provenAt": "2026-05-01T10:00:00Z",
            },
        });
        change(&mut status);
        serde_json::from_value(status).expect("a status")
    }

    fn compared(change: impl FnOnce(&mut Value)) -> &'static str {
        compare(&document(), Some(&status(change))).0.name()
    }

    #[test]
    fn a_document_is_compared_with_what_the_status_records() {
        assert_eq!(compared(|_| ()), "Identical");
        assert_eq!(compared(|status| status["uploaded"]["document"] = "2:0".into()), "SameCredentials");
        assert_eq!(compared(|status| status["uploaded"]["document"] = Value::Null), "SameCredentials");
        assert_eq!(compared(|status| status["uploaded"]["origin"] = "Adopted".into()), "SameCredentials");
        assert_eq!(compared(|status| status["uploaded"]["fingerprint"] = "2:0".into()), "Different");
        assert_eq!(compared(|status| status["uploaded"]["fingerprint"] = "0".into()), "Unknown");
        assert_eq!(compared(|status| status["uploaded"] = Value::Null), "NotUploaded");
        let pending = json!({ "operation": "Upload", "revision": "\"7\"", "startedAt": "2026-05-01T10:00:00Z" });
        assert_eq!(compared(|status| status["pending"] = pending), "Unknown");
        assert_eq!(compare(&document(), None).0, Comparison::NotUploaded);
    }

    #[test]
    fn a_document_that_a_person_is_asked_to_upload_is_not_called_missing() {
        let action = |operation: &str, fingerprint: &str| {
            json!({
                "id": "bcdfg-hjkmn", "operation": operation, "fingerprint": fingerprint, "revision": "r",
                "requestedAt": "2026-05-01T10:00:00Z",
            })
        };
        let wanted = key().fingerprint().to_string();
        for (operation, fingerprint, expected) in [
            ("Upload", wanted.as_str(), "Requested"),
            ("Replace", wanted.as_str(), "Requested"),
            ("Delete", wanted.as_str(), "Identical"),
            ("Replace", "2:0", "Identical"),
        ] {
            assert_eq!(compared(|status| status["action"] = action(operation, fingerprint)), expected, "{operation}");
        }
    }

    #[test]
    fn a_document_that_is_no_key_has_no_fingerprint_and_was_not_uploaded() {
        let mut document = document();
        document["uaa"].as_object_mut().expect("an object").remove("clientsecret");
        assert_eq!(compare(&document, Some(&status(|_| ()))), (Comparison::Different, None));
    }
}
