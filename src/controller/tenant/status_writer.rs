//! The status of an `ALMTenant`, which is written only if it has changed.

use kube::api::{Patch, PatchParams};
use kube::{Api, ResourceExt};
use serde_json::json;
use tracing::{info, warn};

use crate::api::ALMTenant;
use crate::api::slot::{KeyRef, SlotState, SlotStatus};
use crate::api::tenant::ALMTenantStatus;
use crate::cluster::{CallError, call};
use crate::controller::conditions::{merged, now};
use crate::domain::conditions::{Condition, Progress, Status};
use crate::names::{FIELD_MANAGER, GROUP, VERSION, condition};

/// The result of a check of a tenant.
pub(super) struct Findings {
    pub(super) ready: Condition,
    pub(super) progress: Progress,
    /// State and owner of the slot. None if the slot was not read: the status keeps its state then.
    pub(super) slot: Option<(SlotState, Option<KeyRef>)>,
}

/// Writes the status, if it has changed.
pub(super) async fn write(api: &Api<ALMTenant>, tenant: &ALMTenant, findings: &Findings) -> Result<(), CallError> {
    let before = tenant.status.clone().unwrap_or_default();
    let generation = tenant.metadata.generation.unwrap_or_default();
    let after = ALMTenantStatus {
        observed_generation: generation,
        conditions: merged(&before.conditions, &[(condition::READY, &findings.ready)], findings.progress, generation),
        slot: slot(before.slot.as_ref(), findings),
        ..before.clone()
    };
    if after == before {
        return Ok(());
    }
    let Condition { status, reason, message } = &findings.ready;
    match status {
        Status::True => info!(%reason, verdict = message, "tenant checked"),
        Status::False | Status::Unknown => warn!(%reason, verdict = message, "tenant checked"),
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

/// Returns the new slot status. A state that stays the same keeps its time.
fn slot(before: Option<&SlotStatus>, findings: &Findings) -> Option<SlotStatus> {
    let Some((state, key_ref)) = &findings.slot else { return before.cloned() };
    let same = before.filter(|before| before.state == *state && before.key_ref == *key_ref);
    let since = same.map_or_else(now, |before| before.since.clone());
    Some(SlotStatus::observed(*state, key_ref.clone(), since))
}
