//! Caches that watches fill and reconciliations read.

use std::sync::Arc;

use super::connections::Connections;
use super::observations::ObservationStore;
use super::rate_limiters::RateLimiters;
use super::references::ReferenceVersions;
use crate::api::{ALMServiceKey, ALMTenant};
use crate::cluster::identity::{KeyId, Uid};
use crate::source::observed_deletions::ObservedDeletions;

/// All state of the controller that outlives a reconciliation, except for the stores of the watches.
#[derive(Clone, Default)]
pub(crate) struct Caches {
    pub(crate) observed_deletions: Arc<ObservedDeletions>,
    pub(crate) references: Arc<ReferenceVersions>,
    pub(crate) connections: Arc<Connections>,
    pub(crate) observations: Arc<ObservationStore>,
    pub(crate) rate_limiters: Arc<RateLimiters>,
}

impl Caches {
    /// Drops everything about an `ALMServiceKey` that does not exist any more.
    pub(crate) fn forget(&self, object: &ALMServiceKey) {
        let id = KeyId::new(object);
        self.observations.forget(&id.uid);
        self.rate_limiters.forget(&id.uid);
        if let Some(source) = object.status.as_ref().and_then(|status| status.source.as_ref()) {
            self.observed_deletions.forget(&id.namespace, &source.uid);
        }
    }

    /// Drops everything about an `ALMTenant` that does not exist any more.
    pub(crate) fn forget_tenant(&self, tenant: &ALMTenant) {
        let uid = Uid::new(tenant);
        self.connections.forget(&uid);
        self.observations.forget(&uid);
        self.rate_limiters.forget(&uid);
    }
}
