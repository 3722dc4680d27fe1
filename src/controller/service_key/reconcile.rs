//! The part of a reconciliation that needs ports only: load, plan and perform, write status.

use std::sync::Mutex;
use std::time::Duration;

use super::confirmation;
use super::context::ReconcileContext;
use super::load;
use super::scheduling;
use super::status_writer::StatusWriter;
use crate::api::ALMServiceKey;
use crate::api::resolve::admits;
use crate::cluster::identity::{KeyId, Uid};
use crate::controller::caches::Caches;
use crate::controller::tenant_finalizer::TenantFinalizer;
use crate::domain::conditions::Conditions;
use crate::domain::plan::Source;
use crate::domain::policy::Adapter;
use crate::executor::execute::{Outcome, execute};
use crate::executor::ports::{LandscapeManagement, LedgerError, Ports};
use crate::landscape::manual::ManualLandscape;

/// Wait after the cache was found to lag behind the API server.
const CACHE_LAG: Duration = Duration::from_millis(100);

/// The result of a reconciliation.
pub(crate) enum ReconcileResult {
    /// The object does not exist any more.
    Gone,
    /// The cache lags behind the API server, so the lock that is held is the wrong one. Retry after this time.
    CacheLagged(Duration),
    /// Objects of the same namespace have made too many remote calls. Retry after this time.
    Throttled(Duration),
    /// The plan was performed.
    Reconciled {
        /// The object as it was loaded.
        object: Box<ALMServiceKey>,
        /// The conditions as they were loaded, if they were of this generation.
        before: Option<Box<Conditions>>,
        /// The end of the execution. The status is written, unless it was interrupted.
        outcome: Outcome,
    },
}

/// Reconciles an object. The caller holds the lock of `lock_key`.
pub(crate) async fn reconcile(
    cached: &ALMServiceKey,
    lock_key: &str,
    context: &ReconcileContext<'_>,
) -> Result<ReconcileResult, LedgerError> {
    let KeyId { namespace, name, uid: _ } = KeyId::new(cached);
    // The cache may lag behind our own last write, and a reconciliation must not begin with an old ledger.
    let Some(object) = context.cluster.key(&namespace, &name).await? else {
        context.caches.forget(cached);
        return Ok(ReconcileResult::Gone);
    };
    let tenant = context.cluster.tenant(&object.spec.tenant_ref.name).await?;
    // The lock key was computed from the cache.
    if scheduling::may_occupy_slot(&object, tenant.as_ref()) && object.spec.tenant_ref.name != lock_key {
        return Ok(ReconcileResult::CacheLagged(CACHE_LAG));
    }
    let mut writer = StatusWriter::new(context.cluster, object);
    writer.prepare(tenant.as_ref().is_some_and(|tenant| admits(&tenant.spec, &namespace))).await?;
    let object = writer.object().clone();
    let tenant = if let Some(tenant) = tenant {
        let (tenant, confirmation) = Box::pin(confirmation::apply(context, &object, tenant)).await?;
        writer.set_confirmation(confirmation);
        Some(tenant)
    } else {
        writer.set_confirmation(confirmation::without_tenant(&object));
        None
    };
    let facts = load::facts(context, &object, tenant.as_ref()).await?;
    writer.set_source(&facts.source);
    if let Some(tenant) = tenant.clone() {
        writer.set_tenant(TenantFinalizer::new(context.cluster, tenant));
    }
    forget_replaced_source(&object, &facts.source, context.caches);
    if let Some(wait) = scheduling::throttle_remote_calls(&object, &facts, context) {
        return Ok(ReconcileResult::Throttled(wait));
    }

    let (me, before) = (facts.subject.owner.clone(), facts.previous.clone().map(Box::new));
    let remote = context.remotes.connect(tenant.as_ref(), &me);
    let manual = tenant.as_ref().filter(|_| facts.policy.adapter == Adapter::Manual).map(|tenant| ManualLandscape {
        cluster: context.cluster,
        cluster_id: context.cluster_id,
        tenant: Mutex::new(tenant.clone()),
        object: &object,
        source_key: facts.source_key().cloned(),
        rules: facts.policy.rules.for_slot(),
        ids: &context.ids,
        now: context.clock.now().wall,
    });
    let landscape: &dyn LandscapeManagement = match &manual {
        Some(manual) => manual,
        None => &*remote,
    };
    let ports = Ports { sign_in: &*remote, landscape, ledger: &mut writer, clock: context.clock };
    let outcome = Box::pin(execute(facts, ports)).await;
    remember(context.caches, &object, &outcome);
    Ok(ReconcileResult::Reconciled { object: Box::new(object), before, outcome })
}

/// Keeps the observations for the next reconciliation.
fn remember(caches: &Caches, object: &ALMServiceKey, outcome: &Outcome) {
    let uid = Uid::new(object);
    match outcome {
        Outcome::Settled { settlement, .. } if settlement.release => caches.forget(object),
        Outcome::Settled { settlement, .. } => caches.observations.set(&uid, settlement.observations.clone()),
        Outcome::Interrupted { observations, .. } => caches.observations.set(&uid, (**observations).clone()),
    }
}

/// Drops the observed deletion of a source that has been replaced: no reconciliation asks for it any more.
fn forget_replaced_source(object: &ALMServiceKey, source: &Source, caches: &Caches) {
    let recorded = object.status.as_ref().and_then(|status| status.source.as_ref());
    if let (Some(recorded), Source::Present { identity, .. }) = (recorded, source)
        && recorded.uid != identity.uid
    {
        caches.observed_deletions.forget(&KeyId::new(object).namespace, &recorded.uid);
    }
}

/// Records a failed reconciliation. Returns the wait before the next one.
pub(crate) fn back_off(object: &ALMServiceKey, context: &ReconcileContext<'_>) -> Duration {
    let now = context.clock.now().monotonic;
    context.caches.observations.back_off(&Uid::new(object), now, context.jitter)
}
