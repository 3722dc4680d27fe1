//! The wire types of this project's own Landscape Management contract (`docs/contract.md`).
//!
//! SAP publishes no API for the service key: nothing here is SAP's. The client in [`super::http`] and the simulator
//! speak these types, so that a field cannot be renamed on one side only. Their documentation becomes the text of the
//! OpenAPI document (`deploy/landscape-management-contract.yaml`).

use std::borrow::Cow;

use jiff::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// Path of the slot: the one service key of a tenant.
pub const SERVICE_KEY_PATH: &str = "/v1/service-key";

/// Path of the content of the slot: the key itself, as the JSON that was uploaded.
pub const SERVICE_KEY_CONTENT_PATH: &str = "/v1/service-key/content";

/// Who looks after the key in the slot: an `ALMServiceKey` of a cluster. Three words to the server, which compares
/// nothing with them: it keeps them, and shows them again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Owner")]
pub struct OwnerDto {
    /// The cluster: uid of its namespace `kube-system`, or what its operator was told by `--cluster-id`.
    #[serde(rename = "clusterID")]
    pub cluster_id: String,
    /// Namespace of the `ALMServiceKey`.
    pub namespace: String,
    /// Name of the `ALMServiceKey`.
    pub name: String,
    /// Whether the key was in the slot already and has only been taken over. `false` after a `PUT`, whatever was sent.
    #[serde(default)]
    pub adopted: bool,
}

/// What the slot holds, without anything secret. Its revision is the `ETag`.
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
    /// When the key was put there. A `PATCH` does not change it.
    pub uploaded_at: Timestamp,
    /// Absent when nobody looks after it: a person or SAP put it there, or its owner gave it up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<OwnerDto>,
}

/// The key as BTP issues it: a JSON object with the credentials below `uaa`. A server keeps and returns all of it, also
/// what it does not know.
// Deliberately without `Debug`.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyDto(pub Value);

impl JsonSchema for KeyDto {
    fn schema_name() -> Cow<'static, str> {
        "ServiceKey".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let text = |what: &str| json_schema!({ "type": "string", "minLength": 1, "description": what });
        json_schema!({
            "type": "object",
            "description": "The key as BTP issues it. A server keeps and returns all of it, also fields that it does not know.",
            "required": ["uaa"],
            "properties": { "uaa": {
                "type": "object",
                "description": "The credentials, as SAP's authorization service (XSUAA) knows them.",
                "required": ["identityzone", "clientid", "clientsecret", "credential-type"],
                "properties": {
                    "identityzone": text("The tenant that the key belongs to: it must be the slot's."),
                    "clientid": text("OAuth 2.0 client."),
                    "clientsecret": text("Its secret. Never logged, never quoted in a refusal."),
                    "credential-type": text("Such as `instance-secret`. KeyRole types are admitted is the server's affair."),
                },
            } },
        })
    }
}

/// What a `PUT` brings. A field that is not named here is refused with `400`.
// Deliberately without `Debug`: it carries the key.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Put")]
pub struct PutDto {
    /// Who looks after the key from now on.
    pub owner: OwnerDto,
    /// The key.
    pub key: KeyDto,
}

/// What a `PATCH` brings. A field that is not named here is refused with `400`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Patch")]
pub struct PatchDto {
    /// Who looks after the key from now on; `null` for nobody. Never left out: a forgotten field must not give a key up.
    #[serde(deserialize_with = "present")]
    #[schemars(required, schema_with = "owner_or_null")]
    pub owner: Option<OwnerDto>,
}

/// `required` alone would take the `null` from it.
fn owner_or_null(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<Option<OwnerDto>>()
}

/// Without a `deserialize_with`, serde reads an absent field as `None`.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<OwnerDto>, D::Error> {
    Option::deserialize(deserializer)
}

/// Code of the `404` that says that the slot holds no key.
pub const EMPTY: &str = "Empty";

/// Why a request is refused (4xx).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Problem")]
pub struct ProblemDto {
    /// What is wrong, in one CamelCase word that stays the same: a client may show it and decide by it.
    #[schemars(regex(pattern = "^[A-Z][A-Za-z0-9]{0,63}$"))]
    pub code: String,
    /// A sentence for a person. Never quotes a value of the key.
    pub message: String,
    /// With `422`: JSON path of the field that the format check stumbled over, from the key's root, such as
    /// `$.uaa.identityzone`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
}
