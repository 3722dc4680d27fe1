//! The finalizer of an `ALMTenant`: the tenant must exist while its slot may hold a key of this cluster.

use kube::ResourceExt;

use crate::api::ALMTenant;
use crate::cluster::CallError;
use crate::cluster::objects::Objects;
use crate::names::TENANT_FINALIZER;

/// The finalizer of one tenant.
pub(crate) struct TenantFinalizer<'a> {
    cluster: &'a dyn Objects,
    tenant: ALMTenant,
}

impl<'a> TenantFinalizer<'a> {
    /// Uses the tenant as it was read: a write fails if the tenant has changed since.
    pub(crate) fn new(cluster: &'a dyn Objects, tenant: ALMTenant) -> Self {
        Self { cluster, tenant }
    }

    /// Ensures that the tenant carries the finalizer, unless it is being deleted: finalizers cannot be added then. Returns
    /// true if the tenant exists.
    pub(crate) async fn ensure_present(self) -> Result<bool, CallError> {
        if self.is_present() || self.tenant.metadata.deletion_timestamp.is_some() {
            return Ok(true);
        }
        let mut finalizers = self.tenant.finalizers().to_vec();
        finalizers.push(TENANT_FINALIZER.into());
        Ok(self.cluster.write_tenant_finalizers(&self.tenant, &finalizers).await?.is_some())
    }

    /// Returns true if the tenant carries the finalizer.
    pub(crate) fn is_present(&self) -> bool {
        self.tenant.finalizers().iter().any(|finalizer| finalizer == TENANT_FINALIZER)
    }

    /// Ensures that the tenant does not carry the finalizer. Returns the tenant as written; none if it does not exist any
    /// more.
    pub(crate) async fn ensure_absent(self) -> Result<Option<ALMTenant>, CallError> {
        let mut finalizers = self.tenant.finalizers().to_vec();
        finalizers.retain(|finalizer| finalizer != TENANT_FINALIZER);
        self.cluster.write_tenant_finalizers(&self.tenant, &finalizers).await
    }
}
