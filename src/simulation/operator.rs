//! The operator of one cluster: its watches, which may lag, its schedule of reconciliations, and its current process.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::task::noop_waker;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::ResourceExt;
use kube::runtime::reflector::store::Writer;
use kube::runtime::reflector::{ObjectRef, store};
use kube::runtime::watcher::Event;

use crate::api::{ALMServiceKey, ALMTenant};
use crate::controller::Caches;
use crate::controller::service_key::sibling_changes::SiblingStates;
use crate::controller::service_key::siblings::is_sibling;
use crate::controller::service_key::watches::binding_changed;
use crate::simulation::model::cluster::{NAMESPACE, WatchEvent};
use crate::simulation::model::sap::zone_index;
use crate::simulation::process::{Process, ReconcileFuture};
use crate::simulation::state::{SharedState, State};
use crate::simulation::step::Watch;

/// The object of a reconciliation, by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Subject {
    Key(String),
    Tenant(String),
}

/// A reconciliation that is running.
struct Job {
    subject: Subject,
    tenant: String,
    future: ReconcileFuture,
}

/// The operator of one cluster.
pub(crate) struct Operator {
    state: SharedState,
    cluster: usize,
    process: Arc<Process>,
    keys: Writer<ALMServiceKey>,
    tenants: Writer<ALMTenant>,
    sibling_states: SiblingStates,
    /// The self-triggers of objects when they were last seen, by name.
    self_triggers: BTreeMap<String, SelfTrigger>,
    /// The number of events that each watch has delivered.
    delivered: [usize; Watch::ALL.len()],
    /// True for watches that deliver nothing at present.
    lags: [bool; Watch::ALL.len()],
    due: BTreeMap<Subject, Duration>,
    running: Vec<Job>,
    /// The index of the running reconciliation that proceeded last.
    last_polled: usize,
}

impl Operator {
    /// Starts a process, which lists all objects and reconciles each of them.
    pub(crate) fn start(shared: &SharedState, cluster: usize, number: usize) -> Self {
        let ((keys, keys_writer), (tenants, tenants_writer)) = (store(), store());
        let (cluster_id, delivered) = shared.with(|state| {
            let cluster = &state.clusters[cluster];
            let events = [
                cluster.key_events.len(),
                cluster.tenant_events.len(),
                cluster.secret_events.len(),
                cluster.binding_events.len(),
            ];
            (cluster.id.clone(), events)
        });
        let (state, caches) = (shared.clone(), Caches::default());
        let process = Arc::new(Process { state, cluster, cluster_id, number, caches, keys, tenants });
        let mut operator = Self {
            state: shared.clone(),
            cluster,
            process,
            keys: keys_writer,
            tenants: tenants_writer,
            sibling_states: SiblingStates::default(),
            self_triggers: BTreeMap::new(),
            delivered,
            lags: [false; Watch::ALL.len()],
            due: BTreeMap::new(),
            running: Vec::new(),
            last_polled: 0,
        };
        shared.with(|state| operator.list_objects(state));
        operator
    }

    fn list_objects(&mut self, state: &State) {
        let (now, cluster) = (state.now, &state.clusters[self.cluster]);
        self.keys.apply_watcher_event(&Event::Init);
        self.tenants.apply_watcher_event(&Event::Init);
        for tenant in cluster.tenants.values() {
            self.due.insert(Subject::Tenant(tenant.name_any()), now);
            self.tenants.apply_watcher_event(&Event::InitApply(tenant.clone()));
        }
        for key in cluster.keys.values() {
            self.due.insert(Subject::Key(key.name_any()), now);
            self.sibling_states.record(key);
            self.self_triggers.insert(key.name_any(), self_trigger(key));
            self.keys.apply_watcher_event(&Event::InitApply(key.clone()));
        }
        self.tenants.apply_watcher_event(&Event::InitDone);
        self.keys.apply_watcher_event(&Event::InitDone);
        for binding in cluster.bindings.values() {
            binding_changed(&self.process.keys, &self.process.caches.observed_deletions, &binding.metadata);
        }
    }

    /// Lets a watch lag, or ends that.
    pub(crate) fn set_lag(&mut self, watch: Watch, lags: bool) {
        self.lags[watch as usize] = lags;
    }

    pub(crate) fn end_lags(&mut self) {
        self.lags = [false; Watch::ALL.len()];
    }

    /// Delivers the events of all watches that do not lag, and schedules the reconciliations that they trigger.
    pub(crate) fn receive_events(&mut self) {
        let shared = self.state.clone();
        shared.with(|state| {
            for watch in Watch::ALL {
                if !self.lags[watch as usize] {
                    for subject in self.receive_from(watch, state) {
                        self.due.insert(subject, state.now);
                    }
                }
            }
        });
    }

    fn receive_from(&mut self, watch: Watch, state: &mut State) -> Vec<Subject> {
        let cluster = &mut state.clusters[self.cluster];
        let delivered = &mut self.delivered[watch as usize];
        let first = *delivered;
        let mut triggered = Vec::new();
        match watch {
            Watch::Keys => {
                *delivered = cluster.key_events.len();
                cluster.key_events[first..].iter().for_each(|event| self.receive_key(event, &mut triggered));
            }
            Watch::Tenants => {
                *delivered = cluster.tenant_events.len();
                cluster.tenant_events[first..].iter().for_each(|event| self.receive_tenant(event, &mut triggered));
            }
            Watch::Secrets => {
                *delivered = cluster.secret_events.len();
                cluster.secret_events[first..].iter().for_each(|secret| self.receive_secret(secret, &mut triggered));
            }
            Watch::Bindings => {
                *delivered = cluster.binding_events.len();
                let bindings = cluster.binding_events[first..].to_vec();
                for binding in &bindings {
                    let keys = binding_changed(&self.process.keys, &self.process.caches.observed_deletions, binding);
                    triggered.extend(keys.into_iter().map(|key| Subject::Key(key.name)));
                    cluster.record_binding_read(self.process.number, binding);
                }
            }
        }
        triggered
    }

    fn receive_key(&mut self, event: &WatchEvent<ALMServiceKey>, triggered: &mut Vec<Subject>) {
        let (key, concerns_siblings) = match event {
            WatchEvent::Applied(key) => {
                self.keys.apply_watcher_event(&Event::Apply(key.clone()));
                let trigger = self_trigger(key);
                if self.self_triggers.get(&key.name_any()) != Some(&trigger) {
                    self.self_triggers.insert(key.name_any(), trigger);
                    triggered.push(Subject::Key(key.name_any()));
                }
                (key, self.sibling_states.record(key))
            }
            WatchEvent::Deleted(key) => {
                self.keys.apply_watcher_event(&Event::Delete(key.clone()));
                self.self_triggers.remove(&key.name_any());
                self.process.caches.forget(key);
                (key, self.sibling_states.remove(key))
            }
        };
        if concerns_siblings {
            let keys = self.process.keys.state();
            let siblings = keys.iter().filter(|other| is_sibling(other, key));
            triggered.extend(siblings.map(|other| Subject::Key(other.name_any())));
            triggered.push(Subject::Tenant(key.spec.tenant_ref.name.clone()));
        }
    }

    fn receive_tenant(&mut self, event: &WatchEvent<ALMTenant>, triggered: &mut Vec<Subject>) {
        let before = match event {
            WatchEvent::Applied(tenant) => self.process.tenants.get(&ObjectRef::from_obj(tenant)),
            WatchEvent::Deleted(_) => None,
        };
        let (WatchEvent::Applied(tenant) | WatchEvent::Deleted(tenant)) = event;
        self.tenants.apply_watcher_event(&match event {
            WatchEvent::Applied(tenant) => Event::Apply(tenant.clone()),
            WatchEvent::Deleted(tenant) => Event::Delete(tenant.clone()),
        });
        let before = before.as_deref();
        if before.is_none_or(|before| tenant_trigger(before) != tenant_trigger(tenant)) {
            triggered.push(Subject::Tenant(tenant.name_any()));
        }
        if before.is_some_and(|before| key_trigger(before) == key_trigger(tenant)) {
            return;
        }
        let keys = self.process.keys.state();
        let keys = keys.iter().filter(|key| key.spec.tenant_ref.name == tenant.name_any());
        triggered.extend(keys.map(|key| Subject::Key(key.name_any())));
    }

    fn receive_secret(&self, secret: &ObjectMeta, triggered: &mut Vec<Subject>) {
        let name = secret.name.as_deref().unwrap_or_default();
        let owner = secret.owner_references.iter().flatten().find(|owner| owner.controller == Some(true));
        for key in self.process.keys.state() {
            let source = &key.spec.source;
            let is_named = source.secret_ref.as_ref().is_some_and(|secret| secret.name == name);
            let binding = source.service_binding_ref.as_ref().map(|binding| &binding.name);
            if is_named || (binding.is_some() && binding == owner.map(|owner| &owner.name)) {
                triggered.push(Subject::Key(key.name_any()));
            }
        }
    }

    /// Starts the reconciliations that are due, one at a time for each tenant.
    pub(crate) fn start_due_reconciliations(&mut self, mut jitter: impl FnMut() -> f64) {
        let now = self.state.with(|state| state.now);
        let due = self.due.iter().filter(|(_, due)| **due <= now);
        let due: Vec<Subject> = due.map(|(subject, _)| subject.clone()).collect();
        for subject in due {
            let (tenant, key) = match &subject {
                Subject::Tenant(name) => (name.clone(), None),
                Subject::Key(name) => {
                    let Some(key) = self.process.keys.get(&ObjectRef::new(name).within(NAMESPACE)) else {
                        // The object is gone, or the cache does not have it yet. Its own event follows.
                        self.due.remove(&subject);
                        continue;
                    };
                    (key.spec.tenant_ref.name.clone(), Some(key))
                }
            };
            if self.running.iter().any(|job| job.tenant == tenant) {
                continue;
            }
            self.due.remove(&subject);
            let process = Arc::clone(&self.process);
            let zone = zone_index(&tenant);
            let future = match key {
                Some(key) => process.reconcile_key(key, zone, jitter()),
                None => process.reconcile_tenant(tenant.clone(), zone),
            };
            self.running.push(Job { subject, tenant, future });
        }
    }

    /// Lets one running reconciliation proceed to its next call. Returns true if any was running.
    pub(crate) fn advance(&mut self) -> bool {
        if self.running.is_empty() {
            return false;
        }
        self.last_polled = (self.last_polled + 1) % self.running.len();
        let waker = noop_waker();
        let job = &mut self.running[self.last_polled];
        if let Poll::Ready(requeue_after) = job.future.as_mut().poll(&mut Context::from_waker(&waker)) {
            let job = self.running.remove(self.last_polled);
            if let Some(requeue_after) = requeue_after {
                let at = self.state.with(|state| state.now) + requeue_after;
                let due = self.due.entry(job.subject).or_insert(at);
                *due = at.min(*due);
            }
        }
        true
    }

    /// Returns the time of the next reconciliation that is scheduled.
    pub(crate) fn next_due(&self) -> Option<Duration> {
        self.due.values().min().copied()
    }
}

/// The parts of an object whose change triggers its own reconciliation: generation, finalizers, annotations.
type SelfTrigger = (Option<i64>, Vec<String>, BTreeMap<String, String>);

/// Returns the parts of a tenant whose change triggers its own reconciliation: generation and annotations.
fn tenant_trigger(tenant: &ALMTenant) -> (Option<i64>, &BTreeMap<String, String>) {
    (tenant.metadata.generation, tenant.annotations())
}

/// Returns the parts of a tenant whose change triggers its keys: the generation, and the revision of the record.
fn key_trigger(tenant: &ALMTenant) -> (Option<i64>, Option<&String>) {
    let slot = tenant.status.as_ref().and_then(|status| status.slot.as_ref());
    (tenant.metadata.generation, slot.and_then(|slot| slot.revision.as_ref()))
}

fn self_trigger(key: &ALMServiceKey) -> SelfTrigger {
    (key.metadata.generation, key.finalizers().to_vec(), key.annotations().clone())
}
