//! The situation of a cell: its tenant, its key, and how its fault comes and goes.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use reqwest::Method;
use serde_json::{Value, json};

use super::calls::Call;
use super::cell::{Cell, is_interval};
use super::faults::Fault;
use super::passes::Passes;
use testkit::bed::{Tenant, TestBed};

/// Name of the object.
pub const NAME: &str = "calm";
const SECRET: &str = "pasted";

/// The situation of a cell.
pub struct Scene<'a> {
    /// The tenant, for this cell alone.
    pub tenant: Tenant<'a>,
    /// The key of the source.
    pub key: Value,
    call: Call,
    fault: Fault,
    door: Option<u16>,
    /// The number of the journal's last entry when the fault began.
    begun_after: AtomicU64,
}

impl<'a> Scene<'a> {
    /// Sets it up, up to the call that the fault is for.
    pub async fn of(cell: &Cell, bed: &'a TestBed) -> Self {
        let Cell { call, fault, .. } = *cell;
        let zone = cell.zone();
        let door = match fault {
            Fault::Door(_) => {
                let made = bed.simulator.admin(Method::POST, "/listeners", None).await;
                made["port"].as_u64().and_then(|port| u16::try_from(port).ok())
            }
            _ => None,
        };
        let change = |document: &mut Value| reach(document, cell, &zone, door);
        let tenant = Tenant::create_with(bed, &zone, bed.client.clone(), change).await;
        let mut key = tenant.make_key().await;
        if let (Some(port), "SignIn") = (door, call.kind()) {
            key["uaa"]["url"] = format!("https://{zone}.authentication.localhost:{port}").into();
        }
        // From now on the tenant's own look at the slot is no longer under way, and the operator has its token.
        tenant.await_tenant(&zone, "True", "Connected").await;
        let scene = Self { tenant, key, call, fault, door, begun_after: AtomicU64::default() };
        scene.fill().await;
        if call.is_settled() || call.is_deletion() {
            scene.apply().await;
            scene.tenant.await_ready(NAME, "True", "Uploaded").await;
        }
        scene
    }

    /// What the slot holds before.
    async fn fill(&self) {
        let tenant = &self.tenant;
        match self.call {
            Call::ReadContent | Call::Adopt | Call::Release => tenant.fill_slot(&self.key, None).await,
            // The one write that comes after a look at the content: over another one.
            Call::Put if self.door.is_some() => tenant.fill_slot(&tenant.make_key().await, None).await,
            _ => {}
        }
        tenant.write_secret(SECRET, &self.key).await;
    }

    /// Whether its deletion is that of a dead key.
    pub fn is_of_dead_key(&self) -> bool {
        self.call == Call::Delete && self.door.is_some()
    }

    /// Lets the fault begin, where it does so before the trigger.
    pub async fn arm(&self) {
        if !self.is_of_dead_key() {
            self.begin().await;
        }
        if self.call.kind() == "LandscapeToken" {
            self.tenant.bed.simulator.expire_tokens(&self.tenant.name).await;
        }
    }

    async fn begin(&self) {
        if let (Some(door), Fault::Door(becomes)) = (self.door, self.fault) {
            self.begin_at(door, becomes).await;
        } else {
            let fault = self.fault.planned(self.call, &self.tenant.name, self.tenant.bed.simulator.port);
            self.tenant.fail(self.call.kind(), fault).await;
        }
        let last = self.tenant.journal().await.last().and_then(|call| call["seq"].as_u64());
        self.begun_after.store(last.unwrap_or_default(), Ordering::Relaxed);
    }

    async fn begin_at(&self, door: u16, becomes: &str) {
        let fault = json!({ "listener": door, "mode": becomes });
        match self.call {
            // The call before it in a pass.
            Call::ReadContent => self.tenant.fail("ReadSlot", fault).await,
            Call::Put | Call::Adopt | Call::Release | Call::Delete => self.tenant.fail("ReadContent", fault).await,
            _ => self.set_door(becomes).await,
        }
    }

    async fn set_door(&self, becomes: &str) {
        if let Some(door) = self.door {
            let path = format!("/listeners/{door}");
            self.tenant.bed.simulator.admin(Method::PUT, &path, Some(json!({ "mode": becomes }))).await;
        }
    }

    /// Lets the call come.
    pub async fn trigger(&self, passes: &Passes) {
        match self.call {
            _ if self.is_of_dead_key() => self.let_key_die(passes).await,
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

    /// It is refused three times; the fault begins before the fourth time, which proves it dead.
    async fn let_key_die(&self, passes: &Passes) {
        let zone = &self.tenant.name;
        passes.first(zone, 0, "found all well", |pass| is_interval(pass.next)).await;
        let before = passes.count(zone);
        self.tenant.revoke(&self.key).await;
        self.tenant.annotate(NAME, "almkey.dev/reconcile-requested-at", "fault").await;
        // The probes are due at 0, 1, 4 and 10 s.
        let refused = AtomicUsize::new(0);
        let is_third = |call: &Value| {
            let is_refusal = call["kind"] == "SignIn" && call["status"] == 401;
            is_refusal && refused.fetch_add(1, Ordering::Relaxed) == 2
        };
        self.tenant.await_call("the third refusal of the key", is_third).await;
        // Its pass goes on to the slot: the fault is not for that.
        passes.first(zone, before + 2, "was the third", |_| true).await;
        self.begin().await;
    }

    /// What was asked of the tenant while the fault lasted, so far.
    pub async fn asked(&self) -> Vec<Value> {
        let begun_after = self.begun_after.load(Ordering::Relaxed);
        let mut calls = self.tenant.journal().await;
        calls.retain(|call| call["seq"].as_u64() > Some(begun_after));
        calls
    }

    /// Lets the fault stop.
    pub async fn heal(&self) {
        self.tenant.heal().await;
        self.set_door("open").await;
        self.tenant.release_held_calls().await;
    }
}

/// The tenant is reached through a door where the call is made. Patience is short where it is what ends the fault, and
/// nowhere else.
fn reach(document: &mut Value, Cell { call, fault, .. }: &Cell, zone: &str, door: Option<u16>) {
    let spec = &mut document["spec"];
    spec["landscapeManagement"]["http"]["timeout"] = json!(if fault.is_waited_for() { "1s" } else { "20s" });
    let Some(port) = door else { return };
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
