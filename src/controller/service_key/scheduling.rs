//! When it is an object's turn: whom it waits for, and how long before it asks somebody outside.

use std::time::Duration;

use kube::ResourceExt;
use kube::runtime::reflector::{ObjectRef, Store};

use super::reconcile::ReconcileContext;
use crate::api::resolve::admits;
use crate::api::status::ALMServiceKeyStatus;
use crate::api::{ALMServiceKey, ALMTenant};
use crate::domain::plan::{Facts, Step, plan};
use crate::domain::time::Moment;
use crate::names::KEY_FINALIZER;

/// Whose turns an object takes: those of its tenant, if it may have something in the slot. Anybody may make objects
/// that a tenant does not admit, so those wait for each other, by namespace, and never in the way of a key.
pub(crate) fn lock_key(object: &ALMServiceKey, tenants: &Store<ALMTenant>) -> String {
    let name = &object.spec.tenant_ref.name;
    let tenant = tenants.get(&ObjectRef::new(name));
    if concerns(object, tenant.as_deref()) {
        return name.clone();
    }
    // A space stands in no tenant's name.
    format!("outsiders in {}", object.namespace().unwrap_or_default())
}

/// Whether something of the object may be in the slot of the tenant, or get there.
pub(crate) fn concerns(object: &ALMServiceKey, tenant: Option<&ALMTenant>) -> bool {
    is_known(object, tenant) || leaves(object)
}

/// Whether the tenant admits it, or something of it is recorded, or may have been left to it while it was admitted.
fn is_known(object: &ALMServiceKey, tenant: Option<&ALMTenant>) -> bool {
    let may_hold = object.status.as_ref().is_some_and(ALMServiceKeyStatus::may_hold);
    may_hold || tenant.is_some_and(|tenant| admits(&tenant.spec, &object.namespace().unwrap_or_default()))
}

/// Whether the slot has to be looked at before it goes. Its finalizer may have been written by anybody.
fn leaves(object: &ALMServiceKey) -> bool {
    object.metadata.deletion_timestamp.is_some()
        && object.finalizers().iter().any(|finalizer| finalizer == KEY_FINALIZER)
}

/// How long an object waits until it may pass at all.
pub(crate) fn throttle_reconciliation(object: &ALMServiceKey, context: &ReconcileContext<'_>) -> Option<Duration> {
    let now = context.clock.now().monotonic;
    let wait = context.caches.rate_limiters.throttle_reconciliation(&object.uid().unwrap_or_default(), now);
    wait.or_else(|| throttle_unadmitted_deletion(object, context, now))
}

/// How long an object waits until it may knock: one that nobody knows and that has to be looked for in the slot
/// all the same must not take the turns of the tenant's keys again and again.
fn throttle_unadmitted_deletion(
    object: &ALMServiceKey,
    context: &ReconcileContext<'_>,
    now: Moment,
) -> Option<Duration> {
    let tenant = context.tenants.get(&ObjectRef::new(&object.spec.tenant_ref.name));
    if is_known(object, tenant.as_deref()) || !leaves(object) {
        return None;
    }
    remote_call_delay(object, context, now)
}

/// How long a pass waits that would ask somebody outside. Who has something in the slot never does.
pub(crate) fn throttle_remote_calls(
    object: &ALMServiceKey,
    facts: &Facts,
    context: &ReconcileContext<'_>,
) -> Option<Duration> {
    let now = context.clock.now();
    if facts.ledger.is_open() || matches!(plan(facts, now), Step::Settle(_)) {
        return None;
    }
    remote_call_delay(object, context, now.monotonic)
}

fn remote_call_delay(object: &ALMServiceKey, context: &ReconcileContext<'_>, now: Moment) -> Option<Duration> {
    let namespace = object.namespace().unwrap_or_default();
    let uid = object.uid().unwrap_or_default();
    context.caches.rate_limiters.throttle_remote_calls(&uid, &object.spec.tenant_ref.name, &namespace, now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kube::runtime::{reflector, watcher};
    use serde_json::{Value, json};

    /// The cache with a tenant that admits namespace `friendly`.
    fn tenants() -> Store<ALMTenant> {
        let (store, mut writer) = reflector::store();
        let tenant = json!({
            "apiVersion": "almkey.dev/v1alpha1", "kind": "ALMTenant", "metadata": { "name": "acme" },
            "spec": {
                "identityZone": "acme", "allowedNamespaces": ["friendly"],
                "landscapeManagement": { "http": {
                    "url": "https://a.example",
                    "oauth2": { "tokenUrl": "https://a.example", "secretRef": { "name": "acme" } },
                }},
            },
        });
        writer.apply_watcher_event(&watcher::Event::Apply(serde_json::from_value(tenant).expect("a tenant")));
        store
    }

    fn queue_of(namespace: &str, change: impl FnOnce(&mut Value)) -> String {
        let mut object = json!({
            "apiVersion": "almkey.dev/v1alpha1", "kind": "ALMServiceKey",
            "metadata": { "name": "calm", "namespace": namespace },
            "spec": { "tenantRef": { "name": "acme" }, "source": { "secretRef": { "name": "s" } } },
        });
        change(&mut object);
        lock_key(&serde_json::from_value(object).expect("an object"), &tenants())
    }

    #[test]
    fn who_is_not_admitted_waits_in_a_queue_of_its_own() {
        assert_eq!(queue_of("friendly", |_| {}), "acme");
        assert_eq!(queue_of("hostile", |_| {}), "outsiders in hostile");
        assert_eq!(
            queue_of("friendly", |object| object["spec"]["tenantRef"]["name"] = "none".into()),
            "outsiders in friendly"
        );
        let finalized = |object: &mut Value| object["metadata"]["finalizers"] = json!([KEY_FINALIZER]);
        assert_eq!(queue_of("hostile", finalized), "outsiders in hostile", "anybody may write a finalizer");
    }

    #[test]
    fn who_may_have_something_in_the_slot_waits_with_the_others_of_its_tenant_whoever_admits_it() {
        let pending = json!({ "operation": "Upload", "revision": "\"1\"", "startedAt": "2026-01-01T00:00:00Z" });
        assert_eq!(queue_of("hostile", |object| object["status"] = json!({ "pending": pending })), "acme");
        let uploaded = |status: &str, reason: &str| {
            let condition = json!({
                "type": "Uploaded", "status": status, "reason": reason, "message": "",
                "lastTransitionTime": "2026-01-01T00:00:00Z",
            });
            json!({ "observedGeneration": 1, "conditions": [condition] })
        };
        let was_looked_for = uploaded("False", "NotSlotOwner");
        assert_eq!(queue_of("hostile", |object| object["status"] = was_looked_for), "acme", "it may be an heir");
        let never = uploaded("Unknown", "NamespaceNotAllowed");
        assert_eq!(queue_of("hostile", |object| object["status"] = never), "outsiders in hostile");
        let leaves = |object: &mut Value| {
            object["metadata"]["finalizers"] = json!([KEY_FINALIZER]);
            object["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
        };
        assert_eq!(queue_of("hostile", leaves), "acme");
    }
}
