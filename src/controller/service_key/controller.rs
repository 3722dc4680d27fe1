//! One pass over one object, from its trigger to the next.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Instant;

use kube::runtime::controller::Action;
use kube::runtime::reflector::{ObjectRef, Store};
use kube::{Client, ResourceExt};
use tokio::sync::{OwnedMutexGuard, Semaphore, SemaphorePermit};
use tracing::{Instrument, debug};

use super::observations::TenantLocks;
use super::reconcile::{self, ReconcileContext, ReconcileResult, Remote, Remotes, back_off};
use super::scheduling;
use crate::api::{ALMServiceKey, ALMTenant};
use crate::cluster::objects::ApiServer;
use crate::controller::connections::Connection;
use crate::controller::events::{Events, pass_failed, span};
use crate::controller::{Caches, Scope, Settings};
use crate::controller::{Stopping, SystemClock};
use crate::domain::conditions::{Condition, Conditions};
use crate::domain::slot::Owner;
use crate::executor::execute::Outcome;
use crate::executor::ports::LedgerError;
use crate::process::leadership::Leadership;
use crate::process::metrics::{Kind, Metrics};

/// Passes that run at the same time, over all tenants. Those that wait for their tenant's turn do not count: a tenant
/// with many objects and a slow remote side takes one place, not all of them.
pub(crate) const CONCURRENCY: usize = 16;

/// What all passes share.
pub(crate) struct Context {
    pub(crate) cluster: ApiServer,
    pub(crate) cluster_id: String,
    pub(crate) caches: Caches,
    /// All `ALMServiceKey`s, as far as the watch has told.
    pub(crate) keys: Store<ALMServiceKey>,
    /// All `ALMTenant`s, as far as the watch has told.
    pub(crate) tenants: Store<ALMTenant>,
    pub(crate) resource_namespace: String,
    /// Which namespaces are served.
    pub(crate) scope: Scope,
    locks: TenantLocks,
    places: Semaphore,
    events: Events,
    pub(crate) clock: SystemClock,
    pub(crate) leadership: Leadership,
    pub(crate) metrics: Arc<Metrics>,
    stopping: Stopping,
}

impl Context {
    /// For one process.
    pub(crate) fn new(
        client: Client,
        cluster_id: String,
        settings: Settings,
        caches: Caches,
        (keys, tenants): (Store<ALMServiceKey>, Store<ALMTenant>),
        (leadership, metrics): (Leadership, Arc<Metrics>),
        stopping: Stopping,
    ) -> Self {
        Self {
            events: Events::new(client.clone()),
            cluster: ApiServer::new(client),
            cluster_id,
            resource_namespace: settings.cluster_resource_namespace,
            scope: settings.scope,
            caches,
            keys,
            tenants,
            locks: TenantLocks::default(),
            places: Semaphore::new(CONCURRENCY),
            clock: SystemClock::start(),
            leadership,
            metrics,
            stopping,
        }
    }
}

impl Context {
    /// Waits until all objects have been listed once. The writers live as long as we.
    pub(crate) async fn listed(&self) {
        let _ = self.keys.wait_until_ready().await;
        let _ = self.tenants.wait_until_ready().await;
    }

    /// What is remote of a tenant, for the object that owns as `me`; for the tenant itself if there is none.
    pub(crate) fn connection<'a>(&'a self, tenant: Option<&'a ALMTenant>, me: Option<&'a Owner>) -> Connection<'a> {
        Connection {
            connections: &self.caches.connections,
            cluster: &self.cluster,
            tenant,
            resource_namespace: &self.resource_namespace,
            cluster_id: &self.cluster_id,
            leadership: &self.leadership,
            metrics: &self.metrics,
            me,
        }
    }

    /// What a pass has learnt of an object that went meanwhile is of no use to anybody.
    fn forget_if_gone(&self, object: &ALMServiceKey) {
        let known = self.keys.get(&ObjectRef::from_obj(object));
        if known.is_none_or(|known| known.uid() != object.uid()) {
            self.caches.forget(object);
        }
    }

    fn reconcile_context(&self) -> ReconcileContext<'_> {
        ReconcileContext {
            cluster: &self.cluster,
            cluster_id: &self.cluster_id,
            remotes: self,
            clock: &self.clock,
            caches: &self.caches,
            keys: &self.keys,
            tenants: &self.tenants,
            scope: &self.scope,
            jitter: rand::random(),
        }
    }

    /// Waits until this replica leads, until nobody else of the same queue passes, and then until there is a place. None
    /// once the process stops: what has not begun by then is left to the next one.
    pub(crate) async fn turn(&self, queue: impl Fn() -> String) -> Option<ReconcilePermit<'_>> {
        let turn = async {
            // What is not known of the others yet must not be taken for their absence.
            self.listed().await;
            self.leadership.acquired().await;
            let queue = queue();
            let lock = self.locks.of(&queue).lock_owned().await;
            let place = self.places.acquire().await.expect("the semaphore is never closed");
            ReconcilePermit { queue, _place: place, _lock: lock }
        };
        tokio::select! {
            biased;
            () = self.stopping.clone() => None,
            turn = turn => Some(turn),
        }
    }
}

impl Remote for Connection<'_> {}

impl Remotes for Context {
    fn of<'a>(&'a self, tenant: Option<&'a ALMTenant>, me: &'a Owner) -> Box<dyn Remote + 'a> {
        Box::new(self.connection(tenant, Some(me)))
    }
}

/// The right to pass.
pub(crate) struct ReconcilePermit<'a> {
    /// The one that was waited in: a tenant's, as no two passes over its slot overlap, or one of those that get to none.
    queue: String,
    _place: SemaphorePermit<'a>,
    _lock: OwnedMutexGuard<()>,
}

/// Runs one pass. Never fails: what failed is tried again, in its own time.
pub(crate) async fn reconcile(object: Arc<ALMServiceKey>, context: Arc<Context>) -> Result<Action, Infallible> {
    if let Some(wait) = scheduling::throttle_reconciliation(&object, &context.reconcile_context()) {
        context.metrics.throttled();
        return Ok(Action::requeue(wait));
    }
    let Some(turn) = context.turn(|| scheduling::lock_key(&object, &context.tenants)).await else {
        return Ok(Action::await_change());
    };
    let (namespace, name) = (object.namespace(), object.name_any());
    let span = span("ALMServiceKey", namespace.as_deref(), &name, &object.spec.tenant_ref.name);
    let action = one(&object, &context, &turn.queue).instrument(span).await;
    context.forget_if_gone(&object);
    Ok(action)
}

async fn one(object: &ALMServiceKey, context: &Context, queue: &str) -> Action {
    let began = Instant::now();
    let reconcile_context = context.reconcile_context();
    let result =
        reconcile::reconcile(object, queue, &reconcile_context).await.and_then(|attended| conclude(context, attended));
    context.metrics.pass(Kind::ServiceKey, result.is_ok(), began.elapsed());
    result.unwrap_or_else(|error| {
        pass_failed(&error);
        Action::requeue(back_off(object, &reconcile_context))
    })
}

/// Tells what a pass came to.
fn conclude(context: &Context, attended: ReconcileResult) -> Result<Action, LedgerError> {
    let (object, before, outcome) = match attended {
        ReconcileResult::Gone => return Ok(Action::await_change()),
        ReconcileResult::Again(wait) => return Ok(Action::requeue(wait)),
        ReconcileResult::PutOff(wait) => {
            context.metrics.throttled();
            debug!(?wait, "the pass is put off: others of its namespace have asked too often");
            return Ok(Action::requeue(wait));
        }
        ReconcileResult::Passed { object, before, outcome } => (object, before, outcome),
    };
    match outcome {
        Outcome::Settled { settlement, effects } => {
            report(context, &object, before.as_deref(), settlement.conditions.as_ref(), &effects);
            if settlement.orphan {
                context.metrics.orphan();
                context.events.orphan(&object);
            }
            if settlement.release {
                return Ok(Action::await_change());
            }
            debug!(next = ?settlement.next, "pass settled");
            Ok(Action::requeue(settlement.next))
        }
        Outcome::Interrupted { error, observations: _, effects } => {
            report(context, &object, None, None, &effects);
            Err(error)
        }
    }
}

fn report(
    context: &Context,
    object: &ALMServiceKey,
    before: Option<&Conditions>,
    after: Option<&Conditions>,
    effects: &[crate::domain::ledger::Operation],
) {
    for effect in effects {
        context.metrics.effect(*effect);
        context.events.effect(object, *effect);
    }
    let Some(Conditions { ready, .. }) = after else { return };
    let same = |old: &Condition| old.status == ready.status && old.reason == ready.reason;
    if !before.is_some_and(|before| same(&before.ready)) {
        context.events.transition(object, ready);
    }
}
