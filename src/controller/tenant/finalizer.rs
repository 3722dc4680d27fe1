//! The finalizer of an `ALMTenant`: it must not go while something of a key that names it stands in its slot.

use kube::ResourceExt;

use crate::api::{ALMServiceKey, ALMTenant};
use crate::cluster::CallError;
use crate::cluster::objects::Objects;
use crate::domain::slot::{RemoteTrouble, Slot};
use crate::names::TENANT_FINALIZER;

/// A tenant that is kept, or let go.
pub(crate) struct TenantFinalizer<'a> {
    cluster: &'a dyn Objects,
    tenant: ALMTenant,
}

impl<'a> TenantFinalizer<'a> {
    /// On the tenant as it was read.
    pub(crate) fn new(cluster: &'a dyn Objects, tenant: ALMTenant) -> Self {
        Self { cluster, tenant }
    }

    /// Ensures that the tenant cannot go. One that is going already takes no finalizer any more. Answers whether it is
    /// there.
    pub(crate) async fn ensure_present(self) -> Result<bool, CallError> {
        if self.is_present() || self.tenant.metadata.deletion_timestamp.is_some() {
            return Ok(true);
        }
        let mut finalizers = self.tenant.finalizers().to_vec();
        finalizers.push(TENANT_FINALIZER.into());
        Ok(self.cluster.write_tenant_finalizers(&self.tenant, &finalizers).await?.is_some())
    }

    /// Whether it carries the finalizer.
    pub(crate) fn is_present(&self) -> bool {
        self.tenant.finalizers().iter().any(|finalizer| finalizer == TENANT_FINALIZER)
    }

    /// Lets it go. Answers with the tenant as it is then; none if it is gone.
    pub(crate) async fn ensure_absent(self) -> Result<Option<ALMTenant>, CallError> {
        let mut finalizers = self.tenant.finalizers().to_vec();
        finalizers.retain(|finalizer| finalizer != TENANT_FINALIZER);
        self.cluster.write_tenant_finalizers(&self.tenant, &finalizers).await
    }
}

/// A tenant after it was let go, if nothing kept it.
pub(crate) enum FinalizerOutcome {
    /// It is there.
    Here {
        /// As it is now.
        tenant: Box<ALMTenant>,
        /// The keys for whose sake it is kept, as `namespace/name`.
        blocking_keys: Vec<String>,
    },
    /// It went, or goes.
    Gone,
}

/// Lets a tenant go that nothing keeps. `slot` is what its slot shows, and is only looked at when it matters.
pub(crate) async fn release_if_unused(
    cluster: &dyn Objects,
    tenant: ALMTenant,
    slot: impl Future<Output = Result<Slot, RemoteTrouble>> + Send,
    cluster_id: &str,
) -> Result<FinalizerOutcome, CallError> {
    let finalizer = TenantFinalizer::new(cluster, tenant.clone());
    if !finalizer.is_present() {
        return Ok(FinalizerOutcome::Here { tenant: Box::new(tenant), blocking_keys: Vec::new() });
    }
    let (mut blocking_keys, mut others) = (Vec::new(), Vec::new());
    let mut see = |key: ALMServiceKey| {
        let is_open = key.status.as_ref().is_some_and(|status| status.ledger().is_open());
        let of = if is_open { &mut blocking_keys } else { &mut others };
        of.push(format!("{}/{}", key.namespace().unwrap_or_default(), key.name_any()));
    };
    cluster.keys_of(&tenant.name_any(), &mut see).await?;
    if blocking_keys.is_empty() && !others.is_empty() {
        // A key that was just handed over stands there before its new owner has noted it. While nobody can say whose
        // the slot is, it may be any of them.
        blocking_keys = match slot.await {
            Ok(slot) => slot
                .ownership()
                .map(|held| &held.owner)
                .filter(|it| it.cluster_id == cluster_id)
                .map_or_else(Vec::new, |owner| vec![format!("{}/{}", owner.namespace, owner.name)]),
            Err(_) => others,
        };
    }
    blocking_keys.sort();
    if !blocking_keys.is_empty() {
        return Ok(FinalizerOutcome::Here { tenant: Box::new(tenant), blocking_keys });
    }
    match finalizer.ensure_absent().await? {
        // It may have gone by that.
        Some(tenant) if tenant.metadata.deletion_timestamp.is_none() => {
            Ok(FinalizerOutcome::Here { tenant: Box::new(tenant), blocking_keys })
        }
        Some(_) | None => Ok(FinalizerOutcome::Gone),
    }
}
