//! The admin API: what people do at SAP, and what tests do to it. Without access control: loopback only.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use alm_key_operator::landscape::contract::OwnerDto;
use hyper::{Method, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::faults::Planned;
use crate::http::{Body, Call, empty, json, problem};
use crate::keys::Wanted;
use crate::listeners::{ListenerMode, Listeners};
use crate::tenants::{Tenant, Tenants, lock};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewTenant {
    identity_zone: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Credentials {
    clientid: String,
    clientsecret: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Imported {
    key: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Filled {
    key: Value,
    owner: Option<OwnerDto>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Latency {
    ms: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetMode {
    mode: ListenerMode,
}

pub(crate) async fn answer(call: &Call, tenants: &Arc<Tenants>) -> Response<Body> {
    let path: Vec<&str> = call.path.split('/').skip(1).collect();
    match (call.method.as_str(), path.as_slice()) {
        ("GET", ["health"]) => json(200, &json!({ "status": "ok" })),
        ("GET", ["journal"]) => journal(call, tenants).await,
        ("GET", ["leak-check"]) => json(200, &json!(tenants.sent.so_far())),
        ("POST", ["tenants"]) => match call.json::<NewTenant>() {
            Err(response) => *response,
            Ok(NewTenant { identity_zone }) => match tenants.create(&identity_zone) {
                Some(tenant) => json(201, &shown(&lock(&tenant), tenants.port)),
                None => problem(409, "Exists", "there is such a tenant already"),
            },
        },
        ("DELETE", ["tenants", zone]) if tenants.delete(zone) => empty(204),
        ("POST", ["listeners"]) => match Listeners::add(tenants).await {
            Ok(port) => json(201, &json!({ "port": port })),
            Err(_) => problem(500, "NoListener", "no port can be listened on"),
        },
        ("PUT", ["listeners", port]) => listener(call, port, tenants).await,
        (_, ["tenants", zone, rest @ ..]) => match tenants.find(zone) {
            Some(tenant) => of_tenant(call, rest, &tenant, tenants.port).await,
            None => problem(404, "UnknownTenant", "there is no such tenant"),
        },
        _ => problem(404, "UnknownPath", "the admin API has no such path or method"),
    }
}

/// A door becomes another one.
async fn listener(call: &Call, port: &str, tenants: &Tenants) -> Response<Body> {
    match (call.json(), port.parse()) {
        (Err(response), _) => *response,
        (Ok(SetMode { mode }), Ok(port)) if tenants.doors.set(port, mode).await => empty(204),
        (Ok(_), _) => problem(404, "UnknownListener", "there is no such listener"),
    }
}

async fn of_tenant(call: &Call, path: &[&str], tenant: &Mutex<Tenant>, port: u16) -> Response<Body> {
    if (&call.method, path) == (&Method::GET, &["holds"]) {
        return holds(call, tenant).await;
    }
    let mut tenant = lock(tenant);
    let outcome = match (call.method.as_str(), path) {
        ("GET", []) => Ok(json(200, &shown(&tenant, port))),
        (_, ["keys", rest @ ..]) => of_keys(call, rest, &mut tenant, port),
        ("GET", ["slot"]) => {
            let slot = &tenant.slot;
            let owner = slot.owner().map_or(Value::Null, |owner| json!(owner));
            Ok(json(200, &json!({ "revision": slot.etag(), "owner": owner, "key": slot.key() })))
        }
        ("POST", ["tokens", "expire"]) => {
            tenant.tokens.clear();
            Ok(empty(204))
        }
        ("PUT", ["slot"]) => call.json::<Filled>().map(|Filled { key, owner }| {
            tenant.slot.fill(key, owner);
            empty(204)
        }),
        ("DELETE", ["slot"]) => {
            tenant.slot.empty();
            Ok(empty(204))
        }
        ("POST", ["slot", "bump-revision"]) => {
            tenant.slot.bump_revision();
            Ok(empty(204))
        }
        ("POST", ["faults"]) => call.json::<Planned>().map(|planned| {
            tenant.faults.plan(planned);
            empty(204)
        }),
        ("DELETE", ["faults"]) => {
            tenant.faults.clear();
            Ok(empty(204))
        }
        ("POST", ["holds", "release"]) => Ok(json(200, &json!({ "released": tenant.faults.holds.release() }))),
        ("PUT", ["latency"]) => call.json::<Latency>().map(|Latency { ms }| {
            tenant.latency = Duration::from_millis(ms);
            empty(204)
        }),
        _ => Ok(problem(404, "UnknownPath", "a tenant has no such path or method")),
    };
    outcome.unwrap_or_else(|response| *response)
}

/// The keys that people make, delete and rotate in the BTP cockpit.
fn of_keys(call: &Call, path: &[&str], tenant: &mut Tenant, port: u16) -> Result<Response<Body>, Box<Response<Body>>> {
    match (call.method.as_str(), path) {
        ("POST", []) => call.json::<Wanted>().map(|wanted| {
            let zone = tenant.zone.clone();
            json(201, &tenant.keys.make(&zone, port, &wanted))
        }),
        ("POST", ["import"]) => call.json::<Imported>().map(|Imported { key }| {
            if tenant.keys.import(&key) {
                empty(204)
            } else {
                problem(400, "BadKey", "clientid or clientsecret is missing")
            }
        }),
        ("POST", ["revoke"]) => call.json().map(|credentials| set_revoked(tenant, &credentials, false)),
        ("POST", ["restore"]) => call.json().map(|credentials| set_revoked(tenant, &credentials, true)),
        ("POST", ["rotate"]) => call.json::<Credentials>().map(|Credentials { clientid, .. }| {
            let zone = tenant.zone.clone();
            match tenant.keys.rotate(&zone, port, &clientid) {
                Some(key) => json(201, &key),
                None => problem(404, "UnknownClient", "there is no such client"),
            }
        }),
        _ => Ok(problem(404, "UnknownPath", "keys have no such path or method")),
    }
}

fn set_revoked(tenant: &mut Tenant, credentials: &Credentials, alive: bool) -> Response<Body> {
    if tenant.keys.set(&credentials.clientid, credentials.clientsecret.as_deref(), alive) {
        empty(204)
    } else {
        problem(404, "UnknownKey", "there are no such credentials")
    }
}

fn shown(tenant: &Tenant, port: u16) -> Value {
    let zone = &tenant.zone;
    let (client_id, client_secret) = &tenant.client;
    let landscape = format!("https://{zone}.landscape.localhost:{port}");
    json!({
        "identityZone": zone,
        "tokenUrl": format!("https://{zone}.authentication.localhost:{port}/oauth/token"),
        "landscapeManagement": {
            "url": landscape, "tokenUrl": format!("{landscape}/oauth/token"),
            "clientId": client_id, "clientSecret": client_secret,
        },
    })
}

/// How long a call may be waited with, in seconds; none if it is to be answered at once.
fn wait(call: &Call) -> Option<Duration> {
    let seconds: u64 = call.parameter("wait")?.parse().ok()?;
    (seconds > 0).then(|| Duration::from_secs(seconds.min(60)))
}

async fn holds(call: &Call, tenant: &Mutex<Tenant>) -> Response<Body> {
    let holds = lock(tenant).faults.holds.clone();
    let held = match wait(call) {
        Some(wait) => tokio::time::timeout(wait, holds.any()).await.unwrap_or(0),
        None => holds.count(),
    };
    json(200, &json!({ "held": held }))
}

async fn journal(call: &Call, tenants: &Tenants) -> Response<Body> {
    let tenant = call.parameter("tenant");
    let after = call.parameter("after").and_then(|after| after.parse().ok()).unwrap_or(0);
    let entries = match wait(call) {
        Some(wait) => {
            tokio::time::timeout(wait, tenants.journal.await_after(tenant.as_deref(), after)).await.unwrap_or_default()
        }
        None => tenants.journal.after(tenant.as_deref(), after),
    };
    let last = entries.last().map_or(after, |entry| entry.seq);
    json(200, &json!({ "entries": entries, "last": last }))
}
