//! The answers of a UAA, header by header, as `tests/data/uaa.http` records them.

use hyper::Response;
use hyper::header::{ACCEPT, ACCEPT_LANGUAGE};
use serde_json::{Value, json};

use crate::http::{Body, Call, json as json_answer, text, with_header};

/// UAA's page for an error. `{ALERT}` stands for the sentence about it, if there is one.
const ERROR_PAGE: &str = include_str!("error_page.html");
/// Sentence on the page for a subdomain without an identity zone.
const NO_ZONE: &str = r#"<div class="alert alert-error">
            <p>The subdomain does not map to a valid identity zone.</p>
        </div>"#;
const HTML: &str = "text/html;charset=UTF-8";
const JSON: &str = "application/json;charset=UTF-8";

/// Returns the answer for a subdomain without an identity zone. Only a page says so: a client that asks for JSON gets an
/// empty object.
pub(super) fn no_zone(call: &Call) -> Response<Body> {
    let answer = if accepts(call, "application/json") {
        with_header(text(404, JSON, "{}"), "cache-control", "no-store")
    } else {
        text(404, HTML, ERROR_PAGE.replace("{ALERT}", NO_ZONE))
    };
    with_header(answer, "content-language", language(call))
}

/// Returns an answer with an access token.
pub(super) fn token(call: &Call, value: &str, expires_in: u32, scope: &str) -> Response<Body> {
    let body = json!({
        "access_token": value, "token_type": "bearer", "expires_in": expires_in, "scope": scope, "jti": "0",
    });
    oauth(call, 200, &body)
}

/// Returns the refusal, which is the same for a wrong secret, an unknown client and a deleted one.
pub(super) fn unauthorized(call: &Call) -> Response<Body> {
    let body = json!({ "error": "unauthorized", "error_description": "Bad credentials" });
    let answer = oauth(call, 401, &body);
    if answer.status() != 401 {
        return answer;
    }
    let challenge = r#"Basic realm="UAA/client", error="unauthorized", error_description="Bad credentials""#;
    with_header(answer, "www-authenticate", challenge)
}

/// Returns the refusal of a grant that UAA does not know.
pub(super) fn unsupported_grant(call: &Call, grant: &str) -> Response<Body> {
    let description = format!("Unsupported grant type: {grant}");
    oauth(call, 400, &json!({ "error": "unsupported_grant_type", "error_description": description }))
}

/// Returns an answer in JSON, or 406 to a client that does not accept JSON.
fn oauth(call: &Call, status: u16, body: &Value) -> Response<Body> {
    let answer = if accepts(call, "application/json") || accepts(call, "*/*") {
        let answer = with_header(json_answer(status, body), "content-type", JSON);
        with_header(answer, "cache-control", "no-store")
    } else {
        let answer = text(406, HTML, ERROR_PAGE.replace("{ALERT}", ""));
        let answer = with_header(answer, "cache-control", "no-cache, no-store, max-age=0, must-revalidate");
        let answer = with_header(answer, "expires", "0");
        with_header(answer, "content-language", language(call))
    };
    let security = [
        ("pragma", "no-cache"),
        ("x-xss-protection", "1; mode=block"),
        ("x-frame-options", "DENY"),
        ("x-content-type-options", "nosniff"),
    ];
    security.into_iter().fold(answer, |answer, (name, value)| with_header(answer, name, value))
}

/// Returns true if the request names the media range. One without `Accept` accepts everything (RFC 9110, 12.5.1).
fn accepts(call: &Call, range: &str) -> bool {
    match call.headers.get(ACCEPT).and_then(|value| value.to_str().ok()) {
        Some(accept) => accept.split(',').any(|item| item.split(';').next().unwrap_or_default().trim() == range),
        None => range == "*/*",
    }
}

/// Returns the language that the request prefers, which UAA names although its pages are in English.
fn language(call: &Call) -> &str {
    let wanted = call.headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    wanted.and_then(|wanted| wanted.get(..2)).unwrap_or("en")
}
