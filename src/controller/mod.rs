//! Watches the cluster and runs a pass over each object that something happened to.

mod connections;
mod events;
pub mod service_key;
mod status;
mod tenant;
mod watch;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Instant;

use futures::{FutureExt, StreamExt};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Namespace;
use kube::runtime::controller::{Config, Error as QueueError, applier};
use kube::{Api, Client, ResourceExt};
use tracing::{debug, error, info};

use crate::cluster::{CallError, call};
use crate::domain::plan::Now;
use crate::domain::time::Moment;
use crate::pass::ports::Clock;
use crate::source::sightings::Sightings;

pub use service_key::reconcile::Context;

/// No bound here: objects of one tenant wait for each other, and those that wait must not keep others from running.
/// What runs is bounded by [`service_key::reconcile::CONCURRENCY`].
const UNBOUNDED: u16 = 0;

/// What the controller needs to know of its surroundings.
pub struct Settings {
    /// Where the tenants' credentials live.
    pub cluster_resource_namespace: String,
    /// As what this cluster owns slots; none means the uid of `kube-system`.
    pub cluster_id: Option<String>,
}

/// Both clocks of this process.
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

/// Runs until `shutdown`, and then until what is in flight has ended.
///
/// # Errors
/// The cluster could not be identified.
pub async fn run(
    client: Client,
    settings: Settings,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), CallError> {
    let cluster_id = match settings.cluster_id {
        Some(id) => id,
        None => uid_of_kube_system(&client).await?,
    };
    let sightings = Arc::new(Sightings::default());
    let tenants = tenant::watches::start(&client, &settings.cluster_resource_namespace);
    let keys = service_key::watches::start(&client, &settings.cluster_resource_namespace, &sightings, &tenants.store);
    let context = Arc::new(Context::new(
        client,
        cluster_id.clone(),
        settings.cluster_resource_namespace,
        sightings,
        SystemClock::start(),
    ));
    info!(cluster_id, version = env!("CARGO_PKG_VERSION"), "operator started");
    let shutdown = shutdown.shared();
    let key_passes = applier(
        |object, context| service_key::reconcile::reconcile(object, context).boxed(),
        |_, error, _| match *error {},
        Arc::clone(&context),
        keys.store,
        keys.triggers.take_until(shutdown.clone()).map(Ok::<_, Infallible>),
        Config::default().concurrency(UNBOUNDED),
    );
    let tenant_passes = applier(
        |tenant, context| tenant::reconcile::reconcile(tenant, context).boxed(),
        |_, error, _| match *error {},
        context,
        tenants.store,
        tenants.triggers.take_until(shutdown).map(Ok::<_, Infallible>),
        Config::default().concurrency(UNBOUNDED),
    );
    tokio::join!(key_passes.for_each(note), tenant_passes.for_each(note));
    info!("operator stopped");
    Ok(())
}

/// What became of a trigger.
async fn note<T: std::fmt::Debug>(result: Result<T, QueueError<Infallible, Infallible>>) {
    match result {
        Ok(_) => {}
        // A trigger for an object that has just gone, or has not been seen yet: its own event follows.
        Err(QueueError::ObjectNotFound(object)) => debug!(%object, "nothing to reconcile"),
        Err(error) => error!(%error, "the queue failed"),
    }
}

/// A cluster has no name of its own: this uid is made with it and stays as long as it.
async fn uid_of_kube_system(client: &Client) -> Result<String, CallError> {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    Ok(call(namespaces.get_metadata("kube-system")).await?.uid().unwrap_or_default())
}
