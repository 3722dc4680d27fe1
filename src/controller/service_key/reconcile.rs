//! One pass over one object, from its trigger to the next.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kube::runtime::controller::Action;
use kube::runtime::reflector::{ObjectRef, Store};
use kube::{Api, Client, ResourceExt};
use tokio::sync::{OwnedMutexGuard, Semaphore, SemaphorePermit};
use tracing::{Instrument, debug};

use super::load;
use super::memories::TenantLocks;
use super::store::Store as StatusStore;
use super::turn;
use crate::api::resolve::admits;
use crate::api::{ALMServiceKey, ALMTenant};
use crate::cluster::find;
use crate::controller::connections::Connection;
use crate::controller::events::{Events, pass_failed, span};
use crate::controller::tenant::hold::Hold;
use crate::controller::{Scope, Settings, Shared};
use crate::controller::{Stopping, SystemClock};
use crate::domain::conditions::{Condition, Conditions};
use crate::domain::evidence::Memory;
use crate::domain::plan::Source;
use crate::domain::retry::Failing;
use crate::domain::slot::Owner;
use crate::pass::ports::{Clock, LedgerError, Ports};
use crate::pass::run::{Outcome, run};
use crate::process::leadership::Leadership;
use crate::process::metrics::{Kind, Metrics};

/// Passes that run at the same time, over all tenants. Those that wait for their tenant's turn do not count: a tenant
/// with many objects and a slow remote side takes one place, not all of them.
pub(crate) const CONCURRENCY: usize = 16;
/// After the cache was found to lag behind the API server.
const CACHE_LAG: Duration = Duration::from_millis(100);

/// What all passes share.
pub(crate) struct Context {
    pub(crate) client: Client,
    pub(crate) cluster_id: String,
    pub(crate) shared: Shared,
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
        shared: Shared,
        (keys, tenants): (Store<ALMServiceKey>, Store<ALMTenant>),
        (leadership, metrics): (Leadership, Arc<Metrics>),
        stopping: Stopping,
    ) -> Self {
        Self {
            events: Events::new(client.clone()),
            client,
            cluster_id,
            resource_namespace: settings.cluster_resource_namespace,
            scope: settings.scope,
            shared,
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
            connections: &self.shared.connections,
            client: self.client.clone(),
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
            self.shared.forget(object);
        }
    }

    /// Waits until this replica leads, until nobody else of the same queue passes, and then until there is a place. None
    /// once the process stops: what has not begun by then is left to the next one.
    pub(crate) async fn turn(&self, queue: impl Fn() -> String) -> Option<Turn<'_>> {
        let turn = async {
            // What is not known of the others yet must not be taken for their absence.
            self.listed().await;
            self.leadership.begins().await;
            let queue = queue();
            let lock = self.locks.of(&queue).lock_owned().await;
            let place = self.places.acquire().await.expect("the semaphore is never closed");
            Turn { queue, _place: place, _lock: lock }
        };
        tokio::select! {
            biased;
            () = self.stopping.clone() => None,
            turn = turn => Some(turn),
        }
    }
}

/// The right to pass.
pub(crate) struct Turn<'a> {
    /// The one that was waited in: a tenant's, as no two passes over its slot overlap, or one of those that get to none.
    queue: String,
    _place: SemaphorePermit<'a>,
    _lock: OwnedMutexGuard<()>,
}

/// Runs one pass. Never fails: what failed is tried again, in its own time.
pub(crate) async fn reconcile(object: Arc<ALMServiceKey>, context: Arc<Context>) -> Result<Action, Infallible> {
    let now = context.clock.now().monotonic;
    let wait = context.shared.paces.wait_to_pass(&object.uid().unwrap_or_default(), now);
    if let Some(wait) = wait.or_else(|| turn::wait_to_knock(&object, &context)) {
        context.metrics.put_off();
        return Ok(Action::requeue(wait));
    }
    let Some(turn) = context.turn(|| turn::queue(&object, &context.tenants)).await else {
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
    let result = pass(object, context, queue).await;
    context.metrics.pass(Kind::ServiceKey, result.is_ok(), began.elapsed());
    result.unwrap_or_else(|error| {
        pass_failed(&error);
        Action::requeue(back_off(object, context))
    })
}

async fn pass(cached: &ALMServiceKey, context: &Context, queue: &str) -> Result<Action, LedgerError> {
    let failed = |error: crate::cluster::CallError| LedgerError::Failed(Box::new(error));
    let api: Api<ALMServiceKey> = Api::namespaced(context.client.clone(), &cached.namespace().unwrap_or_default());
    // The cache may lag behind our own last write; a pass must not begin with an old ledger.
    let Some(object) = find(api.get(&cached.name_any())).await.map_err(failed)? else {
        context.shared.forget(cached);
        return Ok(Action::await_change());
    };
    let tenant = load::tenant(context, &object).await.map_err(failed)?;
    // The turn that was waited for is the one that the cache told of.
    if turn::concerns(&object, tenant.as_ref()) && object.spec.tenant_ref.name != queue {
        return Ok(Action::requeue(CACHE_LAG));
    }
    let mut store = StatusStore::new(context.client.clone(), object);
    let may_upload =
        tenant.as_ref().is_some_and(|tenant| admits(&tenant.spec, &store.object().namespace().unwrap_or_default()));
    store.prepare(may_upload).await?;
    let object = store.object().clone();
    let facts = load::facts(context, &object, tenant.as_ref()).await.map_err(failed)?;
    store.saw(&facts.source);
    if let Some(tenant) = tenant.clone() {
        store.holds(Hold::on(context.client.clone(), tenant));
    }
    forget_predecessor(&object, &facts.source, context);
    if let Some(wait) = turn::wait_to_ask(&object, &facts, context) {
        context.metrics.put_off();
        debug!(?wait, "the pass is put off: others of its namespace have asked too often");
        return Ok(Action::requeue(wait));
    }

    let (me, before) = (facts.subject.owner.clone(), facts.previous.clone());
    let connection = context.connection(tenant.as_ref(), Some(&me));
    let ports = Ports { sign_in: &connection, landscape: &connection, ledger: &mut store, clock: &context.clock };
    let outcome = run(facts, ports).await;
    conclude(context, &object, before.as_ref(), outcome)
}

/// Tells what a pass came to, and remembers it for the next one.
fn conclude(
    context: &Context,
    object: &ALMServiceKey,
    before: Option<&Conditions>,
    outcome: Outcome,
) -> Result<Action, LedgerError> {
    let uid = object.uid().unwrap_or_default();
    match outcome {
        Outcome::Settled { settlement, effects } => {
            report(context, object, before, settlement.conditions.as_ref(), &effects);
            if settlement.orphan {
                context.metrics.orphan();
                context.events.orphan(object);
            }
            if settlement.release {
                context.shared.forget(object);
                return Ok(Action::await_change());
            }
            debug!(next = ?settlement.next, "pass settled");
            context.shared.memories.keep(&uid, settlement.memory);
            Ok(Action::requeue(settlement.next))
        }
        Outcome::Interrupted { error, memory, effects } => {
            report(context, object, None, None, &effects);
            context.shared.memories.keep(&uid, *memory);
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

/// A source that has been replaced is not asked for any more.
fn forget_predecessor(object: &ALMServiceKey, source: &Source, context: &Context) {
    let recorded = object.status.as_ref().and_then(|status| status.source.as_ref());
    if let (Some(recorded), Source::Present { identity, .. }) = (recorded, source)
        && recorded.uid != identity.uid
    {
        context.shared.sightings.forget(&object.namespace().unwrap_or_default(), &recorded.uid);
    }
}

/// Somebody else wrote the object, or the API server failed us: again ever more rarely, as with any other failure.
fn back_off(object: &ALMServiceKey, context: &Context) -> Duration {
    let uid = object.uid().unwrap_or_default();
    let now = context.clock.now().monotonic;
    let memory = context.shared.memories.of(&uid);
    let failing = Failing::once_more(memory.failing, now);
    context.shared.memories.keep(&uid, Memory { failing: Some(failing), ..memory });
    failing.wait(now, rand::random())
}
