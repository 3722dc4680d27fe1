//! One pass over one object, from its trigger to the next.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use kube::runtime::controller::Action;
use kube::{Api, Client, ResourceExt};
use tracing::debug;

use super::load;
use super::memories::{Memories, TenantLocks};
use super::store::Store;
use crate::api::ALMServiceKey;
use crate::cluster::find;
use crate::controller::SystemClock;
use crate::controller::connections::{Connection, Connections};
use crate::controller::events::{Events, name, pass_failed};
use crate::domain::conditions::{Condition, Conditions};
use crate::domain::evidence::Memory;
use crate::domain::retry::Failing;
use crate::pass::ports::{Clock, LedgerError, Ports};
use crate::pass::run::{Outcome, run};
use crate::source::sightings::Sightings;

/// After somebody else wrote the object: what they wrote is on its way to us.
const AFTER_CONFLICT: Duration = Duration::from_millis(100);

/// What all passes share.
pub struct Context {
    pub(crate) client: Client,
    pub(super) cluster_id: String,
    pub(super) sightings: Arc<Sightings>,
    pub(super) memories: Memories,
    pub(crate) resource_namespace: String,
    pub(crate) connections: Connections,
    pub(crate) locks: TenantLocks,
    events: Events,
    clock: SystemClock,
}

impl Context {
    /// For one process.
    #[must_use]
    pub fn new(
        client: Client,
        cluster_id: String,
        resource_namespace: String,
        sightings: Arc<Sightings>,
        clock: SystemClock,
    ) -> Self {
        Self {
            events: Events::new(client.clone()),
            client,
            cluster_id,
            resource_namespace,
            sightings,
            memories: Memories::default(),
            connections: Connections::default(),
            locks: TenantLocks::default(),
            clock,
        }
    }
}

/// Runs one pass. Never fails: what failed is tried again, in its own time.
pub(crate) async fn reconcile(object: Arc<ALMServiceKey>, context: Arc<Context>) -> Result<Action, Infallible> {
    let lock = context.locks.of(&object.spec.tenant_ref.name);
    let _passing = lock.lock().await;
    Ok(match pass(&object, &context).await {
        Ok(action) => action,
        Err(LedgerError::Conflict) => Action::requeue(AFTER_CONFLICT),
        Err(error) => {
            pass_failed(&object, &error);
            Action::requeue(back_off(&object, &context))
        }
    })
}

async fn pass(cached: &ALMServiceKey, context: &Context) -> Result<Action, LedgerError> {
    let failed = |error: crate::cluster::CallError| LedgerError::Failed(Box::new(error));
    let api: Api<ALMServiceKey> = Api::namespaced(context.client.clone(), &cached.namespace().unwrap_or_default());
    // The cache may lag behind our own last write; a pass must not begin with an old ledger.
    let Some(object) = find(api.get(&cached.name_any())).await.map_err(failed)? else {
        forget(cached, context);
        return Ok(Action::await_change());
    };
    let uid = object.uid().unwrap_or_default();
    let mut store = Store::new(context.client.clone(), object);
    store.prepare().await?;
    let object = store.object().clone();
    let tenant = load::tenant(context, &object).await.map_err(failed)?;
    let facts = load::facts(context, &object, tenant.as_ref()).await;
    store.saw(&facts.source);

    let connection = Connection {
        connections: &context.connections,
        client: context.client.clone(),
        tenant: tenant.as_ref(),
        resource_namespace: &context.resource_namespace,
    };
    let before = facts.previous.clone();
    let ports = Ports { sign_in: &connection, landscape: &connection, ledger: &mut store, clock: &context.clock };
    match run(facts, ports).await {
        Outcome::Settled { settlement, effects } => {
            report(context, &object, before.as_ref(), settlement.conditions.as_ref(), &effects);
            if settlement.release {
                forget(&object, context);
                return Ok(Action::await_change());
            }
            debug!(object = %name(&object), next = ?settlement.next, "pass settled");
            context.memories.keep(&uid, settlement.memory);
            Ok(Action::requeue(settlement.next))
        }
        Outcome::Interrupted { error, memory, effects } => {
            report(context, &object, None, None, &effects);
            context.memories.keep(&uid, *memory);
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
        context.events.effect(object, *effect);
    }
    let Some(Conditions { ready, .. }) = after else { return };
    let same = |old: &Condition| old.status == ready.status && old.reason == ready.reason;
    if !before.is_some_and(|before| same(&before.ready)) {
        context.events.transition(object, ready);
    }
}

fn forget(object: &ALMServiceKey, context: &Context) {
    context.memories.forget(&object.uid().unwrap_or_default());
    if let Some(source) = object.status.as_ref().and_then(|status| status.source.as_ref()) {
        context.sightings.forget(&source.uid);
    }
}

/// The API server failed us: ever more rarely, as with any other failure.
fn back_off(object: &ALMServiceKey, context: &Context) -> Duration {
    let uid = object.uid().unwrap_or_default();
    let now = context.clock.now().monotonic;
    let memory = context.memories.of(&uid);
    let failing = Failing::once_more(memory.failing, now);
    context.memories.keep(&uid, Memory { failing: Some(failing), ..memory });
    failing.wait(now, rand::random())
}
