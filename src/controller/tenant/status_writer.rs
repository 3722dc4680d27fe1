//! The status of an `ALMTenant`: written if it has changed.

use kube::api::{Patch, PatchParams};
use kube::{Api, ResourceExt};
use serde_json::json;
use tracing::{info, warn};

use crate::api::ALMTenant;
use crate::api::tenant::{ALMTenantStatus, KeyRef, SlotState, SlotStatus};
use crate::cluster::{CallError, call};
use crate::controller::conditions::{merged, now};
use crate::domain::conditions::{Condition, Progress, Status};
use crate::names::{FIELD_MANAGER, GROUP, VERSION, condition};

/// What a look at a tenant showed.
pub(super) struct Seen {
    pub(super) ready: Condition,
    pub(super) progress: Progress,
    /// None if the slot was not looked at, and what was seen of it stands.
    pub(super) slot: Option<(SlotState, Option<KeyRef>)>,
}

/// Writes what was seen.
pub(super) async fn write(api: &Api<ALMTenant>, tenant: &ALMTenant, seen: &Seen) -> Result<(), CallError> {
    let before = tenant.status.clone().unwrap_or_default();
    let generation = tenant.metadata.generation.unwrap_or_default();
    let after = ALMTenantStatus {
        observed_generation: generation,
        conditions: merged(&before.conditions, &[(condition::READY, &seen.ready)], seen.progress, generation),
        slot: slot(before.slot.as_ref(), seen),
    };
    if after == before {
        return Ok(());
    }
    let Condition { status, reason, message } = &seen.ready;
    match status {
        Status::True => info!(%reason, verdict = message, "tenant looked at"),
        Status::False | Status::Unknown => warn!(%reason, verdict = message, "tenant looked at"),
    }
    let patch = json!({
        "apiVersion": format!("{GROUP}/{VERSION}"),
        "kind": "ALMTenant",
        "metadata": {
            "name": tenant.name_any(),
            "uid": tenant.uid(),
            "resourceVersion": tenant.resource_version(),
        },
        "status": after,
    });
    let parameters = PatchParams::apply(FIELD_MANAGER).force();
    call(api.patch_status(&tenant.name_any(), &parameters, &Patch::Apply(&patch))).await?;
    Ok(())
}

/// What stays the same keeps its time.
fn slot(before: Option<&SlotStatus>, seen: &Seen) -> Option<SlotStatus> {
    let Some((state, key_ref)) = &seen.slot else { return before.cloned() };
    let same = before.filter(|before| before.state == *state && before.key_ref == *key_ref);
    let since = same.map_or_else(now, |before| before.since.clone());
    Some(SlotStatus { state: *state, key_ref: key_ref.clone(), since })
}
