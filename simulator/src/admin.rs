//! The admin API: the actions of people at SAP, and those of tests. It has no access control, as it is served on loopback
//! only.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use alm_key_operator::landscape::contract::OwnerDto;
use hyper::{Method, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::faults::PlannedFault;
use crate::http::{Body, Call, empty, json, problem};
use crate::keys::KeyRequest;
use crate::listeners::ListenerMode;
use crate::state::{Tenant, Tenants};
use crate::sync::lock;

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
struct ImportedKey {
    key: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SlotContent {
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

/// Answers a call of the admin API.
pub(crate) async fn answer(call: &Call, tenants: &Tenants) -> Response<Body> {
    let path: Vec<&str> = call.path.split('/').skip(1).collect();
    match (call.method.as_str(), path.as_slice()) {
        ("GET", ["health"]) => json(200, &json!({ "status": "ok" })),
        ("GET", ["journal"]) => journal(call, tenants).await,
        ("GET", ["leak-check"]) => json(200, &json!(tenants.leak_log.report())),
        ("POST", ["tenants"]) => match call.json::<NewTenant>() {
            Err(response) => *response,
            Ok(NewTenant { identity_zone }) => match tenants.create(&identity_zone) {
                Some(tenant) => json(201, &description(&lock(&tenant), tenants.port)),
                None => problem(409, "Exists", "there is already a tenant with this identity zone"),
            },
        },
        ("DELETE", ["tenants", zone]) if tenants.delete(zone) => empty(204),
        ("POST", ["listeners"]) => match tenants.listeners.add().await {
            Ok(port) => json(201, &json!({ "port": port })),
            Err(_) => problem(500, "NoListener", "no further listener could be opened"),
        },
        ("PUT", ["listeners", port]) => set_mode(call, port, tenants).await,
        (_, ["tenants", zone, rest @ ..]) => match tenants.find(zone) {
            Some(tenant) => tenant_call(call, rest, &tenant, tenants.port).await,
            None => problem(404, "UnknownTenant", "there is no such tenant"),
        },
        _ => problem(404, "UnknownPath", "the admin API has no such path or method"),
    }
}

/// Sets the mode of a listener.
async fn set_mode(call: &Call, port: &str, tenants: &Tenants) -> Response<Body> {
    match (call.json(), port.parse()) {
        (Err(response), _) => *response,
        (Ok(SetMode { mode }), Ok(port)) if tenants.listeners.set(port, mode).await => empty(204),
        (Ok(_), _) => problem(404, "UnknownListener", "there is no such listener"),
    }
}

/// Answers a call about one tenant.
async fn tenant_call(call: &Call, path: &[&str], tenant: &Mutex<Tenant>, port: u16) -> Response<Body> {
    if (&call.method, path) == (&Method::GET, &["holds"]) {
        return holds(call, tenant).await;
    }
    let mut tenant = lock(tenant);
    let outcome = match (call.method.as_str(), path) {
        ("GET", []) => Ok(json(200, &description(&tenant, port))),
        (_, ["keys", rest @ ..]) => key_call(call, rest, &mut tenant, port),
        ("GET", ["slot"]) => {
            let slot = &tenant.slot;
            let owner = slot.owner().map_or(Value::Null, |owner| json!(owner));
            Ok(json(200, &json!({ "revision": slot.etag(), "owner": owner, "key": slot.key() })))
        }
        ("PUT", ["tokens", "fields"]) => call.json::<BTreeMap<String, String>>().map(|fields| {
            tenant.token_fields = fields;
            empty(204)
        }),
        ("POST", ["tokens", "expire"]) => {
            tenant.tokens.clear();
            Ok(empty(204))
        }
        ("PUT", ["slot"]) => call.json::<SlotContent>().map(|SlotContent { key, owner }| {
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
        ("POST", ["faults"]) => call.json::<PlannedFault>().map(|fault| {
            tenant.faults.plan(fault);
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

/// Answers a call about the keys that people create, delete and rotate in the BTP cockpit.
fn key_call(call: &Call, path: &[&str], tenant: &mut Tenant, port: u16) -> Result<Response<Body>, Box<Response<Body>>> {
    match (call.method.as_str(), path) {
        ("POST", []) => call.json::<KeyRequest>().map(|request| {
            let zone = tenant.zone.clone();
            json(201, &tenant.keys.create(&zone, port, &request))
        }),
        ("POST", ["import"]) => call.json::<ImportedKey>().map(|ImportedKey { key }| {
            if tenant.keys.import(&key) {
                empty(204)
            } else {
                problem(400, "BadKey", "clientid or clientsecret is missing")
            }
        }),
        ("POST", ["revoke"]) => call.json().map(|credentials| set_revoked(tenant, &credentials, true)),
        ("POST", ["restore"]) => call.json().map(|credentials| set_revoked(tenant, &credentials, false)),
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

/// Revokes credentials, or lets them sign in again.
fn set_revoked(tenant: &mut Tenant, credentials: &Credentials, is_revoked: bool) -> Response<Body> {
    if tenant.keys.set_revoked(&credentials.clientid, credentials.clientsecret.as_deref(), is_revoked) {
        empty(204)
    } else {
        problem(404, "UnknownKey", "there are no such credentials")
    }
}

/// Describes a tenant: its URLs, and the credentials of its technical client.
fn description(tenant: &Tenant, port: u16) -> Value {
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

/// Returns the time for which a call may be held until there is something to answer. Returns none if it is to be answered
/// at once.
fn wait(call: &Call) -> Option<Duration> {
    let seconds: u64 = call.parameter("wait")?.parse().ok()?;
    (seconds > 0).then(|| Duration::from_secs(seconds.min(60)))
}

/// Answers the number of calls that are held.
async fn holds(call: &Call, tenant: &Mutex<Tenant>) -> Response<Body> {
    let holds = lock(tenant).faults.holds.clone();
    let held = match wait(call) {
        Some(wait) => tokio::time::timeout(wait, holds.wait_for_one()).await.unwrap_or(0),
        None => holds.count(),
    };
    json(200, &json!({ "held": held }))
}

/// Answers entries of the journal.
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
