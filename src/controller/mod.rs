//! Watches the cluster and reconciles each object that changed or that a change concerns.

mod ca_bundle;
mod caches;
mod conditions;
mod connections;
mod context;
mod credentials;
mod duplicates;
mod events;
mod gauges;
mod locks;
mod misconfiguration;
mod observations;
mod rate_limiters;
mod reference_watches;
mod references;
pub(crate) mod remote;
mod scope;
pub(crate) mod service_key;
pub(crate) mod tenant;
mod tenant_finalizer;
mod watch;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use futures::channel::mpsc;
use futures::{FutureExt, StreamExt};
use k8s_openapi::api::core::v1::Namespace;
use kube::runtime::controller::{Config, Error as QueueError, applier};
use kube::{Api, Client, ResourceExt};
use tokio::sync::Semaphore;
use tracing::{debug, error, info};

use crate::cluster::objects::ApiServer;
use crate::cluster::{CallError, call};
use crate::controller::context::{Context, Stopping};
use crate::controller::events::Events;
use crate::controller::gauges::Gauges;
use crate::controller::locks::ReconcileLocks;
use crate::http::egress::Egress;
use crate::process::clock::SystemClock;
use crate::process::connection::{self, Server};
use crate::process::leadership::Leadership;
use crate::process::metrics::Metrics;
use crate::process::readiness::Readiness;

pub(crate) use caches::Caches;
pub use context::CONCURRENCY;
pub use scope::Scope;

/// Concurrency of kube's queues: unbounded, because objects that wait for their lock must not keep others from running.
/// [`CONCURRENCY`] bounds what runs.
const UNBOUNDED: u16 = 0;
/// Time that running reconciliations have to finish once the process is asked to stop.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(45);

/// The settings of the controller.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Namespace of the tenants' credentials and CA certificates.
    pub cluster_resource_namespace: String,
    /// Identifies this cluster as an owner of slots; none means the uid of `kube-system`.
    pub cluster_id: Option<String>,
    /// The namespaces that are served.
    pub scope: Scope,
    /// The API server, for messages.
    pub server: Server,
    /// The way to token endpoints and Landscape Management.
    pub egress: Egress,
}

/// The parts of the process that the controller uses.
pub struct ProcessHandles {
    /// Objects are reconciled while this replica leads.
    pub leadership: Leadership,
    /// The metrics of the process.
    pub metrics: Arc<Metrics>,
    /// Set once the first lists are complete.
    pub readiness: Readiness,
}

/// The failure of the controller to start or to end in order.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// This cluster has no identity as an owner of slots.
    #[error("could not read the namespace kube-system from {server}: {}", connection::remedy(.source, KUBE_SYSTEM_RIGHT))]
    KubeSystem {
        /// The API server.
        server: Server,
        /// The failed call.
        source: CallError,
    },
    /// The identity would be empty, and the same for every such cluster.
    #[error("the namespace kube-system has no uid; set --cluster-id to do without it")]
    NoUid,
    /// Some reconciliations outlasted the grace period.
    #[error("some reconciliations did not finish within {} s", SHUTDOWN_GRACE.as_secs())]
    Unfinished,
}

/// Runs until `shutdown` is ready, and then until the running reconciliations have finished.
///
/// # Errors
/// The cluster could not be identified, or some reconciliations did not finish.
pub async fn run(
    client: Client,
    settings: Settings,
    handles: ProcessHandles,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), RunError> {
    let Settings { cluster_resource_namespace, cluster_id, scope, server, egress } = settings;
    let ProcessHandles { leadership, metrics, readiness } = handles;
    let cluster_id = match cluster_id {
        Some(id) => id,
        None => read_cluster_id(&client, server).await?,
    };
    let (caches, stopping) = (Caches::default(), shutdown.boxed().shared());
    let (tenant_sender, tenant_receiver) = mpsc::unbounded();
    let tenants = tenant::watches::start(&client, &caches, tenant_receiver);
    let referring = reference_watches::start(&client, &cluster_resource_namespace, &tenants.store, &caches.references);
    let keys = service_key::watches::start(&client, &scope, &caches, &tenants.store, tenant_sender, referring);
    let clock = SystemClock::start();
    metrics.register_collector(Gauges {
        keys: keys.store.clone(),
        tenants: tenants.store.clone(),
        scope: scope.clone(),
        observations: Arc::clone(&caches.observations),
        clock,
    });
    info!(cluster_id, ?scope, version = env!("CARGO_PKG_VERSION"), "operator started");
    let context = Arc::new(Context {
        events: Events::new(client.clone()),
        cluster: ApiServer::new(client),
        cluster_id,
        caches,
        keys: keys.store.clone(),
        tenants: tenants.store.clone(),
        egress,
        resource_namespace: cluster_resource_namespace,
        scope,
        locks: ReconcileLocks::default(),
        places: Semaphore::new(CONCURRENCY),
        clock,
        leadership,
        metrics,
        stopping: stopping.clone(),
    });
    let (for_readiness, for_stop) = (Arc::clone(&context), Arc::clone(&context));
    let ready = async move {
        for_readiness.wait_until_listed().await;
        readiness.set_ready();
    };
    // An API server that does not answer must not keep the process from stopping.
    let ready = futures::future::select(ready.boxed(), stopping.clone());
    let reconciliations = futures::future::join(reconcile_all(context, keys, tenants, stopping.clone()), ready);
    let stopped_early = stopped_before_listed(async move { for_stop.wait_until_listed().await }, stopping.clone());
    tokio::select! {
        _ = reconciliations => {}
        () = stopped_early => {}
        () = stopping.then(|()| tokio::time::sleep(SHUTDOWN_GRACE)) => return Err(RunError::Unfinished),
    }
    info!("operator stopped");
    Ok(())
}

/// Waits until the process is asked to stop, if that is before the first lists are complete; else for ever. No
/// reconciliation has begun by then, and kube's queues would wait for lists that never come.
async fn stopped_before_listed(listed: impl Future<Output = ()>, stopping: Stopping) {
    tokio::select! {
        biased;
        () = listed => std::future::pending().await,
        () = stopping => {}
    }
}

/// Reconciles the objects that the watches trigger, until the process is asked to stop and the last reconciliation has
/// finished.
async fn reconcile_all(
    context: Arc<Context>,
    keys: service_key::watches::Watches,
    tenants: tenant::watches::Watches,
    stopping: Stopping,
) {
    let keys = applier(
        |object, context| service_key::controller::reconcile(object, context).boxed(),
        |_, error, _| match *error {},
        Arc::clone(&context),
        keys.store,
        keys.triggers.take_until(stopping.clone()).map(Ok::<_, Infallible>),
        Config::default().concurrency(UNBOUNDED),
    );
    let tenants = applier(
        |tenant, context| tenant::reconcile::reconcile(tenant, context).boxed(),
        |_, error, _| match *error {},
        context,
        tenants.store,
        tenants.triggers.take_until(stopping.clone()).map(Ok::<_, Infallible>),
        Config::default().concurrency(UNBOUNDED),
    );
    tokio::join!(keys.for_each(log_queue_error), tenants.for_each(log_queue_error));
}

/// Logs a trigger that led to no reconciliation.
async fn log_queue_error<T: std::fmt::Debug>(result: Result<T, QueueError<Infallible, Infallible>>) {
    match result {
        Ok(_) => {}
        // The object was deleted, or is not in the store yet: the watch triggers it again once it is.
        Err(QueueError::ObjectNotFound(object)) => debug!(%object, "nothing to reconcile"),
        Err(error) => error!(%error, "the queue failed"),
    }
}

/// The right that identifying the cluster needs, and the way to do without it.
const KUBE_SYSTEM_RIGHT: &str = "get the namespace kube-system, or set --cluster-id";

/// Reads the uid of `kube-system`. A cluster has no name of its own, and this uid stays the same for all its life.
async fn read_cluster_id(client: &Client, server: Server) -> Result<String, RunError> {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let found = call(namespaces.get_metadata("kube-system")).await;
    let namespace = found.map_err(|source| RunError::KubeSystem { server, source })?;
    namespace.uid().filter(|uid| !uid.is_empty()).ok_or(RunError::NoUid)
}
