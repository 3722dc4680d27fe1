//! The wire types of this project's own Landscape Management contract (`docs/contract.md`).
//!
//! SAP publishes no API for the service key: nothing here is SAP's. The client in [`super::http`] and the simulator
//! speak these types, so that a field cannot be renamed on one side only.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Path of the slot: the one service key of a tenant.
pub const SERVICE_KEY_PATH: &str = "/v1/service-key";

/// Path of the content of the slot: the key itself, as the JSON that was uploaded.
pub const SERVICE_KEY_CONTENT_PATH: &str = "/v1/service-key/content";

/// Who put the key into the slot. The slot itself says whose it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OwnerDto {
    /// Uid of the cluster's `kube-system` namespace, or what `--cluster-id` says.
    #[serde(rename = "clusterID")]
    pub cluster_id: String,
    /// Namespace of the `ALMServiceKey`.
    pub namespace: String,
    /// Name of the `ALMServiceKey`.
    pub name: String,
    /// Whether the key was in the slot already and has only been taken over. A `PUT` makes it `false`.
    #[serde(default)]
    pub adopted: bool,
}

/// `200` of `GET /v1/service-key`: what the slot holds, without anything secret. Its revision is the `ETag`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SlotDto {
    /// `uaa.identityzone` of the key.
    pub identityzone: String,
    /// `uaa.clientid` of the key.
    pub clientid: String,
    /// `uaa.credential-type` of the key.
    #[serde(rename = "credential-type")]
    pub credential_type: String,
    /// When the key was put there.
    pub uploaded_at: Timestamp,
    /// Absent when a person or SAP put it there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<OwnerDto>,
}

/// Body of `PUT /v1/service-key`. Deliberately without `Debug`: it carries the key.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PutDto {
    /// Who puts it there.
    pub owner: OwnerDto,
    /// The key, as a JSON object.
    pub key: serde_json::Value,
}

/// Body of `PATCH /v1/service-key`: `owner: null` gives the ownership up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PatchDto {
    /// The new owner, or none.
    pub owner: Option<OwnerDto>,
}

/// Body of every answer that refuses a request (4xx).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProblemDto {
    /// A stable CamelCase code.
    pub code: String,
    /// A sentence for a person. Never quotes a value of the key.
    pub message: String,
    /// JSON path of the offending field, with `422`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
}
