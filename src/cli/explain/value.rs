//! The explanation for machines.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::ResourceExt;
use serde_json::{Value, json};

use super::report::meaning;
use super::{next, tenant};
use crate::api::{ALMServiceKey, ALMTenant};
use crate::cli::cluster::{Tenant, current_ready};
use crate::cli::evidence::{Evidence, Siblings};
use crate::names::condition::READY;

/// Returns the explanation of a key.
pub(super) fn for_key(evidence: &Evidence, now: Timestamp) -> Value {
    let Evidence { key, tenant, siblings } = evidence;
    let ready = current_ready(key);
    json!({
        "object": object(key),
        "ready": ready,
        "meaning": meaning(&ready),
        "next": next::next(key, tenant, now),
        "status": key.status,
        "tenant": tenant_of_key(&key.spec.tenant_ref.name, tenant),
        "otherKeys": other_keys(siblings),
    })
}

/// Returns the explanation of a tenant.
pub(super) fn for_tenant(tenant: &ALMTenant) -> Value {
    let (name, ready) = (tenant.name_any(), current_ready(tenant));
    json!({
        "object": { "name": name },
        "ready": ready,
        "meaning": meaning(&ready),
        "next": tenant::next(&name, &tenant.status.clone().unwrap_or_default()),
        "status": tenant.status,
    })
}

/// Returns what a person must do for a key; null if that is nothing.
pub(super) fn for_action(key: &ALMServiceKey) -> Value {
    let action = key.status.as_ref().and_then(|status| status.action.as_ref());
    json!({ "object": object(key), "action": action })
}

/// Returns the removal that a tenant waits for; null if there is none.
pub(super) fn for_removal(tenant: &ALMTenant) -> Value {
    let removal = tenant.status.as_ref().and_then(|status| status.pending_removals.first());
    json!({ "object": { "name": tenant.name_any() }, "pendingRemoval": removal })
}

fn object(key: &ALMServiceKey) -> Value {
    json!({ "namespace": key.namespace(), "name": key.name_any() })
}

/// Returns the tenant of a key, and how much of it is known.
fn tenant_of_key(name: &str, tenant: &Tenant) -> Value {
    let (state, status) = match tenant {
        Tenant::Missing => ("Missing", None),
        Tenant::Forbidden => ("Forbidden", None),
        Tenant::Undecodable => ("Undecodable", None),
        Tenant::Found(tenant) => ("Found", tenant.status.as_ref()),
    };
    json!({ "name": name, "result": state, "status": status })
}

/// Returns the other keys of the tenant, and the scope that they were listed in.
fn other_keys(siblings: &Siblings) -> Value {
    let (scope, keys) = match siblings {
        Siblings::All(keys) => ("Cluster", keys.as_slice()),
        Siblings::OfNamespace(keys) => ("Namespace", keys.as_slice()),
        Siblings::Forbidden => ("Forbidden", [].as_slice()),
    };
    let reason = |key: &ALMServiceKey| {
        let status = key.status.as_ref()?;
        let is_ready = |condition: &&Condition| condition.type_ == READY;
        status.conditions.iter().find(is_ready).map(|ready| ready.reason.clone())
    };
    let items: Vec<_> = keys.iter().map(|key| json!({ "object": object(key), "reason": reason(key) })).collect();
    json!({ "scope": scope, "items": items })
}
