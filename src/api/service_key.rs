//! `ALMServiceKey`: a service key to keep in Landscape Management, written by the platform team.

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::duration::Duration;
use super::schema;
use super::status::ALMServiceKeyStatus;

/// The desired state of a service key: its tenant, its source, and what happens when the key changes, dies or
/// disappears.
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
    doc = "Keeps the SAP Cloud ALM service key of a tenant in Landscape Management in sync with a source in this namespace. The operator validates the key, proves that it signs in, uploads it, replaces it when the source rotates, and removes it when the source is gone or the key is dead.",
    selectable = ".spec.tenantRef.name",
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status","description":"True if the key is in Landscape Management and signs in."}"#,
    printcolumn = r#"{"name":"Status","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].reason","description":"The reason of the condition Ready."}"#,
    printcolumn = r#"{"name":"Tenant","type":"string","jsonPath":".spec.tenantRef.name","description":"The ALMTenant that the key belongs to."}"#,
    printcolumn = r#"{"name":"Signed In","type":"string","jsonPath":".status.conditions[?(@.type==\"SignedIn\")].status","description":"True if the token endpoint accepts the key."}"#,
    printcolumn = r#"{"name":"Uploaded","type":"date","jsonPath":".status.uploaded.uploadedAt","description":"Time since the key was uploaded to Landscape Management."}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp","description":"Time since this object was created."}"#,
    printcolumn = r#"{"name":"Source","type":"string","jsonPath":".status.source.name","priority":1,"description":"The ServiceBinding or Secret that provided the key."}"#,
    printcolumn = r#"{"name":"Message","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].message","priority":1,"description":"The message of the condition Ready: what was found, and what to do next."}"#,
    printcolumn = r#"{"name":"Fingerprint","type":"string","jsonPath":".status.uploaded.fingerprint","priority":1,"description":"Identifies the uploaded key without revealing it."}"#
)]
#[serde(rename_all = "camelCase")]
pub struct ALMServiceKeySpec {
    /// The ALMTenant whose slot in Landscape Management holds the key. Required. Immutable: for another tenant, delete
    /// this ALMServiceKey and create another one.
    #[x_kube(validation = ("self == oldSelf", "tenantRef is immutable: delete this ALMServiceKey and create another one"))]
    pub tenant_ref: TenantRef,

    /// The source of the key: exactly one of serviceBindingRef and secretRef, always in the namespace of this object.
    /// Required. After a change, the key of the new source is first proven to sign in, and then replaces the uploaded
    /// key.
    pub source: Source,

    /// Interval at which an unchanged key is tested (one sign-in) and the slot is read, ± 10 %, as in 90s, 15m or
    /// 1h30m; from 10s to 24h. It bounds the time until a dead key or a change made by another client is noticed.
    /// Changes in the cluster are always followed at once. Unset means 15m.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::interval")]
    pub interval: Option<Duration>,

    /// Time for which the source must be gone before its key is removed from Landscape Management, as in 0s, 5m or
    /// 1h30m; from 0s to 720h. Nothing is removed if the source comes back within it. Unset means 0s for a
    /// ServiceBinding, and 5m for a plain Secret, because some tools delete and recreate Secrets. External Secrets
    /// recreates one only at its next refresh: with it, set more than its refreshInterval (such as 90m for 1h), or the
    /// slot is emptied although the key lives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::grace_period")]
    pub grace_period: Option<Duration>,

    /// The handling of a key that no longer signs in although its source still exists, for example after a deletion in
    /// the BTP cockpit. Unset means that the key is deleted from Landscape Management after it has been refused for
    /// 10m.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dead_key: Option<DeadKey>,

    /// The handling of the uploaded key when this object or its source is deleted. Delete removes the key from
    /// Landscape Management. Retain leaves it there without an owner, and the operator no longer maintains it. A dead
    /// key is not retained. The value at the time of the deletion counts. Unset means Delete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "DeletionPolicy")]
    pub deletion_policy: Option<DeletionPolicy>,

    /// Enforce uploads, replaces and removes the key. Observe only validates the key, signs in with it and reports what
    /// Enforce would do: it never writes to Landscape Management, not even when this object is deleted. Ready is False
    /// if Enforce would remove the key, or replace one that is dead. Unset means Enforce.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Mode")]
    pub mode: Option<Mode>,

    /// true stops all work on this key: no call to a token endpoint or to Landscape Management is made. A deletion of
    /// this object is still carried out. All conditions except Ready keep their last value. Ready keeps its status while
    /// the source has the key that was uploaded, and is otherwise False, or Unknown if the source
    /// cannot be read; its message says why. Unset means false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspend: Option<bool>,
}

/// A reference to an ALMTenant.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-map-type" = "atomic"))]
pub struct TenantRef {
    /// Name of the ALMTenant, 1 to 253 characters. Required. While no such ALMTenant exists, nothing is uploaded.
    #[schemars(schema_with = "schema::object_name")]
    pub name: String,
}

/// The source of a key: exactly one of the two.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = ("has(self.serviceBindingRef) != has(self.secretRef)", "exactly one of serviceBindingRef and secretRef must be set"))]
pub struct Source {
    /// A ServiceBinding (services.cloud.sap.com) of the SAP BTP service operator. The operator finds its Secret and
    /// understands every layout of it, follows its rotations, and removes the key when the ServiceBinding is deleted.
    /// Unset means that secretRef names the source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_binding_ref: Option<ServiceBindingRef>,

    /// A Secret that another tool or a person maintains: Crossplane, Terraform, External Secrets, or a key pasted as it
    /// was downloaded. Unset means that serviceBindingRef names the source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<SecretRef>,
}

/// A reference to a ServiceBinding in the same namespace.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-map-type" = "atomic"))]
pub struct ServiceBindingRef {
    /// Name of the ServiceBinding in this namespace, 1 to 253 characters. Required. Until the ServiceBinding first
    /// appears, the operator waits for it.
    #[schemars(schema_with = "schema::object_name")]
    pub name: String,
}

/// A reference to a Secret in the same namespace.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-map-type" = "atomic"))]
pub struct SecretRef {
    /// Name of the Secret in this namespace, 1 to 253 characters. Required. Until the Secret first appears, the
    /// operator waits for it.
    #[schemars(schema_with = "schema::object_name")]
    pub name: String,

    /// The entry of the Secret that holds the whole key as JSON, 1 to 253 characters. Unset means the entries `uaa` and
    /// `endpoints` if they exist, else `__raw`, else the only entry that holds a key. If several entries hold a key,
    /// none is used until this field names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::secret_entry")]
    pub key: Option<String>,
}

/// The handling of a key that no longer signs in.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug)]
#[serde(rename_all = "camelCase")]
pub struct DeadKey {
    /// Delete removes the dead key from Landscape Management, so that managed services do not receive it. Report leaves
    /// it there and reports it in the condition Ready. Unset means Delete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "DeadKeyAction")]
    pub action: Option<DeadKeyAction>,

    /// Time for which the token endpoint must have refused the key, in four probes with no success between them, as in
    /// 90s, 10m or 1h30m; from 10s to 720h. A token endpoint that does not answer refuses nothing. Unset means 10m.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::after")]
    pub after: Option<Duration>,
}

/// The handling of a valid key when its object or its source is deleted.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeletionPolicy {
    /// The key is deleted from Landscape Management.
    Delete,
    /// The key stays in Landscape Management, without an owner.
    Retain,
}

/// The mode of operation: write to Landscape Management, or only report.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Keys are uploaded, replaced and removed.
    Enforce,
    /// Nothing is written; the status reports what would be done.
    Observe,
}

/// The action taken on a dead key.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeadKeyAction {
    /// The key is deleted from Landscape Management.
    Delete,
    /// The key stays, and the status reports it.
    Report,
}
