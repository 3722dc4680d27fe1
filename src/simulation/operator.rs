//! The operator of one cluster: its watches, which may lag behind each other, its queue, and whatever process it has now.

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
use crate::simulation::model::cluster::{Labelled, NAMESPACE};
use crate::simulation::process::{Process, Running};
use crate::simulation::state::{State, World};

/// A watch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Watch {
    Keys,
    Tenants,
    Secrets,
    Bindings,
}

pub(crate) const WATCHES: [Watch; 4] = [Watch::Keys, Watch::Tenants, Watch::Secrets, Watch::Bindings];

/// Whom a pass is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Subject {
    Key(String),
    Tenant(String),
}

struct Job {
    subject: Subject,
    tenant: String,
    future: Running,
}

/// One operator.
pub(crate) struct Operator {
    world: World,
    cluster: usize,
    process: Arc<Process>,
    keys: Writer<ALMServiceKey>,
    tenants: Writer<ALMTenant>,
    sibling_states: SiblingStates,
    /// What of an object was seen last that makes it a trigger for itself.
    seen: BTreeMap<String, Itself>,
    /// How many events each watch has told.
    told: [usize; 4],
    pub(crate) lags: [bool; 4],
    due: BTreeMap<Subject, Duration>,
    running: Vec<Job>,
    turn: usize,
}

/// The tenant of a name as the number of its zone.
pub(crate) fn zone(tenant: &str) -> usize {
    usize::from(tenant == "other")
}

impl Operator {
    /// A process starts: it lists all, and looks at all.
    pub(crate) fn starts(world: &World, cluster: usize, number: usize) -> Self {
        let ((keys, keys_writer), (tenants, tenants_writer)) = (store(), store());
        let caches = Caches::default();
        let (cluster_id, told) = world.with(|state| {
            let it = &state.clusters[cluster];
            let told = [it.told_keys.len(), it.told_tenants.len(), it.told_secrets.len(), it.told_bindings.len()];
            (it.id.clone(), told)
        });
        let world = world.clone();
        let process = Arc::new(Process { world: world.clone(), cluster, cluster_id, number, caches, keys, tenants });
        let mut operator = Self {
            world,
            cluster,
            process,
            keys: keys_writer,
            tenants: tenants_writer,
            sibling_states: SiblingStates::default(),
            seen: BTreeMap::new(),
            told,
            lags: [false; 4],
            due: BTreeMap::new(),
            running: Vec::new(),
            turn: 0,
        };
        operator.lists();
        operator
    }

    fn lists(&mut self) {
        let world = self.world.clone();
        let (keys, tenants, bindings) = world.with(|state| {
            let it = &state.clusters[self.cluster];
            let bindings: Vec<ObjectMeta> = it.bindings.values().map(|binding| binding.metadata.clone()).collect();
            let keys: Vec<ALMServiceKey> = it.keys.values().cloned().collect();
            (keys, it.tenants.values().cloned().collect::<Vec<_>>(), bindings)
        });
        self.keys.apply_watcher_event(&Event::Init);
        self.tenants.apply_watcher_event(&Event::Init);
        for tenant in tenants {
            self.wakes(Subject::Tenant(tenant.name_any()));
            self.tenants.apply_watcher_event(&Event::InitApply(tenant));
        }
        for key in keys {
            self.wakes(Subject::Key(key.name_any()));
            self.sibling_states.record(&key);
            self.seen.insert(key.name_any(), of_itself(&key));
            self.keys.apply_watcher_event(&Event::InitApply(key));
        }
        self.tenants.apply_watcher_event(&Event::InitDone);
        self.keys.apply_watcher_event(&Event::InitDone);
        for binding in bindings {
            binding_changed(&self.process.keys, &self.process.caches.observed_deletions, &binding);
        }
    }

    fn wakes(&mut self, subject: Subject) {
        let now = self.world.with(|state| state.now);
        self.due.insert(subject, now);
    }

    /// Watches tell what they have not told yet.
    pub(crate) fn hears(&mut self) {
        let world = self.world.clone();
        for watch in WATCHES {
            if !self.lags[watch as usize] {
                world.with(|state| self.hears_from(watch, state)).into_iter().for_each(|woken| self.wakes(woken));
            }
        }
    }

    fn hears_from(&mut self, watch: Watch, state: &mut State) -> Vec<Subject> {
        let cluster = &mut state.clusters[self.cluster];
        let told = &mut self.told[watch as usize];
        let from = *told;
        let mut woken = Vec::new();
        match watch {
            Watch::Keys => {
                *told = cluster.told_keys.len();
                cluster.told_keys[from..].iter().for_each(|event| self.hears_of_key(event, &mut woken));
            }
            Watch::Tenants => {
                *told = cluster.told_tenants.len();
                cluster.told_tenants[from..].iter().for_each(|event| self.hears_of_tenant(event, &mut woken));
            }
            Watch::Secrets => {
                *told = cluster.told_secrets.len();
                cluster.told_secrets[from..].iter().for_each(|secret| self.hears_of_secret(secret, &mut woken));
            }
            Watch::Bindings => {
                *told = cluster.told_bindings.len();
                let bindings = cluster.told_bindings[from..].to_vec();
                for binding in &bindings {
                    let concerned =
                        binding_changed(&self.process.keys, &self.process.caches.observed_deletions, binding);
                    woken.extend(concerned.into_iter().map(|key| Subject::Key(key.name)));
                    cluster.shows_binding(self.process.number, binding);
                }
            }
        }
        woken
    }

    fn hears_of_key(&mut self, event: &Labelled<ALMServiceKey>, woken: &mut Vec<Subject>) {
        let (key, tell) = match event {
            Labelled::Applied(key) => {
                self.keys.apply_watcher_event(&Event::Apply(key.clone()));
                let now = of_itself(key);
                if self.seen.insert(key.name_any(), now.clone()) != Some(now) {
                    woken.push(Subject::Key(key.name_any()));
                }
                (key, self.sibling_states.record(key))
            }
            Labelled::Deleted(key) => {
                self.keys.apply_watcher_event(&Event::Delete(key.clone()));
                self.seen.remove(&key.name_any());
                self.process.caches.forget(key);
                (key, self.sibling_states.remove(key))
            }
        };
        if tell {
            let all = self.process.keys.state();
            let siblings = all.iter().filter(|other| is_sibling(other, key));
            woken.extend(siblings.map(|other| Subject::Key(other.name_any())));
            woken.push(Subject::Tenant(key.spec.tenant_ref.name.clone()));
        }
    }

    fn hears_of_tenant(&mut self, event: &Labelled<ALMTenant>, woken: &mut Vec<Subject>) {
        let tenant = match event {
            Labelled::Applied(tenant) => {
                let before = self.process.tenants.get(&ObjectRef::from_obj(tenant));
                self.tenants.apply_watcher_event(&Event::Apply(tenant.clone()));
                if before.is_some_and(|before| before.metadata.generation == tenant.metadata.generation) {
                    return;
                }
                tenant
            }
            Labelled::Deleted(tenant) => {
                self.tenants.apply_watcher_event(&Event::Delete(tenant.clone()));
                tenant
            }
        };
        woken.push(Subject::Tenant(tenant.name_any()));
        let all = self.process.keys.state();
        let named = all.iter().filter(|key| key.spec.tenant_ref.name == tenant.name_any());
        woken.extend(named.map(|key| Subject::Key(key.name_any())));
    }

    fn hears_of_secret(&self, secret: &ObjectMeta, woken: &mut Vec<Subject>) {
        let name = secret.name.as_deref().unwrap_or_default();
        let owner = secret.owner_references.iter().flatten().find(|owner| owner.controller == Some(true));
        for key in self.process.keys.state() {
            let source = &key.spec.source;
            let by_name = source.secret_ref.as_ref().is_some_and(|secret| secret.name == name);
            let by_binding = source.service_binding_ref.as_ref().map(|binding| &binding.name);
            if by_name || (by_binding.is_some() && by_binding == owner.map(|owner| &owner.name)) {
                woken.push(Subject::Key(key.name_any()));
            }
        }
    }

    /// Starts what is due, one pass for each tenant at a time.
    pub(crate) fn starts_what_is_due(&mut self, mut jitter: impl FnMut() -> f64) {
        let now = self.world.with(|state| state.now);
        let due: Vec<Subject> = self.due.iter().filter(|(_, due)| **due <= now).map(|(it, _)| it.clone()).collect();
        for subject in due {
            let key = match &subject {
                Subject::Tenant(_) => None,
                Subject::Key(name) => match self.process.keys.get(&ObjectRef::new(name).within(NAMESPACE)) {
                    // A trigger for an object that has just gone, or has not been seen yet: its own event follows.
                    None => {
                        self.due.remove(&subject);
                        continue;
                    }
                    found => found,
                },
            };
            let tenant = match (&subject, &key) {
                (Subject::Tenant(name), _) => name.clone(),
                (Subject::Key(_), key) => key.as_ref().map(|key| key.spec.tenant_ref.name.clone()).unwrap_or_default(),
            };
            if self.running.iter().any(|job| job.tenant == tenant) {
                continue;
            }
            self.due.remove(&subject);
            let process = Arc::clone(&self.process);
            let future = match key {
                Some(key) => process.passes(key, zone(&tenant), jitter()),
                None => process.looks(tenant.clone(), zone(&tenant)),
            };
            self.running.push(Job { subject, tenant, future });
        }
    }

    /// Lets one of the passes that run go on to its next call. Whether one ran.
    pub(crate) fn check_version(&mut self) -> bool {
        if self.running.is_empty() {
            return false;
        }
        self.turn = (self.turn + 1) % self.running.len();
        let waker = noop_waker();
        if let Poll::Ready(next) = self.running[self.turn].future.as_mut().poll(&mut Context::from_waker(&waker)) {
            let job = self.running.remove(self.turn);
            if let Some(next) = next {
                let at = self.world.with(|state| state.now) + next;
                let due = self.due.entry(job.subject).or_insert(at);
                *due = at.min(*due);
            }
        }
        true
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.running.is_empty()
    }

    /// When something is due, if anything is.
    pub(crate) fn next_due(&self) -> Option<Duration> {
        self.due.values().min().copied()
    }
}

/// What of an object makes it a trigger for itself: generation, finalizers, annotations.
type Itself = (Option<i64>, Vec<String>, BTreeMap<String, String>);

fn of_itself(key: &ALMServiceKey) -> Itself {
    (key.metadata.generation, key.finalizers().to_vec(), key.annotations().clone())
}
