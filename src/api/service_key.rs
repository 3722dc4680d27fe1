//! `ALMServiceKey`: a key that belongs into Landscape Management, written by the platform team.

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::duration::Duration;
use super::status::ALMServiceKeyStatus;

/// Keeps the SAP Cloud ALM service key of a tenant true to a source in this namespace: validated, proven to sign in,
/// uploaded to Landscape Management, replaced when the source rotates, and removed there when the source is gone or the
/// key is dead.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug)]
#[kube(
    group = "almkey.dev",
    version = "v1alpha1",
    kind = "ALMServiceKey",
    plural = "almservicekeys",
    singular = "almservicekey",
    shortname = "almkey",
    category = "alm",
    category = "sap",
    namespaced,
    status = "ALMServiceKeyStatus",
    doc = "Keeps the SAP Cloud ALM service key of a tenant true to a source in this namespace: validated, proven to sign in, uploaded to Landscape Management, replaced when the source rotates, and removed there when the source is gone or the key is dead.",
    selectable = ".spec.tenantRef.name",
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status"}"#,
    printcolumn = r#"{"name":"Status","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].reason"}"#,
    printcolumn = r#"{"name":"Tenant","type":"string","jsonPath":".spec.tenantRef.name"}"#,
    printcolumn = r#"{"name":"Signed In","type":"string","jsonPath":".status.conditions[?(@.type==\"SignedIn\")].status"}"#,
    printcolumn = r#"{"name":"Uploaded","type":"date","jsonPath":".status.uploaded.uploadedAt"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#,
    printcolumn = r#"{"name":"Source","type":"string","jsonPath":".status.source.name","priority":1}"#,
    printcolumn = r#"{"name":"Message","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].message","priority":1}"#,
    printcolumn = r#"{"name":"Fingerprint","type":"string","jsonPath":".status.uploaded.fingerprint","priority":1}"#
)]
#[serde(rename_all = "camelCase")]
pub struct ALMServiceKeySpec {
    /// The ALMTenant whose slot the key belongs into. Immutable.
    #[x_kube(validation = ("self == oldSelf", "tenantRef is immutable: delete this ALMServiceKey and create another one"))]
    pub tenant_ref: TenantRef,

    /// Where the key comes from, in this namespace.
    pub source: Source,

    /// How often an unchanged key is signed in with and the slot is looked at, ±10 %; from 10s to 24h. Unset means 15m.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = ("duration(self) >= duration('10s') && duration(self) <= duration('24h')", "interval must be from 10s to 24h"))]
    pub interval: Option<Duration>,

    /// How long the source must be gone before its key is removed; at most 720h. Unset means 0s for a ServiceBinding and
    /// 5m for a plain Secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = ("duration(self) <= duration('720h')", "gracePeriod must be at most 720h"))]
    pub grace_period: Option<Duration>,

    /// What happens when the key no longer signs in although its source still stands, as after a deletion in the BTP
    /// cockpit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dead_key: Option<DeadKey>,

    /// What happens to a living key in Landscape Management when this object or its source goes: Delete removes it, Retain
    /// leaves it there without an owner. A dead key is not retained. Unset means Delete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deletion_policy: Option<DeletionPolicy>,

    /// Enforce does what is right; Observe only validates, signs in and says what would be done: it writes nothing to
    /// Landscape Management, also when this object is deleted. Unset means Enforce.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,

    /// While true, nobody is asked anything and nothing is written to Landscape Management; a deletion of this object still
    /// works. Unset means false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspend: Option<bool>,
}

/// An ALMTenant by its name.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug)]
#[serde(rename_all = "camelCase")]
pub struct TenantRef {
    /// Its name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}

/// Where the key comes from: exactly one of the two.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = ("has(self.serviceBindingRef) != has(self.secretRef)", "exactly one of serviceBindingRef and secretRef must be set"))]
pub struct Source {
    /// A ServiceBinding of the SAP BTP service operator. Its Secret is found by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_binding_ref: Option<ServiceBindingRef>,

    /// A Secret that anything else keeps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<SecretRef>,
}

/// A ServiceBinding (services.cloud.sap.com) of this namespace.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug)]
#[serde(rename_all = "camelCase")]
pub struct ServiceBindingRef {
    /// Its name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}

/// A Secret of this namespace.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug)]
#[serde(rename_all = "camelCase")]
pub struct SecretRef {
    /// Its name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,

    /// The entry that holds the key as JSON. Unset means: the entries `uaa` and `endpoints` if there are such, else the only
    /// entry that holds a key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub key: Option<String>,
}

/// What happens to a key that no longer signs in.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug)]
#[serde(rename_all = "camelCase")]
pub struct DeadKey {
    /// Whether it is deleted from Landscape Management or only reported. Unset means Delete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<DeadKeyAction>,

    /// For how long it must have been refused, at four probes without a success between; from 10s to 720h. Unset means
    /// 10m.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = ("duration(self) >= duration('10s') && duration(self) <= duration('720h')", "after must be from 10s to 720h"))]
    pub after: Option<Duration>,
}

/// What happens to a living key when its object or its source goes.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeletionPolicy {
    /// It is deleted from Landscape Management.
    Delete,
    /// It stays there, and nobody looks after it any more.
    Retain,
}

/// Whether anything is written to Landscape Management.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// What is right is done.
    Enforce,
    /// It is only said.
    Observe,
}

/// What happens to a dead key.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeadKeyAction {
    /// It is deleted from Landscape Management.
    Delete,
    /// It is only reported.
    Report,
}
