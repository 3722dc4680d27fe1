//! The token endpoint of a tenant, as UAA answers (see `docs/sign-in.md`).

use hyper::{Method, Response};
use serde_json::json;

use crate::http::{Body, Call, Dropped, json, problem, text};
use crate::keys::fingerprint;
use crate::tenants::{Done, Tenants, new_secret};

/// Life of an access token in seconds, as XSUAA's default is.
const EXPIRES_IN: u32 = 43_199;

pub(crate) async fn answer(call: &Call, zone: &str, tenants: &Tenants) -> Result<Response<Body>, Dropped> {
    let Some(tenant) = tenants.find(zone) else {
        let page = format!("<html><body><h1>Cannot find identity zone for subdomain {zone}</h1></body></html>");
        return Ok(text(404, "text/html", page));
    };
    if call.path != "/oauth/token" {
        return Ok(problem(404, "UnknownPath", "the token endpoint is /oauth/token"));
    }
    if call.method != Method::POST {
        return Ok(problem(405, "MethodNotAllowed", "tokens are asked for with POST"));
    }
    tenants
        .run(call, "SignIn", &tenant, |tenant| {
            let (client, secret) =
                (call.field("client_id").unwrap_or_default(), call.field("client_secret").unwrap_or_default());
            let response = if call.field("grant_type").as_deref() != Some("client_credentials") {
                json(400, &json!({ "error": "unsupported_grant_type" }))
            } else if let Some(scope) = tenant.keys.sign_in(&client, &secret) {
                token(&new_secret(), EXPIRES_IN, scope)
            } else {
                unauthorized()
            };
            Done { key: Some(fingerprint(&client, &secret)), clientid: Some(client), ..Done::answered(response) }
        })
        .await
}

/// What UAA says alike of a wrong secret, an unknown client and a deleted one.
pub(crate) fn unauthorized() -> Response<Body> {
    json(401, &json!({ "error": "unauthorized", "error_description": "Bad credentials" }))
}

/// A token.
pub(crate) fn token(value: &str, expires_in: u32, scope: &str) -> Response<Body> {
    let body = json!({
        "access_token": value, "token_type": "bearer", "expires_in": expires_in,
        "scope": scope, "jti": "0",
    });
    json(200, &body)
}
