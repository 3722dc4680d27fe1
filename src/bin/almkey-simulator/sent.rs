//! Key material goes to two hosts only: a key to its own token endpoint and to the Landscape Management of its tenant,
//! and what the operator signs in there with to the latter alone. Every request is held against that.

use std::sync::{Mutex, PoisonError};

use alm_key_operator::landscape::contract::{KeyDto, PutDto, SERVICE_KEY_PATH};
use hyper::Method;
use hyper::header::AUTHORIZATION;
use serde::Serialize;

use crate::http::Call;
use crate::marker;
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
    /// In its body.
    Credentials,
    /// In both.
    TokenAndKey,
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
        let (bytes, mut found) = look(call, admitted);
        if matches!(admitted, Admitted::Credentials | Admitted::TokenAndKey) {
            found.extend(of_another(call, host, zone, tenants));
        }
        let whose = if zone.is_empty() { call.host.as_str() } else { zone };
        let mut sent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sent.requests += 1;
        sent.bytes += bytes as u64;
        let what = |part: String| format!("{} {}{}: {part}", call.method, call.host, call.path);
        sent.leaks.extend(found.into_iter().map(|part| Leak { tenant: whose.to_owned(), what: what(part) }));
    }
}

/// How much was looked through, and in which parts the marker stands that must not have it.
fn look(call: &Call, admitted: Admitted) -> (usize, Vec<String>) {
    let mut parts: Vec<(&str, &[u8])> = vec![("path", call.path.as_bytes()), ("query", call.query.as_bytes())];
    for (name, value) in &call.headers {
        let is_token = *name == AUTHORIZATION && matches!(admitted, Admitted::Token | Admitted::TokenAndKey);
        if !is_token {
            parts.push((name.as_str(), value.as_bytes()));
        }
    }
    if matches!(admitted, Admitted::Nothing | Admitted::Token) {
        parts.push(("body", &call.body[..]));
    }
    let found = parts.iter().filter_map(|(part, bytes)| {
        marker::find_in(bytes).map(|(_, form)| format!("key material {form} in its {part}"))
    });
    (call.body.len() + call.headers.iter().map(|(_, value)| value.len()).sum::<usize>(), found.collect())
}

/// That a secret was sent where secrets may go, and yet is another's.
fn of_another(call: &Call, host: &str, zone: &str, tenants: &Tenants) -> Option<String> {
    let (client, secret) = match (host, &call.method) {
        (_, &Method::POST) => (call.field("client_id")?, call.field("client_secret")?),
        ("landscape", &Method::PUT) => {
            let PutDto { owner: _, key: KeyDto(key) } = serde_json::from_slice(&call.body).ok()?;
            let text = |field: &str| key["uaa"][field].as_str().map(str::to_owned);
            (text("clientid")?, text("clientsecret")?)
        }
        _ => return None,
    };
    let credentials = (client, secret);
    let is_key = |tenant: &Tenant| tenant.keys.knows(&credentials);
    let is_client = |tenant: &Tenant| tenant.client == credentials;
    let signs_in_here = call.path == "/oauth/token" && host == "landscape";
    let all = tenants.all();
    let here = |known: &dyn Fn(&Tenant) -> bool| all.iter().any(|(of, tenant)| of == zone && known(&lock(tenant)));
    let anywhere = |known: &dyn Fn(&Tenant) -> bool| all.iter().any(|(_, tenant)| known(&lock(tenant)));
    let is_meant = if signs_in_here { here(&is_client) } else { here(&is_key) };
    if is_meant {
        return None;
    }
    (anywhere(&is_client) || anywhere(&is_key)).then(|| "credentials of somebody else in its body".to_owned())
}
