//! `ALMServiceKey`: a key that belongs into Landscape Management, written by the platform team.

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::duration::Duration;
use super::schema;
use super::status::ALMServiceKeyStatus;

/// What the platform team wants: which tenant the key belongs to, where it comes from, and what becomes of it when it
/// changes, dies or goes.
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
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status","description":"Whether the key stands in Landscape Management and signs in."}"#,
    printcolumn = r#"{"name":"Status","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].reason","description":"Why Ready is what it is, in one word."}"#,
    printcolumn = r#"{"name":"Tenant","type":"string","jsonPath":".spec.tenantRef.name","description":"The ALMTenant that the key belongs to."}"#,
    printcolumn = r#"{"name":"Signed In","type":"string","jsonPath":".status.conditions[?(@.type==\"SignedIn\")].status","description":"Whether the token endpoint accepts the key."}"#,
    printcolumn = r#"{"name":"Uploaded","type":"date","jsonPath":".status.uploaded.uploadedAt","description":"How long ago the key was put into Landscape Management."}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp","description":"How long ago this object was made."}"#,
    printcolumn = r#"{"name":"Source","type":"string","jsonPath":".status.source.name","priority":1,"description":"The ServiceBinding or Secret that the key was found in."}"#,
    printcolumn = r#"{"name":"Message","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].message","priority":1,"description":"What is the matter and what to do, for a person."}"#,
    printcolumn = r#"{"name":"Fingerprint","type":"string","jsonPath":".status.uploaded.fingerprint","priority":1,"description":"Tells two keys apart and reveals neither."}"#
)]
#[serde(rename_all = "camelCase")]
pub struct ALMServiceKeySpec {
    /// The ALMTenant whose slot in Landscape Management the key belongs into. Required, and immutable: for another tenant,
    /// delete this object and create one there.
    #[x_kube(validation = ("self == oldSelf", "tenantRef is immutable: delete this ALMServiceKey and create another one"))]
    pub tenant_ref: TenantRef,

    /// Where the key comes from: exactly one of serviceBindingRef and secretRef, always in this object's own namespace.
    /// Required. When it is changed, the key of the new source is proven first and then replaces the one that stands.
    pub source: Source,

    /// How often an unchanged key is signed in with and the slot is looked at, give or take 10 %, as in 90s, 15m or 1h30m;
    /// from 10s to 24h. A dead key or a foreign hand is noticed within it; each look costs one sign-in and one read. What
    /// changes in the cluster is followed at once in any case. Unset means 15m.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::interval")]
    pub interval: Option<Duration>,

    /// How long the source must be gone before its key is removed from Landscape Management, as in 0s, 5m or 1h30m; at most
    /// 720h. A source that comes back in time costs nothing. Unset means 0s for a ServiceBinding and 5m for a plain Secret,
    /// which tools delete and make again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::grace_period")]
    pub grace_period: Option<Duration>,

    /// What happens when the key no longer signs in although its source still stands, as after a deletion in the BTP
    /// cockpit. Unset means that it is deleted from Landscape Management after it was refused for 10m.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dead_key: Option<DeadKey>,

    /// What happens to a living key in Landscape Management when this object or its source goes. Delete removes it; Retain
    /// leaves it there without an owner, and nobody looks after it any more. A dead key is not retained. What stands here at
    /// that time counts. Unset means Delete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "DeletionPolicy")]
    pub deletion_policy: Option<DeletionPolicy>,

    /// Enforce does what is right; Observe only validates, signs in and says what would be done: it writes nothing to
    /// Landscape Management, also when this object is deleted. Unset means Enforce.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Mode")]
    pub mode: Option<Mode>,

    /// true stops all work on this key: nobody is asked anything and nothing is written to Landscape Management, but a
    /// deletion of this object still works. The conditions but Ready keep what they said. Unset means false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspend: Option<bool>,
}

/// An ALMTenant by its name.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-map-type" = "atomic"))]
pub struct TenantRef {
    /// Name of the ALMTenant, 1 to 253 characters. Required. While there is none of that name, the key waits for it.
    #[schemars(schema_with = "schema::object_name")]
    pub name: String,
}

/// Where the key comes from: exactly one of the two.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = ("has(self.serviceBindingRef) != has(self.secretRef)", "exactly one of serviceBindingRef and secretRef must be set"))]
pub struct Source {
    /// A ServiceBinding (services.cloud.sap.com) of the SAP BTP service operator, whose Secret is found by itself, whatever
    /// its layout. Its rotation is followed, its deletion removes the key. Unset means that secretRef names the source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_binding_ref: Option<ServiceBindingRef>,

    /// A Secret that anything else keeps: crossplane, Terraform, External Secrets, or a person who pasted the key as it was
    /// downloaded. Unset means that serviceBindingRef names the source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<SecretRef>,
}

/// A ServiceBinding of this namespace.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-map-type" = "atomic"))]
pub struct ServiceBindingRef {
    /// Name of the ServiceBinding in this namespace, 1 to 253 characters. Required. While there is none of that name and none
    /// was seen before, the key waits for it.
    #[schemars(schema_with = "schema::object_name")]
    pub name: String,
}

/// A Secret of this namespace.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-map-type" = "atomic"))]
pub struct SecretRef {
    /// Name of the Secret in this namespace, 1 to 253 characters. Required. While there is none of that name and none was
    /// seen before, the key waits for it.
    #[schemars(schema_with = "schema::object_name")]
    pub name: String,

    /// The entry that holds the whole key as JSON, 1 to 253 characters. Unset means the entries `uaa` and `endpoints` if there
    /// are such, else `__raw`, else the only entry that holds a key; several of those are refused until one is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::secret_entry")]
    pub key: Option<String>,
}

/// What happens to a key that no longer signs in.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug)]
#[serde(rename_all = "camelCase")]
pub struct DeadKey {
    /// Delete removes the dead key from Landscape Management, so that it is not handed to managed services; Report leaves it
    /// there and says so in Ready. Unset means Delete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "DeadKeyAction")]
    pub action: Option<DeadKeyAction>,

    /// For how long the key must have been refused, at four probes without a success between, as in 90s, 10m or 1h30m; from
    /// 10s to 720h. A token endpoint that does not answer refuses nothing. Unset means 10m.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::after")]
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
