//! `ALMTenant`: one SAP Cloud ALM tenant, written by the cluster admin.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::duration::Duration;

/// One SAP Cloud ALM tenant: where its Landscape Management is reached, which namespaces may upload a service key
/// there, and where those keys may sign in. Written by the cluster admin.
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
    printcolumn = r#"{"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status"}"#,
    printcolumn = r#"{"name":"Status","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].reason"}"#,
    printcolumn = r#"{"name":"Identity Zone","type":"string","jsonPath":".spec.identityZone"}"#,
    printcolumn = r#"{"name":"Slot","type":"string","jsonPath":".status.slot.state"}"#,
    printcolumn = r#"{"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}"#,
    printcolumn = r#"{"name":"Key","type":"string","jsonPath":".status.slot.keyRef.name","priority":1}"#,
    printcolumn = r#"{"name":"Message","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].message","priority":1}"#
)]
#[serde(rename_all = "camelCase")]
pub struct ALMTenantSpec {
    /// The tenant's identity zone, as in `uaa.identityzone` of its keys. A key of another one is not uploaded.
    /// Immutable.
    #[schemars(length(min = 1, max = 63), regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    #[x_kube(validation = ("self == oldSelf", "identityZone is immutable: create another ALMTenant"))]
    pub identity_zone: String,

    /// How Landscape Management of this tenant is reached.
    pub landscape_management: LandscapeManagement,

    /// The namespaces whose ALMServiceKeys may name this tenant: names, or `["*"]` for all. Withdrawing one stops its
    /// uploads; what it has uploaded can still be removed.
    #[schemars(length(min = 1, max = 1024), inner(length(min = 1, max = 63)))]
    pub allowed_namespaces: Vec<String>,

    /// Where keys may sign in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sign_in: Option<SignIn>,

    /// The values of `uaa.credential-type` that are accepted. Unset means `["instance-secret"]`, as in SAP's guide of
    /// January 2025; since January 2026 new bindings only get `binding-secret`, so admit that one if you use them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 2))]
    pub accepted_credential_types: Option<Vec<CredentialType>>,

    /// Hosts that the fields of `endpoints` in a key may point at: `host` or `host:port`, a wildcard only as the first
    /// label, for one or more labels. A genuine key with a foreign endpoint would lead managed systems astray. Unset means
    /// `["*.alm.cloud.sap"]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(min = 1, max = 64),
        inner(
            length(min = 1, max = 259),
            regex(pattern = r"^(\*\.)?[A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?(:[0-9]{1,5})?$")
        )
    )]
    pub endpoint_hosts: Option<Vec<String>>,

    /// Endings of scopes that a key must not have, as the token endpoint names them when the key signs in: a key made for
    /// API calls is not one for Landscape Management. An empty list forbids none. Unset means
    /// `["calm-api.analytics.read"]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 256)))]
    pub forbidden_scopes: Option<Vec<String>>,

    /// What happens when Landscape Management holds a key that is not ours. Never: it stays. IfIdentical: if it is nobody's
    /// and the very key of the source, it becomes ours. Replace: any other is replaced too, but never that of another
    /// ALMServiceKey of this cluster. Unset means IfIdentical.
    #[serde(default, skip_serializing_if = "Option::is_none")]
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
    /// Over HTTP, by this project's own contract (see docs/contract.md): SAP publishes no API for the service key.
    pub http: Http,
}

/// An endpoint that speaks this project's Landscape Management contract.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug)]
#[serde(rename_all = "camelCase")]
pub struct Http {
    /// Base URL; `/v1/service-key` is appended to it.
    #[schemars(length(min = 1, max = 2048))]
    #[x_kube(validation = ("self.startsWith('https://')", "url must start with https://"))]
    pub url: String,

    /// The operator's own credentials for it (OAuth 2.0 client credentials).
    pub oauth2: OAuth2,

    /// Certificates in PEM that are trusted for it, instead of the well-known ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 65536))]
    pub ca_bundle: Option<String>,

    /// Deadline of one request. Unset means 10s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = ("duration(self) >= duration('1s') && duration(self) <= duration('60s')", "timeout must be from 1s to 60s"))]
    pub timeout: Option<Duration>,
}

/// OAuth 2.0 client credentials (RFC 6749, section 4.4).
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug)]
#[serde(rename_all = "camelCase")]
pub struct OAuth2 {
    /// The token endpoint.
    #[schemars(length(min = 1, max = 2048))]
    #[x_kube(validation = ("self.startsWith('https://')", "tokenUrl must start with https://"))]
    pub token_url: String,

    /// A Secret with the entries `clientId` and `clientSecret`, in the operator's own namespace.
    pub secret_ref: SecretName,
}

/// A Secret by its name.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug)]
#[serde(rename_all = "camelCase")]
pub struct SecretName {
    /// Its name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}

/// Where keys may sign in.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, Default)]
#[serde(rename_all = "camelCase")]
pub struct SignIn {
    /// Hosts of token endpoints: `host` or `host:port`, a wildcard only as the first label. Unset means
    /// `<identityZone>.authentication.<landscape>.hana.ondemand.com`, for any landscape.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(min = 1, max = 64),
        inner(
            length(min = 1, max = 259),
            regex(pattern = r"^(\*\.)?[A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?(:[0-9]{1,5})?$")
        )
    )]
    pub hosts: Option<Vec<String>>,

    /// Certificates in PEM that are trusted for them, instead of the well-known ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 65536))]
    pub ca_bundle: Option<String>,

    /// Whether a token endpoint may have a private, loopback or link-local address. Unset means no.
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
    /// The generation that the operator has seen; -1 before it has seen any.
    #[serde(default)]
    pub observed_generation: i64,

    /// Ready: reachable and authorised. Reconciling and Stalled are there only while True.
    #[serde(default)]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,

    /// What the tenant's slot was seen to hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot: Option<SlotStatus>,
}

/// What the one slot of a tenant holds.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct SlotStatus {
    /// Empty; Ours: the key of an ALMServiceKey of this cluster; Foreign: any other key; Unknown: it could not be looked at.
    pub state: SlotState,
    /// The ALMServiceKey whose key it holds, if it is Ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_ref: Option<KeyRef>,
    /// Since when it has been seen so.
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
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}
