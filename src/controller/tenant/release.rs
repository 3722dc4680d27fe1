//! The release of an unused `ALMTenant`: the removal of its finalizer.

use kube::ResourceExt;

use crate::api::{ALMServiceKey, ALMTenant};
use crate::cluster::CallError;
use crate::cluster::identity::KeyId;
use crate::cluster::objects::{ListedKey, Objects};
use crate::controller::tenant_finalizer::TenantFinalizer;
use crate::domain::slot::{RemoteTrouble, Slot};

/// A tenant after its release was tried.
pub(crate) enum ReleaseOutcome {
    /// The tenant exists, with or without the finalizer.
    Present {
        /// The tenant as it is now.
        tenant: Box<ALMTenant>,
        /// The keys that block the release, as `namespace/name`.
        blocking_keys: Vec<String>,
    },
    /// The tenant does not exist any more, or will not in a moment.
    Gone,
}

/// Removes the finalizer of a tenant unless a key blocks that. `slot` reads the tenant's slot; it is polled only if the
/// answer matters.
pub(crate) async fn release_if_unused(
    cluster: &dyn Objects,
    tenant: ALMTenant,
    slot: impl Future<Output = Result<Slot, RemoteTrouble>> + Send,
    cluster_id: &str,
) -> Result<ReleaseOutcome, CallError> {
    let finalizer = TenantFinalizer::new(cluster, tenant.clone());
    if !finalizer.is_present() {
        return Ok(ReleaseOutcome::Present { tenant: Box::new(tenant), blocking_keys: Vec::new() });
    }
    let (mut blocking_keys, mut others) = (Vec::new(), Vec::new());
    let mut visit = |key: ListedKey| {
        let names = if may_occupy_slot(&key) { &mut blocking_keys } else { &mut others };
        names.push(KeyId::new(&key).to_string());
    };
    cluster.keys_of(&tenant.name_any(), &mut visit).await?;
    if blocking_keys.is_empty() && !others.is_empty() {
        // A key that was just handed over is in the slot before its new owner has recorded it. While the owner of the slot
        // is unknown, it may be any of them.
        blocking_keys = match slot.await {
            Ok(slot) => slot
                .ownership()
                .map(|ownership| &ownership.owner)
                .filter(|owner| owner.cluster_id == cluster_id)
                .map_or_else(Vec::new, |owner| vec![format!("{}/{}", owner.namespace, owner.name)]),
            Err(_) => others,
        };
    }
    blocking_keys.sort();
    if !blocking_keys.is_empty() {
        return Ok(ReleaseOutcome::Present { tenant: Box::new(tenant), blocking_keys });
    }
    match finalizer.ensure_absent().await? {
        // A tenant that is being deleted goes with its last finalizer.
        Some(tenant) if tenant.metadata.deletion_timestamp.is_none() => {
            Ok(ReleaseOutcome::Present { tenant: Box::new(tenant), blocking_keys })
        }
        Some(_) | None => Ok(ReleaseOutcome::Gone),
    }
}

/// Returns true if the key's ledger records a key in the slot or a write to it. The ledger of an object that cannot be
/// decoded is unknown, which must not lead to the loss of a key.
fn may_occupy_slot(key: &ListedKey) -> bool {
    let has_open_ledger = |key: &ALMServiceKey| key.status.as_ref().is_some_and(|status| status.ledger().is_open());
    key.0.as_ref().map_or(true, has_open_ledger)
}
