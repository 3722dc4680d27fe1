//! What one pass over one object comes to, by ports alone: the objects of the cluster, the caches of the watches, the two
//! remote sides, the clock and a number that was drawn.

use std::time::Duration;

use kube::ResourceExt;
use kube::runtime::reflector::Store;

use super::load;
use super::scheduling;
use super::status_writer::StatusWriter;
use crate::api::resolve::admits;
use crate::api::{ALMServiceKey, ALMTenant};
use crate::cluster::CallError;
use crate::cluster::objects::Objects;
use crate::controller::tenant::finalizer::TenantFinalizer;
use crate::controller::{Caches, Scope};
use crate::domain::conditions::Conditions;
use crate::domain::evidence::Observations;
use crate::domain::plan::Source;
use crate::domain::retry::FailureStreak;
use crate::domain::slot::Owner;
use crate::executor::execute::{Outcome, execute};
use crate::executor::ports::{Clock, LandscapeManagement, LedgerError, Ports, SignIn};

/// After the cache was found to lag behind the API server.
const CACHE_LAG: Duration = Duration::from_millis(100);

/// All that a pass rests on.
pub(crate) struct ReconcileContext<'a> {
    /// Live reads and writes.
    pub(crate) cluster: &'a dyn Objects,
    /// As what this cluster owns slots.
    pub(crate) cluster_id: &'a str,
    /// The remote sides of the tenants.
    pub(crate) remotes: &'a dyn Remotes,
    pub(crate) clock: &'a dyn Clock,
    /// What the watches have told, and what earlier passes have learnt.
    pub(crate) caches: &'a Caches,
    /// All `ALMServiceKey`s, as far as the watch has told.
    pub(crate) keys: &'a Store<ALMServiceKey>,
    /// All `ALMTenant`s, as far as the watch has told.
    pub(crate) tenants: &'a Store<ALMTenant>,
    /// Which namespaces are served.
    pub(crate) scope: &'a Scope,
    /// A number from 0 up to 1, drawn for this pass.
    pub(crate) jitter: f64,
}

/// What is remote of a tenant.
pub(crate) trait Remote: SignIn + LandscapeManagement {}

/// Both remote sides of any tenant.
pub(crate) trait Remotes: Sync {
    /// Those of `tenant`, for the object that owns as `me`.
    fn of<'a>(&'a self, tenant: Option<&'a ALMTenant>, me: &'a Owner) -> Box<dyn Remote + 'a>;
}

/// What a pass came to.
pub(crate) enum ReconcileResult {
    /// There is no such object any more.
    Gone,
    /// The cache lags behind the API server: once more, with the turn of the right tenant.
    Again(Duration),
    /// Others of its namespace have asked somebody outside too often: not before that time.
    PutOff(Duration),
    /// It ran.
    Passed {
        /// The object as the pass began with it.
        object: Box<ALMServiceKey>,
        /// The conditions that stood before, if they were of this generation.
        before: Option<Box<Conditions>>,
        /// How it ended.
        outcome: Outcome,
    },
}

/// Loads an object, runs a pass over it in the turn of `queue`, and remembers what it learnt.
pub(crate) async fn reconcile(
    cached: &ALMServiceKey,
    queue: &str,
    context: &ReconcileContext<'_>,
) -> Result<ReconcileResult, LedgerError> {
    let failed = |error: CallError| LedgerError::Failed(Box::new(error));
    let namespace = cached.namespace().unwrap_or_default();
    // The cache may lag behind our own last write; a pass must not begin with an old ledger.
    let Some(object) = context.cluster.key(&namespace, &cached.name_any()).await.map_err(failed)? else {
        context.caches.forget(cached);
        return Ok(ReconcileResult::Gone);
    };
    let tenant = context.cluster.tenant(&object.spec.tenant_ref.name).await.map_err(failed)?;
    // The turn that was waited for is the one that the cache told of.
    if scheduling::concerns(&object, tenant.as_ref()) && object.spec.tenant_ref.name != queue {
        return Ok(ReconcileResult::Again(CACHE_LAG));
    }
    let mut store = StatusWriter::new(context.cluster, object);
    store.prepare(tenant.as_ref().is_some_and(|tenant| admits(&tenant.spec, &namespace))).await?;
    let object = store.object().clone();
    let facts = load::facts(context, &object, tenant.as_ref()).await.map_err(failed)?;
    store.saw(&facts.source);
    if let Some(tenant) = tenant.clone() {
        store.holds(TenantFinalizer::new(context.cluster, tenant));
    }
    forget_predecessor(&object, &facts.source, context.caches);
    if let Some(wait) = scheduling::throttle_remote_calls(&object, &facts, context) {
        return Ok(ReconcileResult::PutOff(wait));
    }

    let (me, before) = (facts.subject.owner.clone(), facts.previous.clone().map(Box::new));
    let remote = context.remotes.of(tenant.as_ref(), &me);
    let ports = Ports { sign_in: &*remote, landscape: &*remote, ledger: &mut store, clock: context.clock };
    let outcome = execute(facts, ports).await;
    remember(context.caches, &object, &outcome);
    Ok(ReconcileResult::Passed { object: Box::new(object), before, outcome })
}

fn remember(caches: &Caches, object: &ALMServiceKey, outcome: &Outcome) {
    let uid = object.uid().unwrap_or_default();
    match outcome {
        Outcome::Settled { settlement, .. } if settlement.release => caches.forget(object),
        Outcome::Settled { settlement, .. } => caches.observations.keep(&uid, settlement.observations.clone()),
        Outcome::Interrupted { observations, .. } => caches.observations.keep(&uid, (**observations).clone()),
    }
}

/// A source that has been replaced is not asked for any more.
fn forget_predecessor(object: &ALMServiceKey, source: &Source, caches: &Caches) {
    let recorded = object.status.as_ref().and_then(|status| status.source.as_ref());
    if let (Some(recorded), Source::Present { identity, .. }) = (recorded, source)
        && recorded.uid != identity.uid
    {
        caches.observed_deletions.forget(&object.namespace().unwrap_or_default(), &recorded.uid);
    }
}

/// Somebody else wrote the object, or the API server failed us: again ever more rarely, as with any other failure.
pub(crate) fn back_off(object: &ALMServiceKey, context: &ReconcileContext<'_>) -> Duration {
    let uid = object.uid().unwrap_or_default();
    let now = context.clock.now().monotonic;
    let observations = context.caches.observations.of(&uid);
    let failures = FailureStreak::extend(observations.failures, now);
    context.caches.observations.keep(&uid, Observations { failures: Some(failures), ..observations });
    failures.wait(now, context.jitter)
}
