//! Watches the cluster and runs a pass over each object that something happened to.

mod conditions;
pub(crate) mod connections;
pub(crate) mod credentials;
pub(crate) mod dangling_owner;
mod events;
mod gauges;
pub(crate) mod rate_limiters;
mod scope;
pub(crate) mod service_key;
pub(crate) mod tenant;
pub(crate) mod watch;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::channel::mpsc;
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Namespace;
use kube::runtime::controller::{Config, Error as QueueError, applier};
use kube::{Api, Client, ResourceExt};
use tracing::{debug, error, info};

use crate::api::{ALMServiceKey, ALMTenant};
use crate::cluster::{CallError, call};
use crate::controller::connections::Connections;
use crate::controller::credentials::CredentialVersions;
use crate::controller::gauges::Gauges;
use crate::controller::rate_limiters::RateLimiters;
use crate::controller::service_key::observations::ObservationStore;
use crate::domain::plan::Now;
use crate::domain::time::Moment;
use crate::executor::ports::Clock;
use crate::process::leadership::Leadership;
use crate::process::metrics::Metrics;
use crate::process::readiness::Readiness;
use crate::source::observed_deletions::ObservedDeletions;

pub use scope::Scope;
use service_key::controller::Context;

/// No bound here: objects of one tenant wait for each other, and those that wait must not keep others from running.
/// What runs is bounded by [`service_key::controller::CONCURRENCY`].
const UNBOUNDED: u16 = 0;
/// How long the passes that run may take to end once the process is asked to stop.
const LAST_PASSES: Duration = Duration::from_secs(45);

/// What the controller needs to know of its handles.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the tenants' credentials live.
    pub cluster_resource_namespace: String,
    /// As what this cluster owns slots; none means the uid of `kube-system`.
    pub cluster_id: Option<String>,
    /// Which namespaces are served.
    pub scope: Scope,
}

/// What the controller shares with the rest of the process.
pub struct ProcessHandles {
    /// Passes run while this replica leads.
    pub leadership: Leadership,
    /// Where it counts.
    pub metrics: Arc<Metrics>,
    /// Reached once the first lists are done.
    pub readiness: Readiness,
}

/// Both clocks of this process.
#[derive(Clone, Copy)]
pub struct SystemClock(Instant);

impl SystemClock {
    /// Starts now.
    #[must_use]
    pub fn start() -> Self {
        Self(Instant::now())
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Now {
        Now { monotonic: Moment::new(self.0.elapsed()), wall: Timestamp::now() }
    }
}

/// Why the controller cannot start, or did not end well.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Without it this cluster has no name in Landscape Management.
    #[error("could not read the namespace kube-system; --cluster-id would do instead")]
    KubeSystem(#[source] CallError),
    /// An empty name would be every cluster's.
    #[error("the namespace kube-system has no uid; --cluster-id would do instead")]
    NoUid,
    /// Asked to stop, it waited for them, and not for ever.
    #[error("some passes did not end within {} s", LAST_PASSES.as_secs())]
    Unfinished,
}

/// What the watches tell and the passes ask.
#[derive(Clone, Default)]
pub(crate) struct Caches {
    pub(crate) observed_deletions: Arc<ObservedDeletions>,
    pub(crate) credentials: Arc<CredentialVersions>,
    pub(crate) connections: Arc<Connections>,
    pub(crate) observations: Arc<ObservationStore>,
    pub(crate) rate_limiters: Arc<RateLimiters>,
}

impl Caches {
    /// Forgets an object that has gone.
    pub(crate) fn forget(&self, object: &ALMServiceKey) {
        let uid = object.uid().unwrap_or_default();
        self.observations.forget(&uid);
        self.rate_limiters.forget(&uid);
        if let Some(source) = object.status.as_ref().and_then(|status| status.source.as_ref()) {
            self.observed_deletions.forget(&object.namespace().unwrap_or_default(), &source.uid);
        }
    }

    /// Forgets a tenant that has gone.
    pub(crate) fn forget_tenant(&self, tenant: &ALMTenant) {
        let uid = tenant.uid().unwrap_or_default();
        self.connections.forget(tenant);
        self.observations.forget(&uid);
        self.rate_limiters.forget(&uid);
    }
}

/// Ends when the process is asked to stop.
pub(crate) type Stopping = futures::future::Shared<BoxFuture<'static, ()>>;

/// Runs until `shutdown`, and then until what is in flight has ended.
///
/// # Errors
/// The cluster could not be identified, or what was in flight did not end.
pub async fn run(
    client: Client,
    settings: Settings,
    handles: ProcessHandles,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), RunError> {
    let cluster_id = match settings.cluster_id.clone() {
        Some(id) => id,
        None => uid_of_kube_system(&client).await?,
    };
    let (caches, stopping) = (Caches::default(), shutdown.boxed().shared());
    let (concerned_tenants, told_by_keys) = mpsc::unbounded();
    let tenants = tenant::watches::start(&client, &settings.cluster_resource_namespace, &caches, told_by_keys);
    let keys = service_key::watches::start(
        &client,
        &settings.cluster_resource_namespace,
        &settings.scope,
        &caches,
        &tenants.store,
        concerned_tenants,
    );
    let ProcessHandles { leadership, metrics, readiness } = handles;
    let observations = Arc::clone(&caches.observations);
    let context = Arc::new(Context::new(
        client,
        cluster_id.clone(),
        settings.clone(),
        caches,
        (keys.store.clone(), tenants.store.clone()),
        (leadership, Arc::clone(&metrics)),
        stopping.clone(),
    ));
    let clock = context.clock;
    metrics.show(Gauges {
        keys: keys.store.clone(),
        tenants: tenants.store.clone(),
        scope: settings.scope.clone(),
        observations,
        clock,
    });
    let (listed, known) = (Arc::clone(&context), Arc::clone(&context));
    let ready = async move {
        listed.listed().await;
        readiness.set_ready();
    };
    info!(cluster_id, scope = ?settings.scope, version = env!("CARGO_PKG_VERSION"), "operator started");
    // An API server that does not answer must not keep the process from stopping.
    let ready = futures::future::select(ready.boxed(), stopping.clone());
    let passes = passes(context, keys, tenants, stopping.clone());
    let passes = async { tokio::join!(passes, ready) };
    let nothing_began = stopping_before(async move { known.listed().await }, stopping.clone());
    tokio::select! {
        _ = passes => {}
        () = nothing_began => {}
        () = stopping.then(|()| tokio::time::sleep(LAST_PASSES)) => return Err(RunError::Unfinished),
    }
    info!("operator stopped");
    Ok(())
}

/// Ends when the process is asked to stop before the first lists are done. No pass has begun by then; and kube's queues
/// would wait for the lists, which nobody reads any more.
async fn stopping_before(listed: impl Future<Output = ()>, stopping: Stopping) {
    tokio::select! {
        biased;
        () = listed => std::future::pending().await,
        () = stopping => {}
    }
}

/// Runs the passes that the watches ask for, until the process is asked to stop and the last one has ended.
async fn passes(
    context: Arc<Context>,
    keys: service_key::watches::Watches,
    tenants: tenant::watches::Watches,
    stopping: Stopping,
) {
    let key_passes = applier(
        |object, context| service_key::controller::reconcile(object, context).boxed(),
        |_, error, _| match *error {},
        Arc::clone(&context),
        keys.store,
        keys.triggers.take_until(stopping.clone()).map(Ok::<_, Infallible>),
        Config::default().concurrency(UNBOUNDED),
    );
    let tenant_passes = applier(
        |tenant, context| tenant::reconcile::reconcile(tenant, context).boxed(),
        |_, error, _| match *error {},
        context,
        tenants.store,
        tenants.triggers.take_until(stopping.clone()).map(Ok::<_, Infallible>),
        Config::default().concurrency(UNBOUNDED),
    );
    tokio::join!(key_passes.for_each(note), tenant_passes.for_each(note));
}

/// What became of a trigger.
async fn note<T: std::fmt::Debug>(result: Result<T, QueueError<Infallible, Infallible>>) {
    match result {
        Ok(_) => {}
        // One that has just gone, or that the store does not have yet: it is told of by itself once it has.
        Err(QueueError::ObjectNotFound(object)) => debug!(%object, "nothing to reconcile"),
        Err(error) => error!(%error, "the queue failed"),
    }
}

/// A cluster has no name of its own: this uid is made with it and stays as long as it.
async fn uid_of_kube_system(client: &Client) -> Result<String, RunError> {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let namespace = call(namespaces.get_metadata("kube-system")).await.map_err(RunError::KubeSystem)?;
    namespace.uid().filter(|uid| !uid.is_empty()).ok_or(RunError::NoUid)
}
