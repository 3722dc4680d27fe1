//! Dangling owners: slot owners whose object does not exist any more.

use kube::ResourceExt;

use crate::api::ALMTenant;
use crate::cluster::objects::Objects;
use crate::domain::reason::Reason;
use crate::domain::retry::Retry;
use crate::domain::slot::{Owner, RemoteTrouble, Slot};

/// Removes a dangling owner from what was read of the slot. An owner of this cluster counts only while its object exists
/// and names this tenant: a deleted one would block the slot for ever.
pub(crate) async fn ignore_dangling_owner(
    slot: Slot,
    cluster: &dyn Objects,
    tenant: Option<&ALMTenant>,
    cluster_id: &str,
    me: Option<&Owner>,
) -> Result<Slot, RemoteTrouble> {
    let owner = match slot.ownership().map(|ownership| &ownership.owner) {
        Some(owner) if owner.cluster_id == cluster_id && Some(owner) != me => owner,
        Some(_) | None => return Ok(slot),
    };
    match cluster.key(&owner.namespace, &owner.name).await {
        Ok(Some(key)) if tenant.is_some_and(|tenant| key.spec.tenant_ref.name == tenant.name_any()) => Ok(slot),
        Ok(_) => Ok(slot.without_owner()),
        Err(error) => Err(RemoteTrouble {
            reason: Reason::SlotUnknown,
            message: format!(
                "the slot holds a key of {owner}, and whether that object still exists is not known: {}",
                error.stable_message()
            ),
            retry: Retry::Backoff,
        }),
    }
}
