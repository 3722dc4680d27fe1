//! One life: create, upload, rotate, delete. Whatever strikes it, it goes on to its end.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};

use alm_key_operator::api::ALMServiceKey;
use futures::FutureExt;
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};

use super::history::{Ends, History, last};
use super::injector::{Injector, Running, Seen};
use super::point::{ConcurrentEvent, Kind, Phase, Point};
use crate::bed::key::condition;
use crate::bed::{Tenant, TestBed};
use crate::names::NAMESPACE;
use crate::proxy::Open;

/// The object.
const OBJECT: &str = "calm";
/// The binding.
const BINDING: &str = "plain";

/// The mark of everything that is secret at the simulator.
const CANARY: &str = "CANARY";

/// What became of a life.
pub struct Lived {
    /// Whether the point was met: not every life makes every request.
    pub met: bool,
    /// All requests that it made.
    pub seen: Vec<Seen>,
    /// What its slot went through.
    pub history: History,
    /// Why it is not as it must be; none if it is.
    pub wrong: Option<String>,
}

/// What stands in the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stands {
    /// A binding and, from the second chapter on, an object.
    Bound,
    /// The object alone.
    Unbound,
    /// No object any more.
    Deleted,
}

struct Life<'a> {
    kind: Kind,
    bed: &'a TestBed,
    tenant: Tenant<'a>,
    strike: Arc<Injector>,
    operator: Running,
    /// The numbers of the journal after which a process was started.
    starts: Vec<u64>,
    key: Value,
    applied: bool,
    stands: Stands,
    ends: Ends,
    met: bool,
}

/// Lives a life under this name, with or without a crash, and clears up after it.
pub async fn live(bed: &TestBed, name: &str, kind: Kind, point: Option<&Point>) -> Lived {
    let operator = Running::default();
    let strike = Arc::new(Injector::new(point.cloned(), Arc::clone(&operator)));
    let gate = bed.gate.as_ref().expect("a bed with a gate");
    gate.set_guard(strike.clone());
    let tenant = Tenant::create(bed, name, bed.client.clone()).await;
    let key = tenant.make_key().await;
    tenant.bind(BINDING, &key).await;
    if kind == Kind::Adopted {
        tenant.fill_slot(&key, None).await;
    }
    let mut life = Life {
        kind,
        bed,
        tenant,
        strike,
        operator,
        starts: Vec::new(),
        key,
        applied: false,
        stands: Stands::Bound,
        ends: Ends::default(),
        met: false,
    };
    let meanwhile = point.map_or(ConcurrentEvent::Nothing, |point| point.meanwhile);
    let ended = AssertUnwindSafe(life.live(meanwhile)).catch_unwind().await;
    let wrong = ended.err().map(|panic| match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => panic.downcast_ref::<&str>().copied().unwrap_or("it panicked").to_owned(),
    });
    life.end(wrong).await
}

impl Life<'_> {
    async fn live(&mut self, meanwhile: ConcurrentEvent) {
        for &chapter in self.kind.chapters() {
            self.strike.begin(chapter);
            self.act(chapter).await;
            let strike = Arc::clone(&self.strike);
            tokio::select! {
                biased;
                () = strike.fallen() => {
                    self.met = true;
                    self.happen(meanwhile).await;
                    self.restart().await;
                    self.settled(chapter).await;
                    self.strike.let_it_arrive().await;
                }
                () = self.settled(chapter) => {}
            }
            self.settled(chapter).await;
            self.check_slot(chapter).await;
        }
    }

    async fn act(&mut self, chapter: Phase) {
        match (chapter, self.stands) {
            (Phase::Start, _) => self.restart().await,
            (Phase::Create, _) => {
                self.applied = true;
                self.tenant.apply_for_binding(OBJECT, BINDING).await;
            }
            (Phase::Rotate, Stands::Bound) => self.rotate().await,
            (Phase::Rotate, Stands::Unbound) => {
                self.key = self.tenant.make_key().await;
                self.ends.cease(last(&self.tenant.journal().await));
                self.stands = Stands::Bound;
                self.tenant.bind(BINDING, &self.key).await;
            }
            (Phase::Delete, Stands::Bound | Stands::Unbound) => self.happen(ConcurrentEvent::Deleted).await,
            (Phase::Rotate | Phase::Delete, Stands::Deleted) => {}
            (Phase::Leave, _) => self.tenant.begin_tenant_deletion().await,
        }
    }

    async fn rotate(&mut self) {
        let old = std::mem::replace(&mut self.key, self.tenant.make_key().await);
        self.tenant.rotate_binding(BINDING, &self.key).await;
        self.tenant.revoke(&old).await;
    }

    async fn happen(&mut self, meanwhile: ConcurrentEvent) {
        let ends = last(&self.tenant.journal().await);
        match meanwhile {
            ConcurrentEvent::Nothing => {}
            ConcurrentEvent::Rotated => self.rotate().await,
            ConcurrentEvent::Unbound => {
                self.ends.begin(ends);
                self.tenant.unbind(BINDING, &self.key).await;
                if self.stands == Stands::Bound {
                    self.stands = Stands::Unbound;
                }
            }
            // Not every life makes the same request in the same chapter.
            ConcurrentEvent::Deleted if !self.applied || self.stands == Stands::Deleted => {}
            ConcurrentEvent::Deleted => {
                self.ends.begin(ends);
                self.tenant.begin_deletion(OBJECT).await;
                self.stands = Stands::Deleted;
            }
        }
    }

    /// Starts the operator, unless it lives.
    async fn restart(&mut self) {
        let last = last(&self.tenant.journal().await);
        let mut operator = self.operator.lock().unwrap_or_else(PoisonError::into_inner);
        if operator.is_none() {
            self.starts.push(last);
            *operator = Some(self.bed.start_replica(&format!("{}-{}", self.tenant.name, self.starts.len())));
        }
    }

    /// Waits until everything is as it must be at the end of a chapter.
    async fn settled(&self, chapter: Phase) {
        match (chapter, self.stands) {
            (Phase::Start, _) => {
                self.tenant.await_tenant(&self.tenant.name, "True", "Connected").await;
            }
            (Phase::Create | Phase::Rotate | Phase::Delete, Stands::Bound) => {
                let what = "uploaded and ready with nothing pending";
                self.tenant.await_key(OBJECT, what, |object| is_uploaded(object, &self.key)).await;
            }
            (Phase::Create | Phase::Rotate | Phase::Delete, Stands::Unbound) => {
                self.tenant.await_key(OBJECT, "without a source and with nothing pending", is_without_source).await;
            }
            (Phase::Create | Phase::Rotate | Phase::Delete, Stands::Deleted) => {
                self.tenant.await_gone(OBJECT).await;
            }
            (Phase::Leave, _) => self.tenant.await_tenant_gone(&self.tenant.name).await,
        }
    }

    /// Once settled, the slot holds the current key, or nothing.
    async fn check_slot(&self, chapter: Phase) {
        let owned = self.applied && self.stands == Stands::Bound && chapter != Phase::Leave;
        let key = if owned || self.kind == Kind::Adopted { &self.key } else { &Value::Null };
        let slot = self.tenant.slot().await;
        // Not the keys themselves: a panic's text is printed.
        let is_right = slot["key"] == *key && slot["owner"].is_object() == owned;
        assert!(is_right, "at the end of {chapter:?}, {:?}, the slot does not hold what it must", self.stands);
    }

    /// Ends the operator, looks back, and clears up.
    async fn end(self, wrong: Option<String>) -> Lived {
        let Self { kind, bed, tenant, strike, operator, starts, key, applied: _, stands: _, ends, met } = self;
        bed.gate.as_ref().expect("a gate").set_guard(Arc::new(Open));
        let running = operator.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(operator) = running {
            operator.kill();
        }
        let found = key["uaa"]["clientid"].as_str().filter(|_| kind == Kind::Adopted);
        let history = History::of(&tenant.journal().await, &starts, &ends, found);
        let log = log(bed, &tenant.name, starts.len());
        let wrong = wrong.or_else(|| wrote_elsewhere(&strike.foreign())).or_else(|| history.wrong());
        let wrong = match wrong {
            _ if log.contains(CANARY) => Some("its log holds a secret".to_owned()),
            wrong => wrong.map(|wrong| format!("{wrong}\n{log}")),
        };
        clear(&tenant).await;
        Lived { met, seen: strike.seen(), history, wrong }
    }
}

fn wrote_elsewhere(foreign: &[String]) -> Option<String> {
    (!foreign.is_empty()).then(|| format!("it wrote to what is not ours: {}", foreign.join(", ")))
}

/// What the operators of a life logged. The files go.
fn log(bed: &TestBed, name: &str, starts: usize) -> String {
    let read = |start: usize| {
        let path = bed.control_plane.directory().join(format!("{name}-{start}.log"));
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        // One that could not be read cannot be deleted.
        let _ = std::fs::remove_file(path);
        text
    };
    (1..=starts).map(read).collect::<Vec<_>>().join("--- started again ---\n")
}

fn is_uploaded(object: &ALMServiceKey, key: &Value) -> bool {
    let Some(status) = &object.status else { return false };
    let seen = Some(status.observed_generation) == object.metadata.generation;
    let holds = status.uploaded.as_ref().is_some_and(|uploaded| uploaded.client_id == key["uaa"]["clientid"]);
    seen && holds && status.pending.is_none() && condition(object, "Ready") == ("True".into(), "Uploaded".into())
}

/// Gone, or never seen.
fn is_without_source(object: &ALMServiceKey) -> bool {
    let Some(status) = &object.status else { return false };
    let seen = Some(status.observed_generation) == object.metadata.generation;
    let (_, reason) = condition(object, "Ready");
    let says_so = ["SourceGone", "WaitingForBinding"].contains(&reason.as_str());
    seen && says_so && status.uploaded.is_none() && status.pending.is_none()
}

/// Takes away what is left of a life: an operator looks at all tenants of its cluster. The namespace stays, empty.
async fn clear(tenant: &Tenant<'_>) {
    let anyway = DeleteParams { grace_period_seconds: Some(0), ..DeleteParams::default() };
    let no_finalizers = Patch::Merge(json!({ "metadata": { "finalizers": null } }));
    // What has gone already need not be taken away.
    let _ = tenant.keys().patch(OBJECT, &PatchParams::default(), &no_finalizers).await;
    let _ = tenant.keys().delete(OBJECT, &anyway).await;
    let _ = tenant.tenants().patch(&tenant.name, &PatchParams::default(), &no_finalizers).await;
    let _ = tenant.tenants().delete(&tenant.name, &anyway).await;
    let _ = tenant.bindings().patch(BINDING, &PatchParams::default(), &no_finalizers).await;
    let _ = tenant.bindings().delete(BINDING, &anyway).await;
    let _ = tenant.secrets().delete(BINDING, &anyway).await;
    let credentials: Api<Secret> = Api::namespaced(tenant.client.clone(), NAMESPACE);
    let _ = credentials.delete(&tenant.name, &anyway).await;
}
