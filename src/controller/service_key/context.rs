//! The context of one reconciliation: the cluster, the caches, the remote sides, the clock and a random number.

use kube::runtime::reflector::Store;

use crate::api::{ALMServiceKey, ALMTenant};
use crate::cluster::objects::Objects;
use crate::controller::caches::Caches;
use crate::controller::context::Context;
use crate::controller::remote::Remotes;
use crate::controller::scope::Scope;
use crate::executor::ports::Clock;
use crate::landscape::unique_ids::UniqueIds;

/// The context of one reconciliation.
pub(crate) struct ReconcileContext<'a> {
    /// Live reads and writes.
    pub(crate) cluster: &'a dyn Objects,
    /// Identifies this cluster as an owner of slots.
    pub(crate) cluster_id: &'a str,
    /// The remote sides of all tenants.
    pub(crate) remotes: &'a dyn Remotes,
    pub(crate) clock: &'a dyn Clock,
    /// State of the controller from watches and earlier reconciliations.
    pub(crate) caches: &'a Caches,
    /// All `ALMServiceKey`s, as the watch has seen them.
    pub(crate) keys: &'a Store<ALMServiceKey>,
    /// All `ALMTenant`s, as the watch has seen them.
    pub(crate) tenants: &'a Store<ALMTenant>,
    /// The namespaces that are served.
    pub(crate) scope: &'a Scope,
    /// A random number from 0 up to 1.
    pub(crate) jitter: f64,
    /// The source of the IDs and revisions of this reconciliation.
    pub(crate) ids: UniqueIds,
}

impl<'a> From<&'a Context> for ReconcileContext<'a> {
    fn from(context: &'a Context) -> Self {
        Self {
            cluster: &context.cluster,
            cluster_id: &context.cluster_id,
            remotes: context,
            clock: &context.clock,
            caches: &context.caches,
            keys: &context.keys,
            tenants: &context.tenants,
            scope: &context.scope,
            jitter: rand::random(),
            ids: UniqueIds::new(rand::random()),
        }
    }
}
