//! `ALMTenant`: one SAP Cloud ALM tenant, written by the cluster admin.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::duration::Duration;
use super::schema;

/// What the cluster admin says of the tenant: where its Landscape Management is, which namespaces may upload there, and
/// what a key must keep.
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
    doc = "One SAP Cloud ALM tenant: where its Landscape Management is reached, which namespaces may upload a service key there, and where those keys may sign in. Written by the cluster admin.",
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status","description":"Whether Landscape Management answers and accepts the operator's credentials."}"#,
    printcolumn = r#"{"name":"Status","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].reason","description":"Why Ready is what it is, in one word."}"#,
    printcolumn = r#"{"name":"Identity Zone","type":"string","jsonPath":".spec.identityZone","description":"The tenant's identity zone."}"#,
    printcolumn = r#"{"name":"Slot","type":"string","jsonPath":".status.slot.state","description":"Whether the slot is Empty, Ours, Foreign or Unknown."}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp","description":"How long ago this object was made."}"#,
    printcolumn = r#"{"name":"Key","type":"string","jsonPath":".status.slot.keyRef.name","priority":1,"description":"The ALMServiceKey whose key the slot holds."}"#,
    printcolumn = r#"{"name":"Message","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].message","priority":1,"description":"What is the matter and what to do, for a person."}"#
)]
#[serde(rename_all = "camelCase")]
pub struct ALMTenantSpec {
    /// The tenant's identity zone, as in `uaa.identityzone` of its keys: lowercase letters, digits and '-', 1 to 63
    /// characters. A key of another one is not uploaded. Of two ALMTenants with the same one, the younger is not used.
    /// Required, and immutable: for another tenant, create another ALMTenant.
    #[schemars(schema_with = "schema::identity_zone")]
    pub identity_zone: String,

    /// How Landscape Management of this tenant is reached. Required.
    pub landscape_management: LandscapeManagement,

    /// The namespaces whose ALMServiceKeys may name this tenant: 1 to 1024 names, or `["*"]` for all. Withdrawing one stops
    /// its uploads; what it has uploaded stays, and can still be removed. Required.
    #[schemars(schema_with = "schema::namespaces")]
    pub allowed_namespaces: Vec<String>,

    /// Where keys may sign in: a key is never sent to another host. Unset means at SAP's own hosts of this tenant only, with
    /// the well-known certificates and a public address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sign_in: Option<SignIn>,

    /// The values of `uaa.credential-type` that are accepted, each once: instance-secret and binding-secret. A key of another
    /// type is not uploaded. Since January 2026 new bindings only get binding-secret, so admit that one if you use them.
    /// Unset means `["instance-secret"]`, as in SAP's guide of January 2025.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 2), extend("x-kubernetes-list-type" = "atomic"))]
    #[x_kube(validation = ("size(self) < 2 || self[0] != self[1]", "a credential type must not be named twice"))]
    pub accepted_credential_types: Option<Vec<CredentialType>>,

    /// Hosts that the fields of `endpoints` in a key may point at, 1 to 64: `host` or `host:port` (443 without one), a
    /// wildcard only as the first label, for one or more labels. A genuine key with a foreign endpoint would lead managed
    /// systems astray, so it is not uploaded. Unset means `["*.alm.cloud.sap"]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::hosts")]
    pub endpoint_hosts: Option<Vec<String>>,

    /// Endings of scopes that a key must not have, at most 64, as the token endpoint names them when the key signs in: a key
    /// made for API calls is not one for Landscape Management, and is not uploaded. An empty list forbids none. Unset means
    /// `["calm-api.analytics.read"]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::scopes")]
    pub forbidden_scopes: Option<Vec<String>>,

    /// What happens when Landscape Management holds a key that is not ours. Never: it stays, and ours waits. IfIdentical: if
    /// it is nobody's and the very key of the source, it becomes ours; else it stays. Replace: any other is replaced too, but
    /// never that of another ALMServiceKey of this cluster. Unset means IfIdentical.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "AdoptionPolicy")]
    pub adoption_policy: Option<AdoptionPolicy>,
}

/// What happens to a key in Landscape Management that is not ours.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdoptionPolicy {
    /// It stays.
    Never,
    /// If it is nobody's and the very key of the source, it becomes ours.
    IfIdentical,
    /// It becomes ours if it is the very key of the source, and is replaced otherwise.
    Replace,
}

/// How Landscape Management is reached.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug)]
#[serde(rename_all = "camelCase")]
pub struct LandscapeManagement {
    /// Over HTTP, by this project's own contract (see docs/contract.md): SAP publishes no API for the service key. Required.
    pub http: Http,
}

/// An endpoint that speaks this project's Landscape Management contract.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug)]
#[serde(rename_all = "camelCase")]
pub struct Http {
    /// Base URL, https, without user information, query and fragment; `/v1/service-key` is appended to it. Required. When it
    /// is changed, keys are uploaded at the new place, and what stands at the old one stays there.
    #[schemars(schema_with = "schema::base_url")]
    pub url: String,

    /// The operator's own credentials for it (OAuth 2.0 client credentials). Required.
    pub oauth2: OAuth2,

    /// Certificates in PEM that are trusted for it, at most 64 KiB. Where they cannot be used, this ALMTenant is not Ready.
    /// Unset means the well-known ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::certificates")]
    pub ca_bundle: Option<String>,

    /// Deadline of one request, as in 5s; from 1s to 60s. A write that takes longer counts as one that may have been done,
    /// and the slot is looked at before the next. Unset means 10s.
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

    /// A Secret with the entries `clientId` and `clientSecret`, in the operator's own namespace, so that no other namespace
    /// can read or lend it. Required. When it is changed, it is used at once.
    pub secret_ref: SecretName,
}

/// A Secret by its name.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-map-type" = "atomic"))]
pub struct SecretName {
    /// Name of the Secret, 1 to 253 characters. Required. While there is none of that name, this ALMTenant is not Ready.
    #[schemars(schema_with = "schema::object_name")]
    pub name: String,
}

/// Where keys may sign in.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default)]
#[serde(rename_all = "camelCase")]
pub struct SignIn {
    /// Hosts of token endpoints, 1 to 64: `host` or `host:port` (443 without one), a wildcard only as the first label, for
    /// exactly one label. A key with another `uaa.url` is not uploaded. Unset means
    /// `<identityZone>.authentication.<landscape>.hana.ondemand.com`, for any landscape.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::hosts")]
    pub hosts: Option<Vec<String>>,

    /// Certificates in PEM that are trusted for these hosts, at most 64 KiB. Where they cannot be used, this ALMTenant is not
    /// Ready and no key signs in. Unset means the well-known ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::certificates")]
    pub ca_bundle: Option<String>,

    /// true lets a token endpoint have a private or loopback address; else such a one is not connected to. Link-local
    /// addresses and the metadata services of clouds are never connected to. Unset means false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_private_networks: Option<bool>,
}

/// A value of `uaa.credential-type`.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum CredentialType {
    /// Lives until its service instance is deleted.
    InstanceSecret,
    /// Lives until its binding is deleted.
    BindingSecret,
}

impl CredentialType {
    /// As it stands in a key.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InstanceSecret => "instance-secret",
            Self::BindingSecret => "binding-secret",
        }
    }
}

/// What the operator says of an ALMTenant.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ALMTenantStatus {
    /// The generation of this object that the conditions speak of; -1 before there are any.
    #[serde(default)]
    pub observed_generation: i64,

    /// Ready says whether Landscape Management answers and accepts the operator's credentials, and whether the rest of the
    /// spec can be used. Reconciling (it moves by itself) and Stalled (somebody must act) are there only while True.
    #[serde(default)]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,

    /// What the tenant's slot was seen to hold. Not set before it was looked at for the first time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot: Option<SlotStatus>,
}

/// What the one slot of a tenant holds.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct SlotStatus {
    /// Empty: no key; Ours: the key of an ALMServiceKey of this cluster; Foreign: any other key; Unknown: it could not be
    /// looked at.
    pub state: SlotState,
    /// The ALMServiceKey whose key it holds. Set only while the state is Ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_ref: Option<KeyRef>,
    /// Since when state and keyRef have been seen like this (RFC 3339, whole seconds).
    pub since: Time,
}

/// What a slot can hold.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlotState {
    /// No key.
    Empty,
    /// The key of an `ALMServiceKey` of this cluster.
    Ours,
    /// Any other key.
    Foreign,
    /// It could not be looked at.
    Unknown,
}

/// An ALMServiceKey by namespace and name.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct KeyRef {
    /// Namespace of the ALMServiceKey.
    pub namespace: String,
    /// Name of the ALMServiceKey.
    pub name: String,
}
