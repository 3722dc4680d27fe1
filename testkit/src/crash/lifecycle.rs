//! One run of a life cycle: create, upload, rotate, delete. It goes on to its end, whatever crash is injected.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, PoisonError};

use alm_key_operator::api::slot::SlotState;
use alm_key_operator::api::{ALMServiceKey, ALMTenant};
use almkey_simulator::canary::CANARY;
use futures::FutureExt;
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};

use super::history::{DeletionWindows, History, last};
use super::injector::{Injector, Running, SeenRequest};
use super::person::{Deeds, Person};
use super::point::{ConcurrentEvent, Lifecycle, Phase, Point};
use crate::bed::almtenant::tenant_condition;
use crate::bed::key::condition;
use crate::bed::manual::{LANDSCAPE_CALLS, in_manual_mode, removal};
use crate::bed::{Tenant, TestBed};
use crate::names::NAMESPACE;
use crate::proxy::PassAll;

/// Name of the `ALMServiceKey`.
const OBJECT: &str = "calm";
/// Name of the binding.
const BINDING: &str = "plain";

/// The outcome of a run.
pub struct Outcome {
    /// The crash point was reached. Not every run sends every request.
    pub reached: bool,
    /// All requests of the run.
    pub requests: Vec<SeenRequest>,
    /// The history of the slot.
    pub history: History,
    /// The reason why the run failed; none if it succeeded.
    pub failure: Option<String>,
}

/// The objects that exist in the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Present {
    /// A binding and, from the second phase on, an `ALMServiceKey`.
    Both,
    /// The `ALMServiceKey` alone.
    ObjectOnly,
    /// The binding at most: the `ALMServiceKey` was deleted.
    NoObject,
}

struct Run<'a> {
    lifecycle: Lifecycle,
    bed: &'a TestBed,
    tenant: Tenant<'a>,
    injector: Arc<Injector>,
    operator: Running,
    /// Numbers of the journal after which a process was started.
    starts: Vec<u64>,
    key: Value,
    is_applied: bool,
    was_uploaded: bool,
    present: Present,
    windows: DeletionWindows,
    reached: bool,
}

/// Runs a life cycle for a tenant of this name, with or without a crash, and cleans up after it.
pub async fn run_lifecycle(bed: &TestBed, name: &str, lifecycle: Lifecycle, point: Option<&Point>) -> Outcome {
    let operator = Running::default();
    let injector = Arc::new(Injector::new(point.cloned(), Arc::clone(&operator)));
    let proxy = bed.proxy.as_ref().expect("a bed with a proxy");
    proxy.set_guard(injector.clone());
    let tenant = match lifecycle {
        Lifecycle::Uploaded | Lifecycle::Adopted => Tenant::create(bed, name, bed.client.clone()).await,
        Lifecycle::Manual => Tenant::create_with(bed, name, bed.client.clone(), in_manual_mode).await,
    };
    let key = tenant.make_key().await;
    tenant.bind(BINDING, &key).await;
    if lifecycle == Lifecycle::Adopted {
        tenant.fill_slot(&key, None).await;
    }
    let disturbance = injector.disturbance();
    let mut run = Run {
        lifecycle,
        bed,
        tenant,
        injector,
        operator,
        starts: Vec::new(),
        key,
        is_applied: false,
        was_uploaded: false,
        present: Present::Both,
        windows: DeletionWindows::default(),
        reached: false,
    };
    let event = point.map_or(ConcurrentEvent::Nothing, |point| point.event);
    let mut person = Person::new(Tenant::existing(bed, name, bed.client.clone()), OBJECT, BINDING, disturbance);
    let life = async {
        tokio::select! {
            () = run.all_phases(event) => {}
            () = person.serve(), if lifecycle == Lifecycle::Manual => panic!("the person went away"),
        }
    };
    let result = AssertUnwindSafe(life).catch_unwind().await;
    let failure = result.err().map(|panic| match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => panic.downcast_ref::<&str>().copied().unwrap_or("the run panicked").to_owned(),
    });
    run.finish(failure, person.deeds).await
}

impl Run<'_> {
    async fn all_phases(&mut self, event: ConcurrentEvent) {
        for &phase in self.lifecycle.phases() {
            self.injector.begin(phase);
            self.begin(phase).await;
            let injector = Arc::clone(&self.injector);
            tokio::select! {
                biased;
                () = injector.crashed() => {
                    self.reached = true;
                    self.trigger(event).await;
                    self.ensure_running().await;
                    self.await_reconciled().await;
                    self.injector.recover();
                    self.await_settled(phase).await;
                    self.injector.release_late_request().await;
                }
                () = self.await_settled(phase) => {}
            }
            self.await_settled(phase).await;
            self.check_slot(phase).await;
            self.was_uploaded |= self.is_applied && self.present == Present::Both;
        }
    }

    /// Performs the action that a phase begins with.
    async fn begin(&mut self, phase: Phase) {
        match (phase, self.present) {
            (Phase::Start, _) => self.ensure_running().await,
            (Phase::Create, _) => {
                self.is_applied = true;
                self.tenant.apply_for_binding(OBJECT, BINDING).await;
            }
            (Phase::Rotate, Present::Both) => self.rotate().await,
            (Phase::Rotate, Present::ObjectOnly) => {
                self.key = self.tenant.make_key().await;
                self.windows.close(last(&self.tenant.journal().await));
                self.present = Present::Both;
                self.tenant.bind(BINDING, &self.key).await;
            }
            (Phase::Delete, Present::Both | Present::ObjectOnly) => self.trigger(ConcurrentEvent::Deleted).await,
            (Phase::Rotate | Phase::Delete, Present::NoObject) => {}
            (Phase::Leave, _) => self.tenant.begin_tenant_deletion().await,
        }
    }

    async fn rotate(&mut self) {
        let old = std::mem::replace(&mut self.key, self.tenant.make_key().await);
        self.tenant.rotate_binding(BINDING, &self.key).await;
        self.tenant.revoke(&old).await;
    }

    async fn trigger(&mut self, event: ConcurrentEvent) {
        let last = last(&self.tenant.journal().await);
        match event {
            ConcurrentEvent::Nothing => {}
            ConcurrentEvent::Rotated => self.rotate().await,
            ConcurrentEvent::Unbound => {
                self.windows.open(last);
                self.tenant.unbind(BINDING, &self.key).await;
                if self.present == Present::Both {
                    self.present = Present::ObjectOnly;
                }
            }
            // Not every run sends the same request in the same phase.
            ConcurrentEvent::Deleted if !self.is_applied || self.present == Present::NoObject => {}
            ConcurrentEvent::Deleted => {
                self.windows.open(last);
                self.tenant.begin_deletion(OBJECT).await;
                self.present = Present::NoObject;
            }
        }
    }

    /// Starts the operator, unless it runs.
    async fn ensure_running(&mut self) {
        let last = last(&self.tenant.journal().await);
        let mut operator = self.operator.lock().unwrap_or_else(PoisonError::into_inner);
        if operator.is_none() {
            self.starts.push(last);
            *operator = Some(self.bed.start_replica(&format!("{}-{}", self.tenant.name, self.starts.len())));
        }
    }

    /// Waits until a restarted operator has reconciled the object in manual mode, so that it meets the request that the
    /// person has read before the crash. A request that is late would fail because of the annotation.
    async fn await_reconciled(&self) {
        let is_shown = self.is_applied && self.present == Present::Both && !self.injector.is_late();
        if self.lifecycle == Lifecycle::Manual && is_shown {
            self.tenant.reconcile_now(OBJECT, "after the crash").await;
        }
    }

    /// Waits for the state that a phase has to end in.
    async fn await_settled(&self, phase: Phase) {
        match (phase, self.present) {
            (Phase::Start, _) => {
                let reason = if self.lifecycle == Lifecycle::Manual { "ManualMode" } else { "Connected" };
                self.tenant.await_tenant(&self.tenant.name, "True", reason).await;
            }
            (Phase::Create | Phase::Rotate | Phase::Delete, Present::Both) => {
                let what = "uploaded and ready with nothing pending";
                self.tenant.await_key(OBJECT, what, |object| is_uploaded(object, &self.key)).await;
            }
            (Phase::Create | Phase::Rotate | Phase::Delete, Present::ObjectOnly) => {
                self.tenant.await_key(OBJECT, "without a source and with nothing pending", is_without_source).await;
            }
            (Phase::Create | Phase::Rotate | Phase::Delete, Present::NoObject) => {
                self.tenant.await_gone(OBJECT).await;
                if self.lifecycle == Lifecycle::Manual {
                    let what = "empty without a pending removal";
                    let is_left = |tenant: &ALMTenant| is_left(tenant, self.was_uploaded);
                    self.tenant.await_tenant_as(&self.tenant.name, what, is_left).await;
                }
            }
            (Phase::Leave, _) => self.tenant.await_tenant_gone(&self.tenant.name).await,
        }
    }

    /// Checks that the settled slot holds the current key, or no key.
    async fn check_slot(&self, phase: Phase) {
        let is_held = self.is_applied && self.present == Present::Both && phase != Phase::Leave;
        let key = if is_held || self.lifecycle == Lifecycle::Adopted { &self.key } else { &Value::Null };
        let slot = self.tenant.slot().await;
        // In manual mode, the owner is in the record alone.
        let is_owned = is_held && self.lifecycle != Lifecycle::Manual;
        // The message must not hold the keys: a panic's text is printed.
        let is_right = slot["key"] == *key && slot["owner"].is_object() == is_owned;
        assert!(is_right, "at the end of {phase:?}, {:?}, the slot holds another key or owner", self.present);
    }

    /// Ends the operator, evaluates the run, and cleans up.
    async fn finish(self, failure: Option<String>, deeds: Deeds) -> Outcome {
        let Self { lifecycle, bed, tenant, injector, operator, starts, key, windows, reached, .. } = self;
        bed.proxy.as_ref().expect("a bed with a proxy").set_guard(Arc::new(PassAll));
        let running = operator.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(operator) = running {
            operator.kill();
        }
        let present = key["uaa"]["clientid"].as_str().filter(|_| lifecycle == Lifecycle::Adopted);
        let mut history = History::read(&tenant.journal().await, &starts, &windows, present);
        history.double_uploads += deeds.double_uploads;
        history.wrong_deletes += deeds.wrong_deletes;
        let calls = if lifecycle == Lifecycle::Manual { tenant.calls(&LANDSCAPE_CALLS).await } else { Vec::new() };
        let log = take_logs(bed, &tenant.name, starts.len());
        let failure = failure
            .or_else(|| describe_foreign(&injector.foreign_writes()))
            .or_else(|| describe_calls(&calls))
            .or_else(|| history.failure());
        let failure = match failure {
            _ if log.contains(CANARY) => Some("the log holds a secret".to_owned()),
            failure => failure.map(|failure| format!("{failure}\n{log}")),
        };
        clean_up(&tenant).await;
        Outcome { reached, requests: injector.seen(), history, failure }
    }
}

fn describe_foreign(writes: &[String]) -> Option<String> {
    (!writes.is_empty()).then(|| format!("the operator wrote to objects that are not its own: {}", writes.join(", ")))
}

fn describe_calls(calls: &[Value]) -> Option<String> {
    let kinds: Vec<_> = calls.iter().filter_map(|call| call["kind"].as_str()).collect();
    (!kinds.is_empty())
        .then(|| format!("the operator called Landscape Management in manual mode: {}", kinds.join(", ")))
}

/// Returns the logs of all operators of a run, and deletes the files.
fn take_logs(bed: &TestBed, name: &str, starts: usize) -> String {
    let take = |start: usize| {
        let path = bed.control_plane.directory().join(format!("{name}-{start}.log"));
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        // The file is missing if its process could not be started.
        let _ = std::fs::remove_file(path);
        text
    };
    (1..=starts).map(take).collect::<Vec<_>>().join("--- restarted ---\n")
}

fn is_uploaded(object: &ALMServiceKey, key: &Value) -> bool {
    let Some(status) = &object.status else { return false };
    let is_observed = Some(status.observed_generation) == object.metadata.generation;
    let holds_key = status.uploaded.as_ref().is_some_and(|uploaded| uploaded.client_id == key["uaa"]["clientid"]);
    let is_ready = condition(object, "Ready") == ("True".into(), "Uploaded".into());
    let is_pending = status.pending.is_some() || status.action.is_some() || status.unconfirmed.is_some();
    is_observed && holds_key && !is_pending && is_ready
}

/// Returns true if nothing is to be done for a tenant in manual mode. Its slot is known to be empty if a key was there.
fn is_left(tenant: &ALMTenant, was_uploaded: bool) -> bool {
    let state = tenant.status.as_ref().and_then(|status| status.slot.as_ref()).map(|slot| slot.state);
    let is_known = state == Some(SlotState::Empty) || (state == Some(SlotState::Unknown) && !was_uploaded);
    let is_idle = tenant_condition(tenant, "Ready") == ("True".into(), "ManualMode".into());
    is_known && is_idle && removal(tenant).is_none()
}

/// Returns true if the object has settled without a source, whether it ever had one or not.
fn is_without_source(object: &ALMServiceKey) -> bool {
    let Some(status) = &object.status else { return false };
    let is_observed = Some(status.observed_generation) == object.metadata.generation;
    let (_, reason) = condition(object, "Ready");
    let is_reported = ["SourceGone", "WaitingForBinding"].contains(&reason.as_str());
    is_observed && is_reported && status.uploaded.is_none() && status.pending.is_none()
}

/// Deletes the objects of a run, as the next operator would reconcile them too. The namespace stays, empty.
async fn clean_up(tenant: &Tenant<'_>) {
    let at_once = DeleteParams { grace_period_seconds: Some(0), ..DeleteParams::default() };
    let no_finalizers = Patch::Merge(json!({ "metadata": { "finalizers": null } }));
    // Each of them may be deleted already.
    let _ = tenant.keys().patch(OBJECT, &PatchParams::default(), &no_finalizers).await;
    let _ = tenant.keys().delete(OBJECT, &at_once).await;
    let _ = tenant.tenants().patch(&tenant.name, &PatchParams::default(), &no_finalizers).await;
    let _ = tenant.tenants().delete(&tenant.name, &at_once).await;
    let _ = tenant.bindings().patch(BINDING, &PatchParams::default(), &no_finalizers).await;
    let _ = tenant.bindings().delete(BINDING, &at_once).await;
    let _ = tenant.secrets().delete(BINDING, &at_once).await;
    let credentials: Api<Secret> = Api::namespaced(tenant.client.clone(), NAMESPACE);
    let _ = credentials.delete(&tenant.name, &at_once).await;
}
