//! The leak check of every request. Key material may go to two hosts only: a key to its own token endpoint and to the
//! Landscape Management of its tenant, the operator's own credentials and tokens to that Landscape Management alone.

use alm_key_operator::landscape::contract::SERVICE_KEY_PATH;
use hyper::Method;
use hyper::header::AUTHORIZATION;
use serde_json::Value;

use crate::canary::{self, CANARY};
use crate::http::Call;
use crate::state::{Leak, Tenant, Tenants};
use crate::sync::lock;

/// The key material that a request may carry.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Allowed {
    Nothing,
    /// An access token in the `Authorization` header.
    Token,
    /// One secret in the body.
    Credentials,
    /// An access token and a key.
    TokenAndKey,
}

/// The one secret that a body may hold.
struct Expected {
    secret: String,
    /// The secret as it is encoded in the body.
    encoded: String,
}

/// Checks a request to a service of a tenant, and records the result. Both names are empty if the host is no tenant's.
pub(crate) fn check(call: &Call, zone: &str, service: &str, tenants: &Tenants) {
    let allowed = match (service, call.path.as_str(), &call.method) {
        ("authentication" | "landscape", "/oauth/token", &Method::POST) => Allowed::Credentials,
        ("landscape", SERVICE_KEY_PATH, &Method::PUT) => Allowed::TokenAndKey,
        ("landscape", path, _) if path != "/oauth/token" => Allowed::Token,
        _ => Allowed::Nothing,
    };
    let expected = expected_secret(call, allowed);
    let token = call.authorization.as_deref().and_then(access_token).filter(|_| allowed.includes_token());
    let (bytes, mut findings) = search(call, expected.as_ref(), token.is_some());
    let secret = expected.as_ref().map(|expected| expected.secret.as_str());
    let is_landscape_sign_in = call.path == "/oauth/token" && service == "landscape";
    findings.extend(misdirected(secret, token, zone, is_landscape_sign_in, tenants));
    let tenant = if zone.is_empty() { call.host.as_str() } else { zone };
    let leaks = findings.into_iter().map(|finding| Leak {
        tenant: tenant.to_owned(),
        what: format!("{} {}{}: {finding}", call.method, call.host, call.path),
    });
    tenants.leak_log.record(bytes, leaks);
}

impl Allowed {
    fn includes_token(self) -> bool {
        matches!(self, Self::Token | Self::TokenAndKey)
    }
}

/// Returns the secret that the body may hold. Returns none if it may hold no secret, or has another form than expected:
/// then the whole body is searched.
fn expected_secret(call: &Call, allowed: Allowed) -> Option<Expected> {
    match allowed {
        Allowed::Credentials => {
            let secret = call.field("client_secret")?;
            let encoded = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
            Some(Expected { secret, encoded })
        }
        Allowed::TokenAndKey => {
            let body: Value = serde_json::from_slice(&call.body).ok()?;
            let secret = &body["key"]["uaa"]["clientsecret"];
            Some(Expected { secret: secret.as_str()?.to_owned(), encoded: secret.to_string() })
        }
        Allowed::Nothing | Allowed::Token => None,
    }
}

/// Returns the access token of an `Authorization` header, if it has the form of the simulator's own. No secret of a key
/// has that form.
fn access_token(authorization: &str) -> Option<&str> {
    let token = authorization.strip_prefix("Bearer ")?;
    let number = token.strip_prefix(CANARY)?.strip_prefix('-')?;
    (number.len() == 32 && number.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(token)
}

/// Searches a request for canaries that must not be there. Returns the number of bytes, and a finding for each part.
fn search(call: &Call, expected: Option<&Expected>, has_token: bool) -> (usize, Vec<String>) {
    let mut parts: Vec<(&str, &[u8])> = vec![("path", call.path.as_bytes()), ("query", call.query.as_bytes())];
    let headers = call.headers.iter().filter(|(name, _)| !(has_token && **name == AUTHORIZATION));
    parts.extend(headers.map(|(name, value)| (name.as_str(), value.as_bytes())));
    let mut body = String::from_utf8_lossy(&call.body).into_owned();
    if let Some(Expected { encoded, .. }) = expected {
        body = body.replacen(encoded.as_str(), "", 1);
    }
    parts.push(("body", body.as_bytes()));
    let findings = parts.iter().filter_map(|(part, bytes)| {
        canary::find_in_bytes(bytes).map(|(_, form)| format!("key material {form} in its {part}"))
    });
    (call.body.len() + call.headers.iter().map(|(_, value)| value.len()).sum::<usize>(), findings.collect())
}

/// Returns a finding for a secret or a token that is in a place where one may be, and belongs to another host.
fn misdirected(
    secret: Option<&str>,
    token: Option<&str>,
    zone: &str,
    is_landscape_sign_in: bool,
    tenants: &Tenants,
) -> Vec<String> {
    let all = tenants.all();
    let any = |predicate: &dyn Fn(&str, &Tenant) -> bool| all.iter().any(|(of, tenant)| predicate(of, &lock(tenant)));
    let has_token = |tenant: &Tenant, value: &str| tenant.tokens.iter().any(|token| token == value);
    let mut findings = Vec::new();
    if let Some(secret) = secret {
        let is_client = |tenant: &Tenant| tenant.client.1 == secret;
        let is_key = |tenant: &Tenant| tenant.keys.knows(secret);
        let is_entitled = |tenant: &Tenant| if is_landscape_sign_in { is_client(tenant) } else { is_key(tenant) };
        let is_known = |tenant: &Tenant| is_client(tenant) || is_key(tenant) || has_token(tenant, secret);
        if any(&|_, tenant| is_known(tenant)) && !any(&|of, tenant| of == zone && is_entitled(tenant)) {
            findings.push("credentials of another host in its body".to_owned());
        }
    }
    if let Some(token) = token
        && any(&|of, tenant| tenant.client.1 == token || (of != zone && has_token(tenant, token)))
    {
        findings.push("credentials of another host in its Authorization header".to_owned());
    }
    findings
}
