//! Key material goes to two hosts only: a key to its own token endpoint and to the Landscape Management of its tenant,
//! and what the operator signs in there with to the latter alone. Every request is held against that.

use std::sync::{Mutex, PoisonError};

use alm_key_operator::landscape::contract::SERVICE_KEY_PATH;
use hyper::Method;
use hyper::header::AUTHORIZATION;
use serde::Serialize;
use serde_json::Value;

use crate::canary::{self, MARKER};
use crate::http::Call;
use crate::tenants::{Tenant, Tenants, lock};

/// What was sent to all hosts but that of the admin API.
#[derive(Clone, Default, Serialize)]
pub(crate) struct Sent {
    /// How many requests.
    requests: u64,
    /// How much of them was looked through.
    bytes: u64,
    /// What was in them that must not be.
    leaks: Vec<Leak>,
}

/// Key material on its way to somebody who is not entitled to it.
#[derive(Clone, Serialize)]
struct Leak {
    /// To whose host it went; the host itself if it is no tenant's.
    tenant: String,
    what: String,
}

/// What a request may carry of key material.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Admitted {
    Nothing,
    /// In its `Authorization`.
    Token,
    /// One secret in its body.
    Credentials,
    /// Both.
    TokenAndKey,
}

/// The one secret that a body may hold, and how it is written there.
struct Expected {
    secret: String,
    written: String,
}

/// All that was sent.
#[derive(Default)]
pub(crate) struct Log(Mutex<Sent>);

impl Log {
    /// So far.
    pub(crate) fn so_far(&self) -> Sent {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Looks a request through that goes to a tenant's host of that name; both are empty if there is no such host.
    pub(crate) fn note(&self, call: &Call, (zone, host): (&str, &str), tenants: &Tenants) {
        let admitted = match (host, call.path.as_str(), &call.method) {
            ("authentication" | "landscape", "/oauth/token", &Method::POST) => Admitted::Credentials,
            ("landscape", SERVICE_KEY_PATH, &Method::PUT) => Admitted::TokenAndKey,
            ("landscape", path, _) if path != "/oauth/token" => Admitted::Token,
            _ => Admitted::Nothing,
        };
        let expected = expected(call, admitted);
        let token = call.authorization.as_deref().and_then(token).filter(|_| admitted.has_token());
        let (bytes, mut found) = look(call, expected.as_ref(), token.is_some());
        let secret = expected.as_ref().map(|expected| expected.secret.as_str());
        found.extend(of_another(secret, token, call, (zone, host), tenants));
        let whose = if zone.is_empty() { call.host.as_str() } else { zone };
        let mut sent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sent.requests += 1;
        sent.bytes += bytes as u64;
        let what = |part: String| format!("{} {}{}: {part}", call.method, call.host, call.path);
        sent.leaks.extend(found.into_iter().map(|part| Leak { tenant: whose.to_owned(), what: what(part) }));
    }
}

impl Admitted {
    fn has_token(self) -> bool {
        matches!(self, Self::Token | Self::TokenAndKey)
    }
}

/// None if nothing may be there, and if the body is not what it should be: then it is searched as a whole.
fn expected(call: &Call, admitted: Admitted) -> Option<Expected> {
    match admitted {
        Admitted::Credentials => {
            let secret = call.field("client_secret")?;
            let written = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
            Some(Expected { secret, written })
        }
        Admitted::TokenAndKey => {
            let body: Value = serde_json::from_slice(&call.body).ok()?;
            let secret = &body["key"]["uaa"]["clientsecret"];
            Some(Expected { secret: secret.as_str()?.to_owned(), written: secret.to_string() })
        }
        Admitted::Nothing | Admitted::Token => None,
    }
}

/// The access token in an `Authorization`, if it has the form of those that are made here: no secret of a key has it.
fn token(authorization: &str) -> Option<&str> {
    let token = authorization.strip_prefix("Bearer ")?;
    let number = token.strip_prefix(MARKER)?.strip_prefix('-')?;
    (number.len() == 32 && number.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(token)
}

/// How much was looked through, and in which parts the marker stands that must not have it.
fn look(call: &Call, expected: Option<&Expected>, has_token: bool) -> (usize, Vec<String>) {
    let mut parts: Vec<(&str, &[u8])> = vec![("path", call.path.as_bytes()), ("query", call.query.as_bytes())];
    let headers = call.headers.iter().filter(|(name, _)| !(has_token && **name == AUTHORIZATION));
    parts.extend(headers.map(|(name, value)| (name.as_str(), value.as_bytes())));
    let mut body = String::from_utf8_lossy(&call.body).into_owned();
    if let Some(Expected { written, .. }) = expected {
        body = body.replacen(written.as_str(), "", 1);
    }
    parts.push(("body", body.as_bytes()));
    let found = parts.iter().filter_map(|(part, bytes)| {
        canary::find_in(bytes).map(|(_, form)| format!("key material {form} in its {part}"))
    });
    (call.body.len() + call.headers.iter().map(|(_, value)| value.len()).sum::<usize>(), found.collect())
}

/// That a secret or a token was sent where one may go, and yet is another's, whatever it was sent with.
fn of_another(
    secret: Option<&str>,
    token: Option<&str>,
    call: &Call,
    (zone, host): (&str, &str),
    tenants: &Tenants,
) -> Vec<String> {
    let all = tenants.all();
    let known = |to: &dyn Fn(&str, &Tenant) -> bool| all.iter().any(|(of, tenant)| to(of, &lock(tenant)));
    let signs_in_here = call.path == "/oauth/token" && host == "landscape";
    let has_token = |tenant: &Tenant, value: &str| tenant.tokens.iter().any(|token| token == value);
    let mut found = Vec::new();
    if let Some(secret) = secret {
        let is_client = |tenant: &Tenant| tenant.client.1 == secret;
        let is_key = |tenant: &Tenant| tenant.keys.knows(secret);
        let is_meant = |tenant: &Tenant| if signs_in_here { is_client(tenant) } else { is_key(tenant) };
        let is_any = |tenant: &Tenant| is_client(tenant) || is_key(tenant) || has_token(tenant, secret);
        if known(&|_, tenant| is_any(tenant)) && !known(&|of, tenant| of == zone && is_meant(tenant)) {
            found.push("credentials of somebody else in its body".to_owned());
        }
    }
    if let Some(token) = token
        && known(&|of, tenant| tenant.client.1 == token || (of != zone && has_token(tenant, token)))
    {
        found.push("credentials of somebody else in its authorization".to_owned());
    }
    found
}
