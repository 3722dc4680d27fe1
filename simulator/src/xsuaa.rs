//! The token endpoint of a tenant. It answers as UAA does (see `docs/sign-in.md`).

use hyper::{Method, Response};
use serde_json::json;

use crate::dispatch::{self, Outcome};
use crate::http::{Body, Call, Dropped, json, problem, text};
use crate::keys::fingerprint;
use crate::state::{Tenants, new_secret};

/// Lifetime of an access token, in seconds: the default of XSUAA.
const EXPIRES_IN: u32 = 43_199;

/// Answers a call of a tenant's token endpoint.
pub(crate) async fn answer(call: &Call, zone: &str, tenants: &Tenants) -> Result<Response<Body>, Dropped> {
    let Some(tenant) = tenants.find(zone) else {
        let page = format!("<html><body><h1>Cannot find identity zone for subdomain {zone}</h1></body></html>");
        return Ok(text(404, "text/html", page));
    };
    if call.path != "/oauth/token" {
        return Ok(problem(404, "UnknownPath", "the token endpoint is /oauth/token"));
    }
    if call.method != Method::POST {
        return Ok(problem(405, "MethodNotAllowed", "tokens are requested by POST"));
    }
    dispatch::run(tenants, call, "SignIn", &tenant, |tenant| {
        let field = |name: &str| call.field(name).unwrap_or_default();
        let (client, secret) = (field("client_id"), field("client_secret"));
        let response = if field("grant_type") != "client_credentials" {
            json(400, &json!({ "error": "unsupported_grant_type" }))
        } else if let Some(scope) = tenant.keys.sign_in(&client, &secret) {
            token(&new_secret(), EXPIRES_IN, scope)
        } else {
            unauthorized()
        };
        let key = Some(fingerprint(&client, &secret));
        Outcome { key, clientid: Some(client), ..Outcome::without_effect(response) }
    })
    .await
}

/// Returns the answer of UAA, which is the same for a wrong secret, an unknown client and a deleted one.
pub(crate) fn unauthorized() -> Response<Body> {
    json(401, &json!({ "error": "unauthorized", "error_description": "Bad credentials" }))
}

/// Returns an answer with an access token.
pub(crate) fn token(value: &str, expires_in: u32, scope: &str) -> Response<Body> {
    let body = json!({
        "access_token": value, "token_type": "bearer", "expires_in": expires_in,
        "scope": scope, "jti": "0",
    });
    json(200, &body)
}
