//! `ALMTenant`: one SAP Cloud ALM tenant, written by the cluster admin.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::confirmation::ConfirmationStatus;
use super::duration::Duration;
use super::schema;
use super::slot::{PendingRemoval, SlotStatus};

/// The configuration of a tenant: the address of its Landscape Management, the namespaces that may upload to it, and
/// the rules for its keys.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug)]
#[kube(
    group = "almkey.dev",
    version = "v1alpha1",
    kind = "ALMTenant",
    plural = "almtenants",
    singular = "almtenant",
    shortname = "almtenant",
    category = "alm",
    category = "sap",
    status = "ALMTenantStatus",
    doc = "One SAP Cloud ALM tenant: the address of its Landscape Management, the namespaces that may upload a service key to it, and the hosts at which those keys may sign in. Written by the cluster admin.",
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status","description":"True if Landscape Management answers and accepts the operator's credentials."}"#,
    printcolumn = r#"{"name":"Status","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].reason","description":"The reason of the condition Ready."}"#,
    printcolumn = r#"{"name":"Identity Zone","type":"string","jsonPath":".spec.identityZone","description":"The identity zone of the tenant."}"#,
    printcolumn = r#"{"name":"Slot","type":"string","jsonPath":".status.slot.state","description":"The state of the slot: Empty, Ours, Foreign or Unknown."}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp","description":"Time since this object was created."}"#,
    printcolumn = r#"{"name":"Key","type":"string","jsonPath":".status.slot.keyRef.name","priority":1,"description":"The ALMServiceKey whose key is in the slot."}"#,
    printcolumn = r#"{"name":"Message","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].message","priority":1,"description":"The message of the condition Ready: what was found, and what to do next."}"#
)]
#[serde(rename_all = "camelCase")]
pub struct ALMTenantSpec {
    /// The identity zone of the tenant, as in `uaa.identityzone` of its keys: letters, digits and '-', 1 to 63
    /// characters. Letter case does not matter. A key of another zone is not uploaded. If two ALMTenants have the same
    /// zone, the younger one is not used. Required. Immutable: for another tenant, create another ALMTenant.
    #[schemars(schema_with = "schema::identity_zone")]
    pub identity_zone: String,

    /// The connection to Landscape Management of this tenant. Required.
    pub landscape_management: LandscapeManagement,

    /// The namespaces whose ALMServiceKeys may name this tenant: 1 to 1024 names, or `["*"]` for all. Removing a
    /// namespace stops its uploads; a key that it has uploaded stays, and can still be deleted. Required.
    #[schemars(schema_with = "schema::namespaces")]
    pub allowed_namespaces: Vec<String>,

    /// Restrictions on the token endpoints of keys: a key is never sent to any other host. Unset means only SAP's hosts
    /// of this tenant, at public addresses, with certificates of the well-known authorities.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sign_in: Option<SignIn>,

    /// The accepted values of `uaa.credential-type`, each at most once: instance-secret and binding-secret. A key of
    /// another type is not uploaded. Since January 2026 new bindings only get binding-secret: accept it if you use
    /// them. Unset means `["instance-secret"]`, as in SAP's guide of January 2025.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 2), extend("x-kubernetes-list-type" = "atomic"))]
    #[x_kube(validation = ("size(self) < 2 || self[0] != self[1]", "a credential type must not be listed twice"))]
    pub accepted_credential_types: Option<Vec<CredentialType>>,

    /// Hosts that the fields of `endpoints` in a key may point to, 1 to 64 entries: `host` or `host:port` (default port
    /// 443). A wildcard is allowed only as the first label and matches one or more labels. A key with any other
    /// endpoint is not uploaded, because it would direct managed systems to a foreign host. Unset means
    /// `["*.alm.cloud.sap"]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::hosts")]
    pub endpoint_hosts: Option<Vec<String>>,

    /// Applications besides SAP Cloud ALM whose keys may be uploaded, at most 64: `app` for clients such as
    /// `sb-x!b1|app!b2`. A key is refused if its `uaa.clientid` names an application that is not listed and does not
    /// begin with `sapcloudalm`, and none of its endpoints is below `alm.cloud.sap`: it belongs to another service of
    /// the same subaccount. Unset means none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::services")]
    pub accepted_services: Option<Vec<String>>,

    /// Suffixes of OAuth scopes that a key must not have, at most 64. They are compared with the scopes that the token
    /// endpoint grants when the key signs in. A key that was issued for API calls is not meant for Landscape Management
    /// and is not uploaded. An empty list forbids no scope. Unset means `["calm-api.analytics.read"]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::scopes")]
    pub forbidden_scopes: Option<Vec<String>>,

    /// The handling of a key in Landscape Management that the operator did not upload. Never: the key stays, and
    /// nothing is uploaded. IfIdentical: a key that has no owner and is identical to the key of the source is adopted;
    /// any other key stays. Replace: any other key is replaced too, except one that another ALMServiceKey of this
    /// cluster owns. Unset means IfIdentical.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "AdoptionPolicy")]
    pub adoption_policy: Option<AdoptionPolicy>,
}

/// The handling of a key in Landscape Management that the operator did not upload.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdoptionPolicy {
    /// The key stays.
    Never,
    /// An identical key without an owner is adopted; any other key stays.
    IfIdentical,
    /// An identical key is adopted; any other key is replaced.
    Replace,
}

/// The connection to Landscape Management: exactly one of the two.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = ("has(self.http) != has(self.manual)", "exactly one of http and manual must be set"))]
#[x_kube(validation = ("has(self.http) || !has(oldSelf.http)", "http cannot be changed to manual: create another ALMTenant"))]
pub struct LandscapeManagement {
    /// An HTTP endpoint that implements the contract of this project (docs/contract.md), because SAP publishes no API
    /// for the service key. It cannot be replaced by manual later. Unset means that manual is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<Http>,

    /// A person, who changes the key in SAP's app: the operator says what to do, until when, and proves what it can. It can
    /// be replaced by http later. Unset means that http is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manual: Option<Manual>,
}

/// The manual mode, which has no settings.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug)]
pub struct Manual {}

/// An endpoint that implements this project's Landscape Management contract.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = ("!has(self.caBundle) || !has(self.caBundleRef)", "at most one of caBundle and caBundleRef may be set"))]
pub struct Http {
    /// Base URL: https, without user information, query and fragment. `/v1/service-key` is appended to it. Required.
    /// After a change, keys are uploaded to the new URL; a key at the old URL stays there.
    #[schemars(schema_with = "schema::base_url")]
    pub url: String,

    /// The operator's own credentials for this endpoint (OAuth 2.0 client credentials). Required.
    pub oauth2: OAuth2,

    /// CA certificates in PEM to trust for this endpoint, instead of the well-known ones; at most 64 KiB. This
    /// ALMTenant is not Ready while they cannot be used. Unset means those of caBundleRef, or else the well-known
    /// authorities.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::certificates")]
    pub ca_bundle: Option<String>,

    /// A ConfigMap or Secret with the CA certificates in PEM to trust for this endpoint, instead of the well-known
    /// ones; at most 1 MiB. A change takes effect at once. This ALMTenant is not Ready while they cannot be used. Unset
    /// means those of caBundle, or else the well-known authorities.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_bundle_ref: Option<CaBundleRef>,

    /// Timeout of one request, as in 5s; from 1s to 60s. The outcome of a write that times out is unknown: the slot is
    /// read before the next write. Unset means 10s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::timeout")]
    pub timeout: Option<Duration>,
}

/// OAuth 2.0 client credentials (RFC 6749, section 4.4).
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug)]
#[serde(rename_all = "camelCase")]
pub struct OAuth2 {
    /// URL of the token endpoint, https, without user information, query and fragment. Required.
    #[schemars(schema_with = "schema::token_url")]
    pub token_url: String,

    /// A Secret in the operator's own namespace, so that no other namespace can read or lend it, with the entries
    /// `clientId` and `clientSecret`, or `clientid` and `clientsecret` as the SAP BTP service operator writes them.
    /// Required. A change takes effect at once.
    pub secret_ref: SecretName,

    /// The scope to request, 1 to 1024 characters: one or more scopes, separated by single spaces. Entra ID requires
    /// `<application ID URI>/.default`. Unset means that no scope is requested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::scope")]
    pub scope: Option<String>,

    /// Further parameters of the token request, at most 16, each with another name: `resource` or `audience`, for
    /// example. None may be a credential, because everyone who may read this ALMTenant can read it. Unset means none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = schema::MAX_PARAMETERS), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub parameters: Option<Vec<Parameter>>,
}

/// A parameter of a token request.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug)]
#[serde(rename_all = "camelCase")]
pub struct Parameter {
    /// Name of the parameter, 1 to 64 characters: letters, digits, '-', '.' and '_'. Required.
    #[schemars(schema_with = "schema::parameter_name")]
    pub name: String,

    /// Value of the parameter, 1 to 2048 characters, as it is before it is encoded. Required.
    #[schemars(length(min = 1, max = schema::MAX_TEXT))]
    pub value: String,
}

/// A reference to CA certificates in the operator's namespace.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-map-type" = "atomic"))]
pub struct CaBundleRef {
    /// ConfigMap or Secret. Required.
    pub kind: ObjectKind,

    /// Name of the object in the operator's own namespace, 1 to 253 characters. Required. While no such object exists,
    /// the operator waits for it.
    #[schemars(schema_with = "schema::object_name")]
    pub name: String,

    /// The entry of the object that holds the certificates, 1 to 253 characters: `ca-bundle.crt` in a ConfigMap that
    /// OpenShift fills, `ca.crt` in a Secret of cert-manager. Required. While the entry does not exist or is empty, the
    /// operator waits for it.
    #[schemars(schema_with = "schema::bundle_entry")]
    pub key: String,
}

/// A kind of object in the operator's namespace that an `ALMTenant` can name.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ObjectKind {
    /// A `ConfigMap`.
    ConfigMap,
    /// A Secret.
    Secret,
}

impl ObjectKind {
    /// Returns the name of the kind.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ConfigMap => "ConfigMap",
            Self::Secret => "Secret",
        }
    }
}

/// A reference to a Secret in the operator's namespace.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-map-type" = "atomic"))]
pub struct SecretName {
    /// Name of the Secret, 1 to 253 characters. Required. While no such Secret exists, this ALMTenant is not Ready.
    #[schemars(schema_with = "schema::object_name")]
    pub name: String,
}

/// Restrictions on the token endpoints of keys.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = ("!has(self.caBundle) || !has(self.caBundleRef)", "at most one of caBundle and caBundleRef may be set"))]
pub struct SignIn {
    /// Hosts of token endpoints, 1 to 64 entries: `host` or `host:port` (default port 443). A wildcard is allowed only
    /// as the first label and matches exactly one label. A key with any other host in `uaa.url` is not uploaded. Unset
    /// means `<identityZone>.authentication.<landscape>.hana.ondemand.com`, for any landscape, and in China
    /// `<identityZone>.authentication.<landscape>.platform.sapcloud.cn`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::hosts")]
    pub hosts: Option<Vec<String>>,

    /// CA certificates in PEM to trust for these hosts, instead of the well-known ones; at most 64 KiB. While they
    /// cannot be used, this ALMTenant is not Ready and no key signs in. Unset means those of caBundleRef, or else the
    /// well-known authorities.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::certificates")]
    pub ca_bundle: Option<String>,

    /// A ConfigMap or Secret with the CA certificates in PEM to trust for these hosts, instead of the well-known ones;
    /// at most 1 MiB. A change takes effect at once. While they cannot be used, this ALMTenant is not Ready and no key
    /// signs in. Unset means those of caBundle, or else the well-known authorities.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_bundle_ref: Option<CaBundleRef>,

    /// true permits token endpoints at private and loopback addresses; false refuses them. Link-local addresses and the
    /// metadata services of clouds are always refused. Unset means false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_private_networks: Option<bool>,
}

/// A value of `uaa.credential-type`.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum CredentialType {
    /// Valid until its service instance is deleted.
    InstanceSecret,
    /// Valid until its binding is deleted.
    BindingSecret,
}

impl CredentialType {
    /// Returns the value as it is written in a key.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InstanceSecret => "instance-secret",
            Self::BindingSecret => "binding-secret",
        }
    }
}

/// The state of an ALMTenant as the operator observed it.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ALMTenantStatus {
    /// The generation of this object that the conditions describe; -1 before the first reconciliation.
    #[serde(default)]
    pub observed_generation: i64,

    /// Ready is True if Landscape Management answers and accepts the operator's credentials, and the rest of the spec
    /// can be used. Reconciling (work is in progress) and Stalled (a person must act) are present only while True.
    #[serde(default)]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,

    /// The content of the tenant's slot as last observed. Not set before the slot was first read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot: Option<SlotStatus>,

    /// The keys that a person must delete in Landscape Management in manual mode, although their ALMServiceKey does not exist
    /// any more; at most one entry. The deletion of an ALMServiceKey does not wait for a person.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 1), extend("x-kubernetes-list-type" = "atomic"))]
    pub pending_removals: Vec<PendingRemoval>,

    /// The result of the last confirmation, made by the annotation almkey.dev/confirmation. Not set before the first one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_confirmation: Option<ConfirmationStatus>,
}
