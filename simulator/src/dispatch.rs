//! The run of one call: its fault, its effect, the check of the contract, and its entry in the journal.

use std::sync::Mutex;

use http_body_util::{BodyExt, Collected};
use hyper::Response;
use serde_json::Value;

use crate::contract::Exchange;
use crate::corruption::Corruption;
use crate::faults::Fault;
use crate::http::{Body, Call, Dropped};
use crate::journal::Entry;
use crate::state::{Tenant, Tenants};
use crate::sync::lock;

/// The outcome of a call.
pub(crate) struct Outcome {
    pub(crate) response: Response<Body>,
    /// The call changed the slot.
    pub(crate) effect: bool,
    /// Number of the access token that was issued.
    pub(crate) token: Option<usize>,
    pub(crate) clientid: Option<String>,
    pub(crate) key: Option<String>,
    pub(crate) body: Option<Value>,
    pub(crate) response_body: Option<Value>,
}

impl Outcome {
    /// Returns the outcome of a call that changed nothing.
    pub(crate) fn without_effect(response: Response<Body>) -> Self {
        Self { response, effect: false, token: None, clientid: None, key: None, body: None, response_body: None }
    }
}

/// Runs a call of a kind: its fault, if one is planned, then `act`, then its entry in the journal.
pub(crate) async fn run(
    tenants: &Tenants,
    call: &Call,
    kind: &'static str,
    tenant: &Mutex<Tenant>,
    act: impl FnOnce(&mut Tenant) -> Outcome,
) -> Result<Response<Body>, Dropped> {
    let (fault, holds, latency) = {
        let mut tenant = lock(tenant);
        (tenant.faults.next(kind), tenant.faults.holds.clone(), tenant.latency)
    };
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    if let Some(Fault::Hold { hold: true }) = fault {
        holds.hold().await;
    }
    let replacement = fault.as_ref().and_then(Fault::replacement);
    // An answer that is wrong on purpose is no violation; a request always may be one.
    let is_planned = replacement.is_some();
    let mut outcome = match replacement {
        Some(response) => Outcome::without_effect(response),
        None => act(&mut lock(tenant)),
    };
    let dropped = fault.as_ref().and_then(Fault::dropped);
    let violation = violation(tenants, call, kind, (!is_planned).then_some(&outcome.response)).await;
    note(tenants, call, kind, tenant, &outcome, dropped.is_some(), violation);
    match fault {
        Some(Fault::Corrupt { corruption: Corruption::Never }) => holds.hold().await,
        Some(Fault::Corrupt { corruption }) => drop(outcome.response.extensions_mut().insert(corruption)),
        Some(Fault::Listener { listener, mode }) => drop(tenants.listeners.set(listener, mode).await),
        _ => {}
    }
    dropped.map_or(Ok(outcome.response), Err)
}

/// Returns the violations of the contract of Landscape Management by request and answer. The contract does not cover
/// token endpoints.
async fn violation(tenants: &Tenants, call: &Call, kind: &str, answer: Option<&Response<Body>>) -> Option<String> {
    if ["SignIn", "LandscapeToken"].contains(&kind) {
        return None;
    }
    let (method, path) = (call.method.as_str(), call.path.as_str());
    let request = Exchange { method, path, headers: &call.headers, body: &call.body };
    let in_request = tenants.contract.check_request(&request).into_iter();
    let mut violations: Vec<String> = in_request.map(|violation| format!("request: {violation}")).collect();
    if let Some(answer) = answer {
        let body = answer.body().clone().collect().await.map(Collected::to_bytes).unwrap_or_default();
        let exchange = Exchange { method, path, headers: answer.headers(), body: &body };
        let in_answer = tenants.contract.check_answer(&exchange, answer.status().as_u16()).into_iter();
        violations.extend(in_answer.map(|violation| format!("answer: {violation}")));
    }
    (!violations.is_empty()).then(|| violations.join("; "))
}

/// Adds a call to the journal.
fn note(
    tenants: &Tenants,
    call: &Call,
    kind: &'static str,
    tenant: &Mutex<Tenant>,
    outcome: &Outcome,
    is_dropped: bool,
    violation: Option<String>,
) {
    let (zone, revision, token) = {
        let tenant = lock(tenant);
        (tenant.zone.clone(), tenant.slot.etag(), outcome.token.or_else(|| tenant.find_token(call)))
    };
    tenants.journal.add(Entry {
        seq: 0,
        at: jiff::Timestamp::now(),
        tenant: zone,
        kind,
        method: call.method.to_string(),
        host: call.host.clone(),
        path: call.path.clone(),
        token,
        if_match: call.if_match.clone(),
        status: (!is_dropped).then(|| outcome.response.status().as_u16()),
        effect: outcome.effect,
        revision: Some(revision),
        clientid: outcome.clientid.clone(),
        key: outcome.key.clone(),
        body: outcome.body.clone(),
        response_body: outcome.response_body.clone(),
        violation,
    });
}
