//! The context that all reconciliations of the process share, and the permit that each of them needs.

use std::sync::Arc;

use futures::future::{BoxFuture, Shared};
use kube::runtime::reflector::Store;
use tokio::sync::{OwnedMutexGuard, Semaphore, SemaphorePermit};

use super::caches::Caches;
use super::connections::Connection;
use super::events::Events;
use super::locks::ReconcileLocks;
use super::remote::{Remote, Remotes};
use super::scope::Scope;
use crate::api::{ALMServiceKey, ALMTenant};
use crate::cluster::objects::ApiServer;
use crate::domain::slot::Owner;
use crate::http::egress::Egress;
use crate::process::clock::SystemClock;
use crate::process::leadership::Leadership;
use crate::process::metrics::Metrics;

/// Number of reconciliations that run at the same time, over all tenants. Those that wait for their lock do not count: a
/// tenant with many objects and a slow remote side occupies one place, not all of them.
pub const CONCURRENCY: usize = 16;

/// A future that is ready once the process is asked to stop.
pub(crate) type Stopping = Shared<BoxFuture<'static, ()>>;

/// The context that all reconciliations share.
pub(crate) struct Context {
    pub(crate) cluster: ApiServer,
    /// Identifies this cluster as an owner of slots.
    pub(crate) cluster_id: String,
    pub(crate) caches: Caches,
    /// All `ALMServiceKey`s, as the watch has seen them.
    pub(crate) keys: Store<ALMServiceKey>,
    /// All `ALMTenant`s, as the watch has seen them.
    pub(crate) tenants: Store<ALMTenant>,
    /// The way to the tenants' servers.
    pub(crate) egress: Egress,
    /// Namespace of the tenants' credentials and CA certificates.
    pub(crate) resource_namespace: String,
    /// The namespaces that are served.
    pub(crate) scope: Scope,
    pub(crate) locks: ReconcileLocks,
    /// Has [`CONCURRENCY`] permits.
    pub(crate) places: Semaphore,
    pub(crate) events: Events,
    pub(crate) clock: SystemClock,
    pub(crate) leadership: Leadership,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) stopping: Stopping,
}

impl Context {
    /// Waits until all objects have been listed once.
    pub(crate) async fn wait_until_listed(&self) {
        // The writers of the stores live as long as the process, so neither wait fails.
        let _ = self.keys.wait_until_ready().await;
        let _ = self.tenants.wait_until_ready().await;
    }

    /// Returns the connection to a tenant's servers: its token endpoint and its Landscape Management. `me` is the owner
    /// that writes to the slot; it is absent for calls of the tenant itself.
    pub(crate) fn connection<'a>(&'a self, tenant: Option<&'a ALMTenant>, me: Option<&'a Owner>) -> Connection<'a> {
        Connection {
            connections: &self.caches.connections,
            cluster: &self.cluster,
            tenant,
            egress: &self.egress,
            resource_namespace: &self.resource_namespace,
            references: &self.caches.references,
            cluster_id: &self.cluster_id,
            leadership: &self.leadership,
            metrics: &self.metrics,
            me,
        }
    }

    /// Waits until this replica leads, then for the lock, then for a place. Returns none once the process is asked to stop:
    /// the next process does what has not begun by then.
    pub(crate) async fn acquire_permit(&self, lock_key: impl Fn() -> String) -> Option<ReconcilePermit<'_>> {
        let permit = async {
            // An object that was not listed yet must not be taken for absent.
            self.wait_until_listed().await;
            self.leadership.acquired().await;
            let lock_key = lock_key();
            let lock = self.locks.acquire(&lock_key).await;
            let place = self.places.acquire().await.expect("the semaphore is never closed");
            ReconcilePermit { lock_key, _place: place, _lock: lock }
        };
        tokio::select! {
            biased;
            () = self.stopping.clone() => None,
            permit = permit => Some(permit),
        }
    }
}

impl Remote for Connection<'_> {}

impl Remotes for Context {
    fn connect<'a>(&'a self, tenant: Option<&'a ALMTenant>, me: &'a Owner) -> Box<dyn Remote + 'a> {
        Box::new(self.connection(tenant, Some(me)))
    }
}

/// The right to reconcile one object, until it is dropped.
pub(crate) struct ReconcilePermit<'a> {
    /// The lock key whose lock is held: the name of a tenant, or a key of objects that cannot reach its slot.
    pub(crate) lock_key: String,
    _place: SemaphorePermit<'a>,
    _lock: OwnedMutexGuard<()>,
}
