//! The tenants, and how a call to one of them runs.

use std::collections::HashMap;
use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http_body_util::{BodyExt, Collected};
use hyper::Response;
use serde_json::Value;

use crate::canary::MARKER;
use crate::contract::{Contract, Seen};
use crate::corruption::Spoilt;
use crate::faults::{Fault, Faults};
use crate::http::{Body, Call, Dropped};
use crate::journal::{Entry, Journal};
use crate::keys::Keys;
use crate::leak_check::Log;
use crate::listeners::Listeners;
use crate::slot::Slot;

/// All tenants.
pub(crate) struct Tenants {
    /// Port of all virtual hosts, as the world sees them.
    pub(crate) port: u16,
    pub(crate) journal: Journal,
    pub(crate) doors: Listeners,
    pub(crate) sent: Log,
    contract: Contract,
    by_zone: Mutex<HashMap<String, Arc<Mutex<Tenant>>>>,
}

/// One tenant.
pub(crate) struct Tenant {
    pub(crate) zone: String,
    /// The technical client of its Landscape Management, and its secret.
    pub(crate) client: (String, String),
    pub(crate) tokens: Vec<String>,
    pub(crate) keys: Keys,
    pub(crate) slot: Slot,
    pub(crate) faults: Faults,
    pub(crate) latency: Duration,
}

/// What a call did.
pub(crate) struct Done {
    pub(crate) response: Response<Body>,
    pub(crate) effect: bool,
    /// The access token that was issued, by its order.
    pub(crate) token: Option<usize>,
    pub(crate) clientid: Option<String>,
    pub(crate) key: Option<String>,
    pub(crate) body: Option<Value>,
    pub(crate) response_body: Option<Value>,
}

impl Done {
    /// Answered, and nothing changed.
    pub(crate) fn answered(response: Response<Body>) -> Self {
        Self { response, effect: false, token: None, clientid: None, key: None, body: None, response_body: None }
    }
}

impl Tenant {
    /// Which of the access tokens that live a call came with.
    pub(crate) fn token_of(&self, call: &Call) -> Option<usize> {
        let bearer = call.authorization.as_deref().and_then(|value| value.strip_prefix("Bearer "))?;
        self.tokens.iter().position(|token| token == bearer)
    }
}

impl Tenants {
    pub(crate) fn new(port: u16, doors: Listeners) -> Result<Self, Box<dyn Error>> {
        let by_zone = Mutex::new(HashMap::new());
        let (journal, sent) = (Journal::new(), Log::default());
        Ok(Self { port, journal, doors, sent, contract: Contract::new()?, by_zone })
    }

    /// Makes one; none if it is there.
    pub(crate) fn create(&self, zone: &str) -> Option<Arc<Mutex<Tenant>>> {
        let mut tenants = lock(&self.by_zone);
        if tenants.contains_key(zone) {
            return None;
        }
        let tenant = Arc::new(Mutex::new(Tenant {
            zone: zone.to_owned(),
            client: (format!("landscape-{zone}"), new_secret()),
            tokens: Vec::new(),
            keys: Keys::default(),
            slot: Slot::new(),
            faults: Faults::new(),
            latency: Duration::ZERO,
        }));
        tenants.insert(zone.to_owned(), Arc::clone(&tenant));
        Some(tenant)
    }

    pub(crate) fn find(&self, zone: &str) -> Option<Arc<Mutex<Tenant>>> {
        lock(&self.by_zone).get(zone).cloned()
    }

    /// All of them, by their zones.
    pub(crate) fn all(&self) -> Vec<(String, Arc<Mutex<Tenant>>)> {
        lock(&self.by_zone).iter().map(|(zone, tenant)| (zone.clone(), Arc::clone(tenant))).collect()
    }

    pub(crate) fn delete(&self, zone: &str) -> bool {
        lock(&self.by_zone).remove(zone).is_some()
    }

    /// Runs a call of a kind: its fault, if one is planned, then `act`, then the journal.
    pub(crate) async fn run(
        &self,
        call: &Call,
        kind: &'static str,
        tenant: &Mutex<Tenant>,
        act: impl FnOnce(&mut Tenant) -> Done,
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
        let instead = fault.as_ref().and_then(Fault::instead);
        // What is done wrong on purpose is no violation; a request never is.
        let planned = instead.is_some();
        let mut done = match instead {
            Some(answer) => Done::answered(answer),
            None => act(&mut lock(tenant)),
        };
        let dropped = fault.as_ref().and_then(Fault::dropped);
        let violation = self.violation(call, kind, (!planned).then_some(&done.response)).await;
        self.note(call, kind, tenant, &done, dropped.is_some(), violation);
        match fault {
            Some(Fault::Answer { answer: Spoilt::Never }) => holds.hold().await,
            Some(Fault::Answer { answer }) => drop(done.response.extensions_mut().insert(answer)),
            Some(Fault::Door { door, becomes }) => drop(self.doors.set(door, becomes).await),
            _ => {}
        }
        dropped.map_or(Ok(done.response), Err)
    }

    /// Where request or answer deviates from the contract of Landscape Management. A token endpoint has another.
    async fn violation(&self, call: &Call, kind: &str, answer: Option<&Response<Body>>) -> Option<String> {
        if ["SignIn", "LandscapeToken"].contains(&kind) {
            return None;
        }
        let (method, path) = (call.method.as_str(), call.path.as_str());
        let request = Seen { method, path, headers: &call.headers, body: &call.body };
        let mut found: Vec<String> =
            self.contract.request(&request).into_iter().map(|of| format!("request: {of}")).collect();
        if let Some(answer) = answer {
            let body = answer.body().clone().collect().await.map(Collected::to_bytes).unwrap_or_default();
            let seen = Seen { method, path, headers: answer.headers(), body: &body };
            let answer = self.contract.answer(&seen, answer.status().as_u16());
            found.extend(answer.into_iter().map(|of| format!("answer: {of}")));
        }
        (!found.is_empty()).then(|| found.join("; "))
    }

    fn note(
        &self,
        call: &Call,
        kind: &'static str,
        tenant: &Mutex<Tenant>,
        done: &Done,
        dropped: bool,
        violation: Option<String>,
    ) {
        let (zone, revision, token) = {
            let tenant = lock(tenant);
            (tenant.zone.clone(), tenant.slot.etag(), done.token.or_else(|| tenant.token_of(call)))
        };
        self.journal.add(Entry {
            seq: 0,
            at: jiff::Timestamp::now(),
            tenant: zone,
            kind,
            method: call.method.to_string(),
            host: call.host.clone(),
            path: call.path.clone(),
            token,
            if_match: call.if_match.clone(),
            status: (!dropped).then(|| done.response.status().as_u16()),
            effect: done.effect,
            revision: Some(revision),
            clientid: done.clientid.clone(),
            key: done.key.clone(),
            body: done.body.clone(),
            response_body: done.response_body.clone(),
            violation,
        });
    }
}

/// A new secret of the operator itself, or an access token.
pub(crate) fn new_secret() -> String {
    format!("{MARKER}-{:032x}", rand::random::<u128>())
}

/// Locks; a panic elsewhere does not spread.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
