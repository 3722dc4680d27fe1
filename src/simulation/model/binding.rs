//! A `ServiceBinding`, and the Secret that carries a key.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use kube::api::DynamicObject;
use serde_json::json;

use crate::names::btp;
use crate::simulation::model::sap::KeyNumber;
use crate::simulation::step::Credential;

/// The next thing that the SAP BTP service operator does with a binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NextAction {
    None,
    /// The binding was created: its Secret follows.
    CreateSecret,
    /// The Secret exists: the status follows.
    ReportReady,
    /// The binding is being deleted: its key and its id are removed.
    Unbind,
    DeleteSecret,
    RemoveFinalizer,
    /// The binding is being rotated: the new key is written into the Secret.
    RotateKey,
}

/// A `ServiceBinding` of the model, with its credentials in BTP.
pub(crate) struct Binding {
    pub(crate) metadata: ObjectMeta,
    pub(crate) id: Option<String>,
    pub(crate) key: KeyNumber,
    pub(crate) credential: Credential,
    pub(crate) next: NextAction,
    /// True if the service operator has noticed that BTP does not know the binding.
    pub(crate) is_lost: bool,
}

impl Binding {
    pub(crate) fn uid(&self) -> &str {
        self.metadata.uid.as_deref().unwrap_or_default()
    }

    pub(crate) fn is_terminating(&self) -> bool {
        self.metadata.deletion_timestamp.is_some()
    }

    /// Returns the binding as the API server serves it.
    pub(crate) fn to_object(&self) -> DynamicObject {
        let reason = if self.is_lost { btp::NOT_FOUND_REASON } else { "Provisioned" };
        let ready = if self.is_lost || self.id.is_none() { "False" } else { "True" };
        let condition = json!({
            "type": "Ready", "status": ready, "reason": reason, "message": "",
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        });
        let status = json!({ "bindingID": self.id.clone().unwrap_or_default(), "conditions": [condition] });
        DynamicObject { types: None, metadata: self.metadata.clone(), data: json!({ "spec": {}, "status": status }) }
    }
}

/// The copy of a binding that keeps the old key after a rotation.
pub(crate) struct StaleCopy {
    /// The name of the binding.
    pub(crate) binding: String,
    /// The copy. Its Secret has its name.
    pub(crate) metadata: ObjectMeta,
    pub(crate) key: KeyNumber,
}

impl StaleCopy {
    /// Returns the copy as the API server serves it.
    pub(crate) fn to_object(&self) -> DynamicObject {
        let spec = json!({ "credentialsRotationPolicy": { "rotatedBindingTTL": "2h" } });
        let data = json!({ "spec": spec, "status": { "bindingID": "", "conditions": [] } });
        DynamicObject { types: None, metadata: self.metadata.clone(), data }
    }
}

/// Returns the reference of an object that the binding, or the copy, of this name and uid controls.
pub(crate) fn controlled_by(name: &str, uid: &str) -> OwnerReference {
    OwnerReference {
        controller: Some(true),
        kind: btp::BINDING_KIND.into(),
        name: name.into(),
        uid: uid.into(),
        ..OwnerReference::default()
    }
}

/// A document that violates all rules for service keys. No message may quote a value of it.
const INVALID_DOCUMENT: &str = r#"{"uaa":{"identityzone":"CANARY","clientid":["CANARY"],"clientsecret":{"CANARY":"CANARY"},
    "credential-type":"CANARY","url":"CANARY"},"endpoints":{"CANARY":"CANARY"}}"#;

/// Returns a Secret with this document, or with an invalid one.
pub(crate) fn key_secret(metadata: ObjectMeta, document: Option<&str>) -> Secret {
    let document = document.unwrap_or(INVALID_DOCUMENT);
    let data = BTreeMap::from([("key".to_owned(), ByteString(document.as_bytes().to_vec()))]);
    Secret { metadata, data: Some(data), ..Secret::default() }
}
