//! The wire types of this project's own Landscape Management contract (`docs/contract.md`).
//!
//! SAP publishes no API for the service key: this contract is not SAP's. The client in [`super::http`] and the
//! simulator share these types, so that a field cannot be renamed on one side only. Their doc comments become the
//! descriptions in the OpenAPI document (`deploy/landscape-management-contract.yaml`).

use std::borrow::Cow;

use jiff::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// Path of the slot: the one service key of a tenant.
pub const SERVICE_KEY_PATH: &str = "/v1/service-key";

/// Path of the content of the slot: the uploaded key as JSON.
pub const SERVICE_KEY_CONTENT_PATH: &str = "/v1/service-key/content";

/// The owner of the key in the slot: an `ALMServiceKey` of a cluster. The server stores and returns the owner, and does
/// not interpret it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Owner")]
pub struct OwnerDto {
    /// The cluster: the uid of its namespace `kube-system`, or the value of its operator's flag `--cluster-id`.
    #[serde(rename = "clusterID")]
    pub cluster_id: String,
    /// Namespace of the `ALMServiceKey`.
    pub namespace: String,
    /// Name of the `ALMServiceKey`.
    pub name: String,
    /// True if the owner adopted a key that was already in the slot. The server keeps what the last `PUT` or `PATCH`
    /// sent.
    #[serde(default)]
    pub adopted: bool,
}

/// Metadata of the key in the slot, without secrets. The revision of the slot is the `ETag`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Slot")]
pub struct SlotDto {
    /// `uaa.identityzone` of the key.
    pub identityzone: String,
    /// `uaa.clientid` of the key.
    pub clientid: String,
    /// `uaa.credential-type` of the key.
    #[serde(rename = "credential-type")]
    pub credential_type: String,
    /// Time at which the key was put into the slot. A `PATCH` does not change it.
    pub uploaded_at: Timestamp,
    /// The owner of the key. Absent if a person or SAP put the key there, or if its owner released it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<OwnerDto>,
}

/// The key as BTP issues it: a JSON object with the credentials in `uaa`. A server stores and returns the whole object,
/// including fields that it does not know.
// Deliberately without `Debug`.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyDto(pub Value);

impl JsonSchema for KeyDto {
    fn schema_name() -> Cow<'static, str> {
        "ServiceKey".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let text = |description: &str| json_schema!({ "type": "string", "minLength": 1, "description": description });
        json_schema!({
            "type": "object",
            "description": "The key as BTP issues it. A server stores and returns the whole object, including fields that it does not know.",
            "required": ["uaa"],
            "properties": { "uaa": {
                "type": "object",
                "description": "The credentials for SAP's authorization service (XSUAA).",
                "required": ["identityzone", "clientid", "clientsecret", "credential-type"],
                "properties": {
                    "identityzone": text("The tenant of the key: it must be the tenant of the slot."),
                    "clientid": text("The OAuth 2.0 client ID."),
                    "clientsecret": text("The OAuth 2.0 client secret. It is never logged, and never quoted in an error response."),
                    "credential-type": text("The type of the credentials, such as `instance-secret`. The server decides which types it accepts."),
                },
            } },
        })
    }
}

/// The body of a `PUT`. An unknown field is refused with `400`.
// Deliberately without `Debug`: it carries the key.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Put")]
pub struct PutDto {
    /// The new owner of the key.
    pub owner: OwnerDto,
    /// The key.
    pub key: KeyDto,
}

/// The body of a `PATCH`. An unknown field is refused with `400`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Patch")]
pub struct PatchDto {
    /// The new owner of the key, or `null` for none. Required, so that a forgotten field does not release the key.
    #[serde(deserialize_with = "present")]
    #[schemars(required, schema_with = "owner_or_null")]
    pub owner: Option<OwnerDto>,
}

/// Returns a schema that admits `null`: `required` alone would remove it.
fn owner_or_null(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<Option<OwnerDto>>()
}

/// Deserializes a field that must be present: without `deserialize_with`, serde would read an absent field as `None`.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<OwnerDto>, D::Error> {
    Option::deserialize(deserializer)
}

/// The code of a `404` for an empty slot.
pub const EMPTY: &str = "Empty";

/// The body of a refusal (4xx).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Problem")]
pub struct ProblemDto {
    /// A stable identifier of the problem in CamelCase. A client may display it and base decisions on it.
    #[schemars(regex(pattern = "^[A-Z][A-Za-z0-9]{0,63}$"))]
    pub code: String,
    /// A description for people. It never quotes a value of the key.
    pub message: String,
    /// The JSON path of the field that failed the format check (with `422` only), from the root of the key, such as
    /// `$.uaa.identityzone`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
}
