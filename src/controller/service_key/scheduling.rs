//! Scheduling of a reconciliation: the lock that it needs, and throttling.

use std::time::Duration;

use kube::ResourceExt;
use kube::runtime::reflector::{ObjectRef, Store};

use super::context::ReconcileContext;
use crate::api::resolve::admits;
use crate::api::status::ALMServiceKeyStatus;
use crate::api::{ALMServiceKey, ALMTenant};
use crate::cluster::identity::{KeyId, Uid};
use crate::domain::plan::{Facts, Step, plan};
use crate::domain::time::Moment;
use crate::names::KEY_FINALIZER;

/// Returns the lock key of an object: the name of its tenant, if it may have a key in the slot or put one there. Users may
/// create objects that a tenant does not admit: they share one lock per namespace, and so never block a key.
pub(crate) fn lock_key(object: &ALMServiceKey, tenants: &Store<ALMTenant>) -> String {
    let name = &object.spec.tenant_ref.name;
    let tenant = tenants.get(&ObjectRef::new(name));
    if may_occupy_slot(object, tenant.as_deref()) {
        return name.clone();
    }
    // The name of a tenant contains no space.
    format!("unadmitted objects in {}", KeyId::new(object).namespace)
}

/// Returns true if the object may have a key in the tenant's slot, or put one there.
pub(crate) fn may_occupy_slot(object: &ALMServiceKey, tenant: Option<&ALMTenant>) -> bool {
    is_admitted_or_recorded(object, tenant) || needs_slot_check(object)
}

/// Returns true if the tenant admits the object, or if the object may have something in the slot from a time when it was
/// admitted.
fn is_admitted_or_recorded(object: &ALMServiceKey, tenant: Option<&ALMTenant>) -> bool {
    let may_hold = object.status.as_ref().is_some_and(ALMServiceKeyStatus::may_hold);
    may_hold || tenant.is_some_and(|tenant| admits(&tenant.spec, &KeyId::new(object).namespace))
}

/// Returns true if the slot must be read before the object may go. Users may have written the finalizer themselves.
fn needs_slot_check(object: &ALMServiceKey) -> bool {
    object.metadata.deletion_timestamp.is_some()
        && object.finalizers().iter().any(|finalizer| finalizer == KEY_FINALIZER)
}

/// Throttles the reconciliation of an object. Returns none if it may run now, else the wait.
pub(crate) fn throttle_reconciliation(object: &ALMServiceKey, context: &ReconcileContext<'_>) -> Option<Duration> {
    let now = context.clock.now().monotonic;
    let wait = context.caches.rate_limiters.throttle_reconciliation(&Uid::new(object), now);
    wait.or_else(|| throttle_unadmitted_deletion(object, context, now))
}

/// Throttles the deletion of an unadmitted object that carries our finalizer: it needs a read of the slot and takes the lock
/// of the tenant's keys.
fn throttle_unadmitted_deletion(
    object: &ALMServiceKey,
    context: &ReconcileContext<'_>,
    now: Moment,
) -> Option<Duration> {
    let tenant = context.tenants.get(&ObjectRef::new(&object.spec.tenant_ref.name));
    if is_admitted_or_recorded(object, tenant.as_deref()) || !needs_slot_check(object) {
        return None;
    }
    remote_call_delay(object, context, now)
}

/// Throttles a reconciliation that would make remote calls. An object that has something in the slot is never throttled.
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
    let limiters = &context.caches.rate_limiters;
    limiters.throttle_remote_calls(&KeyId::new(object), &object.spec.tenant_ref.name, now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kube::runtime::{reflector, watcher};
    use serde_json::{Value, json};

    /// Returns a cache with a tenant that admits the namespace `friendly`.
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

    fn lock_key_in(namespace: &str, change: impl FnOnce(&mut Value)) -> String {
        let mut object = json!({
            "apiVersion": "almkey.dev/v1alpha1", "kind": "ALMServiceKey",
            "metadata": { "name": "calm", "namespace": namespace },
            "spec": { "tenantRef": { "name": "acme" }, "source": { "secretRef": { "name": "s" } } },
        });
        change(&mut object);
        lock_key(&serde_json::from_value(object).expect("an object"), &tenants())
    }

    #[test]
    fn an_object_that_is_not_admitted_has_the_lock_key_of_its_namespace() {
        assert_eq!(lock_key_in("friendly", |_| {}), "acme");
        assert_eq!(lock_key_in("hostile", |_| {}), "unadmitted objects in hostile");
        assert_eq!(
            lock_key_in("friendly", |object| object["spec"]["tenantRef"]["name"] = "none".into()),
            "unadmitted objects in friendly"
        );
        let finalized = |object: &mut Value| object["metadata"]["finalizers"] = json!([KEY_FINALIZER]);
        assert_eq!(lock_key_in("hostile", finalized), "unadmitted objects in hostile", "users may write a finalizer");
    }

    #[test]
    fn an_object_that_may_occupy_the_slot_has_the_lock_key_of_its_tenant() {
        let pending = json!({ "operation": "Upload", "revision": "\"1\"", "startedAt": "2026-01-01T00:00:00Z" });
        assert_eq!(lock_key_in("hostile", |object| object["status"] = json!({ "pending": pending })), "acme");
        let uploaded = |status: &str, reason: &str| {
            let condition = json!({
                "type": "Uploaded", "status": status, "reason": reason, "message": "",
                "lastTransitionTime": "2026-01-01T00:00:00Z",
            });
            json!({ "observedGeneration": 1, "conditions": [condition] })
        };
        let slot_was_read = uploaded("False", "NotSlotOwner");
        assert_eq!(lock_key_in("hostile", |object| object["status"] = slot_was_read), "acme", "it may be an heir");
        let slot_was_never_read = uploaded("Unknown", "NamespaceNotAllowed");
        assert_eq!(
            lock_key_in("hostile", |object| object["status"] = slot_was_never_read),
            "unadmitted objects in hostile"
        );
        let is_deleted = |object: &mut Value| {
            object["metadata"]["finalizers"] = json!([KEY_FINALIZER]);
            object["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
        };
        assert_eq!(lock_key_in("hostile", is_deleted), "acme");
    }
}
