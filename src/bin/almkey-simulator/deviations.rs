//! Ways in which a server may break the contract: the simulator can be told to have one, so that the conformance suite
//! is seen to notice it. Done as a proxy would: to requests before they are acted on, to answers before they leave.

use futures::FutureExt as _;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::header::{CONTENT_LENGTH, ETAG};
use hyper::{Method, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::http::{Body, Call, empty, problem, with_header};
use crate::tenants::Tenant;

/// A way to break the contract.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Deviation {
    NoRevisionWhenEmpty,
    NoRevisionAfterWrites,
    OtherRevisionAfterWrites,
    EmptyHasOneRevision,
    AnyTokenWill,
    NoConditionNeeded,
    AnyConditionWill,
    OldConditionWill,
    FillsEmptyOnly,
    SmallKeysOnly,
    ForgetsUnknownFields,
    TellsSecret,
    ForgetsOwner,
    AlwaysAdopted,
    KeepsOwner,
    SameOwnerIsNoWrite,
    OwnsNothing,
    AnswersDeleteOtherwise,
    AnyKeyWill,
    NamesNoField,
    AnyFieldWill,
    AnyTypeWill,
}

impl Deviation {
    /// Changes a request before it is acted on; the answer, if it is not acted on at all.
    pub(crate) fn before(self, call: &mut Call, tenant: &Tenant) -> Option<Response<Body>> {
        let (current, held) = (tenant.slot.etag(), tenant.slot.key().is_some());
        let well_formed = call.if_match.as_deref().map(|tag| tag.starts_with('"') && !tag.contains(','));
        let is_meant = call.if_match.as_deref() == Some(&current);
        match self {
            Self::AnyTokenWill => call.authorization = tenant.tokens.last().map(|token| format!("Bearer {token}")),
            Self::NoConditionNeeded if well_formed.is_none() => call.if_match = Some(current),
            Self::AnyConditionWill if well_formed == Some(false) => call.if_match = Some(current),
            Self::OldConditionWill if well_formed == Some(true) => call.if_match = Some(current),
            Self::EmptyHasOneRevision if call.if_match.as_deref() == Some("\"empty\"") && !held => {
                call.if_match = Some(current);
            }
            Self::FillsEmptyOnly if call.method == Method::PUT && held && is_meant => {
                return Some(problem(409, "Occupied", "there is a key already"));
            }
            Self::SmallKeysOnly if call.body.len() > 32 * 1024 => {
                return Some(problem(413, "TooLarge", "the body is too large"));
            }
            Self::OwnsNothing if call.method == Method::PATCH && !held => {
                return Some(problem(404, "Empty", "there is no service key"));
            }
            Self::SameOwnerIsNoWrite if call.method == Method::PATCH && held && is_meant => {
                let owner = tenant.slot.owner().map_or(Value::Null, |owner| json!(owner));
                if serde_json::from_slice::<Value>(&call.body).is_ok_and(|body| body == json!({ "owner": owner })) {
                    return Some(with_header(empty(204), "etag", &current));
                }
            }
            Self::KeepsOwner if call.method == Method::PATCH => change(&mut call.body, |body| {
                if body.get("owner").is_some() {
                    body["owner"] = json!(tenant.slot.owner());
                }
            }),
            Self::AnyKeyWill if call.method == Method::PUT => change(&mut call.body, |body| {
                let Some(Value::Object(uaa)) = body.pointer_mut("/key/uaa") else { return };
                uaa.insert("identityzone".into(), json!(tenant.zone));
                for field in ["clientid", "clientsecret", "credential-type"] {
                    uaa.entry(field).or_insert_with(|| json!("made up"));
                }
            }),
            Self::AnyFieldWill if call.method != Method::GET => change(&mut call.body, |body| {
                if let Some(fields) = body.as_object_mut() {
                    fields.retain(|name, _| ["owner", "key"].contains(&name.as_str()));
                }
            }),
            Self::AnyTypeWill => call.content_type = "application/json".into(),
            _ => {}
        }
        None
    }

    /// Changes an answer before it leaves.
    pub(crate) fn after(self, call: &Call, tenant: &Tenant, response: &mut Response<Body>) {
        let (status, is_read) = (response.status().as_u16(), call.method == Method::GET);
        let is_slot = is_read && !call.path.ends_with("/content");
        match self {
            Self::NoRevisionWhenEmpty if status == 404 => drop(response.headers_mut().remove(ETAG)),
            Self::NoRevisionAfterWrites if !is_read => drop(response.headers_mut().remove(ETAG)),
            Self::OtherRevisionAfterWrites if !is_read && response.status().is_success() => {
                set_etag(response, &tenant.slot.etag().replacen('"', "\"w-", 1));
            }
            Self::EmptyHasOneRevision if response.headers().contains_key(ETAG) && tenant.slot.key().is_none() => {
                set_etag(response, "\"empty\"");
            }
            Self::ForgetsUnknownFields if is_read && !is_slot && status == 200 => change_body(response, |key| {
                if let Some(fields) = key.as_object_mut() {
                    fields.retain(|name, _| ["endpoints", "uaa"].contains(&name.as_str()));
                }
            }),
            Self::TellsSecret if is_slot && status == 200 => {
                change_body(response, |slot| slot["key"] = json!(tenant.slot.key()));
            }
            Self::ForgetsOwner if is_slot && status == 200 => change_body(response, |slot| slot["owner"] = Value::Null),
            Self::AlwaysAdopted if is_slot && status == 200 => change_body(response, |slot| {
                if slot["owner"].is_object() {
                    slot["owner"]["adopted"] = json!(true);
                }
            }),
            Self::AnswersDeleteOtherwise if call.method == Method::DELETE && status == 204 => {
                *response = with_header(problem(200, "Deleted", "it is deleted"), "etag", &tenant.slot.etag());
            }
            Self::NamesNoField if status == 422 => change_body(response, |problem| {
                problem.as_object_mut().and_then(|fields| fields.remove("field"));
            }),
            _ => {}
        }
    }
}

fn set_etag(response: &mut Response<Body>, etag: &str) {
    if let Ok(value) = etag.parse() {
        response.headers_mut().insert(ETAG, value);
    }
}

/// Changes a body that is JSON, and no other.
fn change(bytes: &mut Bytes, by: impl FnOnce(&mut Value)) {
    if let Ok(mut body) = serde_json::from_slice(bytes) {
        by(&mut body);
        *bytes = body.to_string().into();
    }
}

fn change_body(response: &mut Response<Body>, by: impl FnOnce(&mut Value)) {
    let whole = response.body().clone().collect().now_or_never().and_then(Result::ok);
    let mut bytes = whole.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    change(&mut bytes, by);
    response.headers_mut().remove(CONTENT_LENGTH);
    *response.body_mut() = Full::new(bytes);
}
