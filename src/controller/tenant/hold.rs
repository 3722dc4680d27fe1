//! The finalizer of an `ALMTenant`: it must not go while something of a key that names it stands in its slot.

use kube::ResourceExt;

use crate::api::{ALMServiceKey, ALMTenant};
use crate::cluster::CallError;
use crate::cluster::objects::Objects;
use crate::domain::slot::{RemoteTrouble, Slot};
use crate::names::TENANT_FINALIZER;

/// A tenant that is kept, or let go.
pub(crate) struct Hold<'a> {
    cluster: &'a dyn Objects,
    tenant: ALMTenant,
}

impl<'a> Hold<'a> {
    /// On the tenant as it was read.
    pub(crate) fn on(cluster: &'a dyn Objects, tenant: ALMTenant) -> Self {
        Self { cluster, tenant }
    }

    /// Ensures that the tenant cannot go. One that is going already takes no finalizer any more. Answers whether it is
    /// there.
    pub(crate) async fn keep(self) -> Result<bool, CallError> {
        if self.is_kept() || self.tenant.metadata.deletion_timestamp.is_some() {
            return Ok(true);
        }
        let mut finalizers = self.tenant.finalizers().to_vec();
        finalizers.push(TENANT_FINALIZER.into());
        Ok(self.cluster.write_tenant_finalizers(&self.tenant, &finalizers).await?.is_some())
    }

    /// Whether it carries the finalizer.
    pub(crate) fn is_kept(&self) -> bool {
        self.tenant.finalizers().iter().any(|finalizer| finalizer == TENANT_FINALIZER)
    }

    /// Lets it go. Answers with the tenant as it is then; none if it is gone.
    pub(crate) async fn release(self) -> Result<Option<ALMTenant>, CallError> {
        let mut finalizers = self.tenant.finalizers().to_vec();
        finalizers.retain(|finalizer| finalizer != TENANT_FINALIZER);
        self.cluster.write_tenant_finalizers(&self.tenant, &finalizers).await
    }
}

/// A tenant after it was let go, if nothing kept it.
pub(crate) enum Held {
    /// It is there.
    Here {
        /// As it is now.
        tenant: Box<ALMTenant>,
        /// The keys for whose sake it is kept, as `namespace/name`.
        reasons: Vec<String>,
    },
    /// It went, or goes.
    Gone,
}

/// Lets a tenant go that nothing keeps. `slot` is what its slot shows, and is only looked at when it matters.
pub(crate) async fn settled(
    cluster: &dyn Objects,
    tenant: ALMTenant,
    slot: impl Future<Output = Result<Slot, RemoteTrouble>> + Send,
    cluster_id: &str,
) -> Result<Held, CallError> {
    let hold = Hold::on(cluster, tenant.clone());
    if !hold.is_kept() {
        return Ok(Held::Here { tenant: Box::new(tenant), reasons: Vec::new() });
    }
    let (mut reasons, mut others) = (Vec::new(), Vec::new());
    let mut see = |key: ALMServiceKey| {
        let is_open = key.status.as_ref().is_some_and(|status| status.ledger().is_open());
        let of = if is_open { &mut reasons } else { &mut others };
        of.push(format!("{}/{}", key.namespace().unwrap_or_default(), key.name_any()));
    };
    cluster.keys_of(&tenant.name_any(), &mut see).await?;
    if reasons.is_empty() && !others.is_empty() {
        // A key that was just handed over stands there before its new owner has noted it. While nobody can say whose
        // the slot is, it may be any of them.
        reasons = match slot.await {
            Ok(slot) => slot
                .ownership()
                .map(|held| &held.owner)
                .filter(|it| it.cluster_id == cluster_id)
                .map_or_else(Vec::new, |owner| vec![format!("{}/{}", owner.namespace, owner.name)]),
            Err(_) => others,
        };
    }
    reasons.sort();
    if !reasons.is_empty() {
        return Ok(Held::Here { tenant: Box::new(tenant), reasons });
    }
    match hold.release().await? {
        // It may have gone by that.
        Some(tenant) if tenant.metadata.deletion_timestamp.is_none() => {
            Ok(Held::Here { tenant: Box::new(tenant), reasons })
        }
        Some(_) | None => Ok(Held::Gone),
    }
}
