//! Scene of a cell: its tenant, its key, and how its fault begins and ends.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::calls::Call;
use super::cell::Cell;
use super::faults::Fault;
use super::reconciliations::{Reconciliation, Reconciliations};
use testkit::bed::{Tenant, TestBed};

/// Name of the `ALMServiceKey`.
pub const NAME: &str = "calm";
const SECRET: &str = "pasted";

/// Scene of a cell.
pub struct Scene<'a> {
    /// Tenant of this cell alone.
    pub tenant: Tenant<'a>,
    /// Key in the source.
    pub key: Value,
    call: Call,
    fault: Fault,
    /// Port of a listener that takes up the fault.
    listener: Option<u16>,
    /// Number of the journal's last entry when the fault began.
    begun_after: AtomicU64,
}

impl<'a> Scene<'a> {
    /// Sets the scene up to the call that the fault is meant for.
    pub async fn set_up(cell: &Cell, bed: &'a TestBed) -> Self {
        let Cell { call, fault, .. } = *cell;
        let zone = cell.zone();
        let listener = match fault {
            Fault::Listener(_) => {
                let created = bed.simulator.admin(Method::POST, "/listeners", None).await;
                created["port"].as_u64().and_then(|port| u16::try_from(port).ok())
            }
            _ => None,
        };
        let change = |document: &mut Value| route(document, cell, &zone, listener);
        let tenant = Tenant::create_with(bed, &zone, bed.client.clone(), change).await;
        let mut key = tenant.make_key().await;
        if let (Some(port), "SignIn") = (listener, call.kind()) {
            key["uaa"]["url"] = format!("https://{zone}.authentication.localhost:{port}").into();
        }
        // The tenant's own read of the slot is over, and the operator has its token.
        tenant.await_tenant(&zone, "True", "Connected").await;
        let scene = Self { tenant, key, call, fault, listener, begun_after: AtomicU64::default() };
        scene.fill().await;
        if call.is_settled() || call.is_deletion() {
            scene.apply().await;
            scene.tenant.await_ready(NAME, "True", "Uploaded").await;
        }
        scene
    }

    /// Fills the slot and the source.
    async fn fill(&self) {
        let tenant = &self.tenant;
        match self.call {
            Call::ReadContent | Call::Adopt | Call::Release => tenant.fill_slot(&self.key, None).await,
            // The one upload that follows a read of the content is the replacement of another key.
            Call::Put if self.listener.is_some() => tenant.fill_slot(&tenant.make_key().await, None).await,
            _ => {}
        }
        tenant.write_secret(SECRET, &self.key).await;
    }

    /// Returns true if the call deletes a dead key.
    pub fn is_of_dead_key(&self) -> bool {
        self.call == Call::Delete && self.listener.is_some()
    }

    /// Begins the fault, unless it begins after the trigger.
    pub async fn arm(&self) {
        if !self.is_of_dead_key() {
            self.begin().await;
        }
        if self.call.kind() == "LandscapeToken" {
            self.tenant.bed.simulator.expire_tokens(&self.tenant.name).await;
        }
    }

    async fn begin(&self) {
        if let (Some(listener), Fault::Listener(mode)) = (self.listener, self.fault) {
            self.begin_at(listener, mode).await;
        } else {
            let fault = self.fault.configuration(self.call, &self.tenant.name, self.tenant.bed.simulator.port);
            self.tenant.fail(self.call.kind(), fault).await;
        }
        let last = self.tenant.journal().await.last().and_then(|call| call["seq"].as_u64());
        self.begun_after.store(last.unwrap_or_default(), Ordering::Relaxed);
    }

    async fn begin_at(&self, listener: u16, mode: &str) {
        let fault = json!({ "listener": listener, "mode": mode });
        match self.call {
            // The fault begins with the call before it in a reconciliation.
            Call::ReadContent => self.tenant.fail("ReadSlot", fault).await,
            Call::Put | Call::Adopt | Call::Release | Call::Delete => self.tenant.fail("ReadContent", fault).await,
            _ => self.set_listener(mode).await,
        }
    }

    async fn set_listener(&self, mode: &str) {
        if let Some(listener) = self.listener {
            let path = format!("/listeners/{listener}");
            self.tenant.bed.simulator.admin(Method::PUT, &path, Some(json!({ "mode": mode }))).await;
        }
    }

    /// Triggers the call.
    pub async fn trigger(&self, log: &Reconciliations) {
        match self.call {
            _ if self.is_of_dead_key() => self.let_key_die(log).await,
            Call::Release | Call::Delete => self.tenant.begin_deletion(NAME).await,
            _ if self.call.is_settled() => drop(self.tenant.reconcile_now(NAME, "fault").await),
            _ => self.apply().await,
        }
    }

    async fn apply(&self) {
        let mut spec = json!({ "source": { "secretRef": { "name": SECRET } } });
        if self.is_of_dead_key() {
            spec["deadKey"] = json!({ "after": "10s" });
        }
        self.tenant.apply(NAME, spec).await;
    }

    /// Lets the key be refused three times, and begins the fault before the fourth refusal, which proves it dead.
    async fn let_key_die(&self, log: &Reconciliations) {
        let zone = &self.tenant.name;
        log.first(zone, 0, "settled the object", Reconciliation::is_settled).await;
        let before = log.count(zone);
        self.tenant.revoke(&self.key).await;
        self.tenant.annotate(NAME, "almkey.dev/reconcile-requested-at", "fault").await;
        // The probes are due at 0, 1, 4 and 10 s.
        let refused = AtomicUsize::new(0);
        let is_third = |call: &Value| {
            let is_refusal = call["kind"] == "SignIn" && call["status"] == 401;
            is_refusal && refused.fetch_add(1, Ordering::Relaxed) == 2
        };
        self.tenant.await_call("the third refusal of the key", is_third).await;
        // The same reconciliation goes on to the slot, before the fault begins. It ends with the wait for the fourth probe,
        // which is due 6 s after the third. The waits for the others are at most 3 s.
        let waits_for_fourth =
            |ended: &Reconciliation| ended.next > Duration::from_secs(3) && ended.next <= Duration::from_secs(6);
        log.first(zone, before, "refused the key for the third time", waits_for_fourth).await;
        self.begin().await;
    }

    /// Returns the calls to the tenant since the fault began.
    pub async fn calls_under_fault(&self) -> Vec<Value> {
        let begun_after = self.begun_after.load(Ordering::Relaxed);
        let mut calls = self.tenant.journal().await;
        calls.retain(|call| call["seq"].as_u64() > Some(begun_after));
        calls
    }

    /// Ends the fault.
    pub async fn heal(&self) {
        self.tenant.heal().await;
        self.set_listener("open").await;
        self.tenant.release_held_calls().await;
    }
}

/// Routes the call through the listener, and sets the timeout: short only where a timeout ends the fault.
fn route(document: &mut Value, Cell { call, fault, .. }: &Cell, zone: &str, listener: Option<u16>) {
    let spec = &mut document["spec"];
    spec["landscapeManagement"]["http"]["timeout"] = json!(if fault.ends_by_timeout() { "1s" } else { "20s" });
    let Some(port) = listener else { return };
    let landscape = format!("https://{zone}.landscape.localhost:{port}");
    match call.kind() {
        "SignIn" => {
            let hosts = spec["signIn"]["hosts"].as_array_mut().expect("a list");
            hosts.push(format!("*.authentication.localhost:{port}").into());
        }
        "LandscapeToken" => {
            spec["landscapeManagement"]["http"]["oauth2"]["tokenUrl"] = format!("{landscape}/oauth/token").into();
        }
        _ => spec["landscapeManagement"]["http"]["url"] = landscape.into(),
    }
    if *call == Call::Put {
        spec["adoptionPolicy"] = json!("Replace");
    }
}
