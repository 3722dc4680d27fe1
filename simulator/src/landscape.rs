//! The Landscape Management of a tenant, by this project's own contract.

use alm_key_operator::landscape::contract::{KeyDto, PatchDto, PutDto, SERVICE_KEY_CONTENT_PATH, SERVICE_KEY_PATH};
use hyper::{Method, Response};
use serde_json::{Value, json};

use crate::dispatch::{self, Outcome};
use crate::http::{Body, Call, Dropped, empty, json as json_answer, problem, refusal, text, with_header};
use crate::journal::masked;
use crate::keys::fingerprint;
use crate::slot::Refusal;
use crate::state::{Tenant, Tenants, new_secret};

/// Lifetime of an access token, in seconds.
const EXPIRES_IN: u32 = 3600;
/// Scope of an access token.
const SCOPE: &str = "landscape-management";

/// Answers a call of a tenant's Landscape Management.
pub(crate) async fn answer(call: &Call, zone: &str, tenants: &Tenants) -> Result<Response<Body>, Dropped> {
    let Some(tenant) = tenants.find(zone) else {
        return Ok(problem(404, "UnknownTenant", "there is no such tenant"));
    };
    let kind = match (call.path.as_str(), &call.method) {
        ("/oauth/token", &Method::POST) => "LandscapeToken",
        (SERVICE_KEY_PATH, &Method::GET) => "ReadSlot",
        (SERVICE_KEY_CONTENT_PATH, &Method::GET) => "ReadContent",
        (SERVICE_KEY_PATH, &Method::PUT) => "Put",
        (SERVICE_KEY_PATH, &Method::PATCH) => "Patch",
        (SERVICE_KEY_PATH, &Method::DELETE) => "Delete",
        _ => "Unexpected",
    };
    dispatch::run(tenants, call, kind, &tenant, |tenant| act(call, kind, tenant)).await
}

fn act(call: &Call, kind: &str, tenant: &mut Tenant) -> Outcome {
    match kind {
        "LandscapeToken" => issue_token(call, tenant),
        "Unexpected" => Outcome::without_effect(problem(404, "UnknownPath", "the contract has no such path or method")),
        _ if tenant.find_token(call).is_none() => Outcome::without_effect(with_header(
            problem(401, "Unauthorized", "a valid bearer token is required"),
            "www-authenticate",
            "Bearer",
        )),
        "ReadSlot" => Outcome::without_effect(read(tenant)),
        "ReadContent" => Outcome::without_effect(read_content(tenant)),
        "Put" => put(call, tenant),
        "Patch" => patch(call, tenant),
        _ => delete(call, tenant),
    }
}

fn issue_token(call: &Call, tenant: &mut Tenant) -> Outcome {
    let refuse = |status, error| Outcome::without_effect(json_answer(status, &json!({ "error": error })));
    let (client, secret) = &tenant.client;
    if call.field("client_id").as_ref() != Some(client) || call.field("client_secret").as_ref() != Some(secret) {
        return refuse(401, "invalid_client");
    }
    if call.field("scope").as_ref() != tenant.token_fields.get("scope") {
        return refuse(400, "invalid_scope");
    }
    let own = [("grant_type", "client_credentials"), ("client_id", client), ("client_secret", secret)];
    let own = own.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let mut expected: Vec<_> = own.into_iter().chain(tenant.token_fields.clone()).collect();
    let mut sent = call.fields();
    expected.sort();
    sent.sort();
    if sent != expected {
        return refuse(400, "invalid_request");
    }
    let value = new_secret();
    let body = json!({ "access_token": value, "token_type": "Bearer", "expires_in": EXPIRES_IN, "scope": SCOPE });
    tenant.tokens.push(value);
    Outcome { token: Some(tenant.tokens.len() - 1), ..Outcome::without_effect(json_answer(200, &body)) }
}

fn read(tenant: &Tenant) -> Response<Body> {
    let response = match tenant.slot.description() {
        Some(slot) => text(200, "application/json", serde_json::to_string(&slot).unwrap_or_default()),
        None => problem(404, "Empty", "there is no service key"),
    };
    with_etag(response, tenant)
}

fn read_content(tenant: &Tenant) -> Response<Body> {
    let response = match tenant.slot.key() {
        Some(key) => text(200, "application/json", key.to_string()),
        None => problem(404, "Empty", "there is no service key"),
    };
    with_header(with_etag(response, tenant), "cache-control", "no-store")
}

fn put(call: &Call, tenant: &mut Tenant) -> Outcome {
    let PutDto { owner, key: KeyDto(key) } = match call.json() {
        Ok(body) => body,
        Err(response) => return Outcome::without_effect(*response),
    };
    let uaa = |field: &str| key["uaa"][field].as_str().unwrap_or_default().to_owned();
    let (client, secret) = (uaa("clientid"), uaa("clientsecret"));
    let zone = tenant.zone.clone();
    let result =
        tenant.slot.put(call.if_match.as_deref(), &zone, owner, key).map(|was_empty| if was_empty { 201 } else { 204 });
    Outcome { key: Some(fingerprint(&client, &secret)), clientid: Some(client), ..written(call, tenant, result) }
}

fn patch(call: &Call, tenant: &mut Tenant) -> Outcome {
    let PatchDto { owner } = match call.json() {
        Ok(body) => body,
        Err(response) => return Outcome::without_effect(*response),
    };
    let result = tenant.slot.patch(call.if_match.as_deref(), owner).map(|()| 204);
    written(call, tenant, result)
}

fn delete(call: &Call, tenant: &mut Tenant) -> Outcome {
    let result = tenant.slot.delete(call.if_match.as_deref()).map(|()| 204);
    written(call, tenant, result)
}

/// Returns the outcome of a write.
fn written(call: &Call, tenant: &Tenant, result: Result<u16, Refusal>) -> Outcome {
    let effect = result.is_ok();
    let response = match result {
        Ok(status) => with_etag(empty(status), tenant),
        Err(Refusal::NoCondition) => problem(428, "PreconditionRequired", "every write requires If-Match"),
        Err(Refusal::BadCondition) => problem(400, "BadIfMatch", "If-Match must be one strong entity tag"),
        Err(Refusal::Changed) => with_etag(problem(412, "PreconditionFailed", "the slot has another revision"), tenant),
        Err(Refusal::Empty) => with_etag(problem(409, "Empty", "there is no key to own"), tenant),
        Err(Refusal::Format(problem)) => refusal(422, &problem),
    };
    let body: Option<Value> = serde_json::from_slice(&call.body).ok();
    Outcome { effect, body: body.map(masked), ..Outcome::without_effect(response) }
}

fn with_etag(response: Response<Body>, tenant: &Tenant) -> Response<Body> {
    with_header(response, "etag", &tenant.slot.etag())
}
