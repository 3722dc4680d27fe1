//! The explanation of a tenant.

use jiff::Timestamp;
use kube::ResourceExt;

use super::report::{described, meaning, section};
use crate::api::ALMTenant;
use crate::api::slot::PendingRemoval;
use crate::api::tenant::ALMTenantStatus;
use crate::cli::cluster::{current_ready, qualified_as};
use crate::cli::status::describe_slot;
use crate::cli::text::{age, item, paragraph_of};

/// Returns the explanation in lines of at most `width` columns.
pub(super) fn text(tenant: &ALMTenant, now: Timestamp, width: u16) -> String {
    let (name, ready) = (tenant.name_any(), &current_ready(tenant));
    let status = tenant.status.clone().unwrap_or_default();
    let summary = format!("{}: Ready is {}", qualified_as::<ALMTenant>(&name), described(ready, now));
    let parts = [
        format!("{summary}\n{}", paragraph_of(&ready.message, width)),
        section("Meaning", &meaning(ready), width),
        evidence(tenant, &status, now, width),
        section("Next", &next(&name, &status), width),
    ];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n")
}

fn evidence(tenant: &ALMTenant, status: &ALMTenantStatus, now: Timestamp, width: u16) -> String {
    let slot = status.slot.as_ref().map_or("not read yet".into(), |slot| describe_slot(slot, now));
    let removals =
        status.pending_removals.iter().map(|PendingRemoval { key_ref, fingerprints, requested_at, .. }| {
            format!(
                "To be deleted: the key of {}/{}, whose object is gone; asked for {} ({} ago); fingerprint {}",
                key_ref.namespace,
                key_ref.name,
                requested_at.0,
                age(requested_at.0, now),
                fingerprints.join(" or ")
            )
        });
    let zone = format!("Identity zone: {}", tenant.spec.identity_zone);
    let lines = [zone, format!("Slot: {slot}")].into_iter().chain(removals);
    ["Evidence:\n".to_owned()].into_iter().chain(lines.map(|line| item(&line, width))).collect()
}

/// Says what a person must do for the tenant.
pub(super) fn next(name: &str, status: &ALMTenantStatus) -> String {
    if status.pending_removals.is_empty() {
        return String::new();
    }
    format!(
        "A person must delete the key in Landscape Management: almkey explain --tenant {name} --steps prints the steps for \
         that person, and almkey done --tenant {name} ID confirms them."
    )
}
