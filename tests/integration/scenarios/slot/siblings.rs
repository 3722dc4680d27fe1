//! Several keys for one tenant: one slot, and one owner at a time.

use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use crate::scenarios::scenario;
use testkit::bed::Tenant;
use testkit::bed::key::{condition, message};

/// Applies two objects with these keys: the first owns the slot, the second does not.
async fn apply_first_and_second(tenant: &Tenant<'_>, first: &Value, second: &Value) {
    tenant.write_secret("first", first).await;
    tenant.write_secret("second", second).await;
    apply(tenant, "first").await;
    tenant.await_ready("first", "True", "Uploaded").await;
    apply(tenant, "second").await;
    tenant.await_ready("second", "False", "NotSlotOwner").await;
}

async fn apply(tenant: &Tenant<'_>, name: &str) {
    tenant.apply(name, json!({ "source": { "secretRef": { "name": name } }, "gracePeriod": "0s" })).await;
}

async fn owner(tenant: &Tenant<'_>) -> Value {
    tenant.slot().await["owner"]["name"].clone()
}

// proves: reason NotSlotOwner
#[test]
fn a_deleted_owner_hands_its_key_over_to_a_sibling_with_the_same_key() {
    scenario("holder-first", async |tenant| {
        let key = tenant.make_key().await;
        apply_first_and_second(&tenant, &key, &key).await;

        tenant.delete("first").await;
        tenant.await_ready("second", "True", "Uploaded").await;
        assert_eq!(tenant.slot_key().await, key);
        assert_eq!(owner(&tenant).await, "second");
        assert_eq!(tenant.writes().await, ["+Put", "+Patch"], "the slot was never empty");

        tenant.delete("second").await;
        assert_eq!(tenant.slot_key().await, Value::Null);
        assert_eq!(tenant.writes().await, ["+Put", "+Patch", "+Delete"]);
    });
}

#[test]
fn a_deleted_sibling_with_the_same_key_leaves_it_to_the_owner() {
    scenario("holder-last", async |tenant| {
        let key = tenant.make_key().await;
        apply_first_and_second(&tenant, &key, &key).await;

        tenant.delete("second").await;
        assert_eq!(tenant.slot_key().await, key);
        assert_eq!(owner(&tenant).await, "first");
        assert_eq!(tenant.writes().await, ["+Put"]);

        tenant.delete("first").await;
        assert_eq!(tenant.slot_key().await, Value::Null);
        assert_eq!(tenant.writes().await, ["+Put", "+Delete"]);
    });
}

#[test]
fn an_owner_without_a_source_hands_over_to_a_sibling_with_the_same_key() {
    scenario("handed-over", async |tenant| {
        let key = tenant.make_key().await;
        apply_first_and_second(&tenant, &key, &key).await;

        tenant.delete_secret("first").await;

        tenant.await_ready("second", "True", "Uploaded").await;
        assert_eq!(tenant.slot_key().await, key);
        assert_eq!(tenant.writes().await, ["+Put", "+Patch"]);
        tenant.await_ready("first", "False", "SourceGone").await;
    });
}

#[test]
fn the_next_sibling_uploads_once_the_owner_has_cleared_the_slot() {
    scenario("next-sibling", async |tenant| {
        let (first, second) = (tenant.make_key().await, tenant.make_key().await);
        apply_first_and_second(&tenant, &first, &second).await;

        tenant.delete("first").await;

        tenant.await_ready("second", "True", "Uploaded").await;
        assert_eq!(tenant.slot_key().await, second);
        assert_eq!(tenant.writes().await, ["+Put", "+Delete", "+Put"]);
    });
}

// proves: reason WaitingForSibling
// proves: reason LandscapeManagementUnavailable
#[test]
fn a_younger_sibling_waits_while_the_upload_of_the_older_one_fails() {
    scenario("older-first", async |tenant| {
        let (first, second) = (tenant.make_key().await, tenant.make_key().await);
        tenant.fail("Put", json!({ "status": 503 })).await;
        tenant.write_secret("first", &first).await;
        tenant.write_secret("second", &second).await;
        apply(&tenant, "first").await;
        tenant.await_ready("first", "Unknown", "LandscapeManagementUnavailable").await;
        apply(&tenant, "second").await;

        let object = tenant.await_ready("second", "Unknown", "WaitingForSibling").await;
        assert!(message(&object, "Ready").contains("older-first/first"), "{}", message(&object, "Ready"));
        tenant.heal().await;

        tenant.await_ready("first", "True", "Uploaded").await;
        tenant.await_ready("second", "False", "NotSlotOwner").await;
        assert_eq!(tenant.slot_key().await, first);
    });
}

// proves: field ALMServiceKey spec.suspend
#[test]
fn an_older_sibling_that_is_suspended_or_observes_does_not_block() {
    scenario("inactive-ahead", async |tenant| {
        for (name, extra) in [("suspended", json!({ "suspend": true })), ("observing", json!({ "mode": "Observe" }))] {
            tenant.write_secret(name, &tenant.make_key().await).await;
            let mut spec = extra;
            spec["source"] = json!({ "secretRef": { "name": name } });
            tenant.apply(name, spec).await;
        }
        tenant.await_ready("suspended", "Unknown", "Suspended").await;
        tenant.await_ready("observing", "True", "WouldChange").await;
        let key = tenant.make_key().await;
        tenant.write_secret("calm", &key).await;
        apply(&tenant, "calm").await;

        tenant.await_ready("calm", "True", "Uploaded").await;
        assert_eq!(tenant.slot_key().await, key);
    });
}

#[test]
fn a_terminating_tenant_waits_for_a_key_that_was_handed_over() {
    scenario("kept-for-heir", async |tenant| {
        let key = tenant.make_key().await;
        apply_first_and_second(&tenant, &key, &key).await;
        tenant.delete("first").await;
        tenant.await_ready("second", "True", "Uploaded").await;

        tenant.begin_tenant_deletion().await;
        let found = tenant.await_tenant("kept-for-heir", "False", "TenantTerminating").await;
        let message = testkit::bed::almtenant::tenant_message(&found, "Ready");
        assert!(message.contains("kept-for-heir/second"), "{message}");
        tenant.delete("second").await;

        tenant.await_tenant_gone("kept-for-heir").await;
        assert_eq!(tenant.slot_key().await, Value::Null);
    });
}

#[test]
fn an_heir_in_a_withdrawn_namespace_can_still_delete_its_key() {
    scenario("heir-withdrawn", async |tenant| {
        let key = tenant.make_key().await;
        apply_first_and_second(&tenant, &key, &key).await;
        tenant.fail("SignIn", json!({ "status": 503 })).await;
        tenant.delete("first").await;
        let object = tenant.await_ready("second", "Unknown", "SignInUnknown").await;
        assert!(object.status.is_some_and(|status| status.uploaded.is_none()), "the heir has not yet read the slot");
        assert_eq!(owner(&tenant).await, "second");
        let patch = Patch::Merge(json!({ "spec": { "allowedNamespaces": ["other"] } }));
        tenant.tenants().patch("heir-withdrawn", &PatchParams::default(), &patch).await.expect("the object is changed");
        let object = tenant.await_ready("second", "False", "NamespaceNotAllowed").await;
        assert_eq!(condition(&object, "Uploaded").0, "True");

        tenant.delete_secret("second").await;

        tenant.await_call("the deletion", |call| call["kind"] == "Delete" && call["effect"] == true).await;
        let nothing = |object: &_| condition(object, "Uploaded") == ("Unknown".into(), "NamespaceNotAllowed".into());
        tenant.await_key("second", "without an uploaded key", nothing).await;
        assert_eq!(tenant.slot_key().await, Value::Null);
    });
}

#[test]
fn an_older_sibling_that_cannot_upload_does_not_block() {
    scenario("stuck-ahead", async |tenant| {
        let key = tenant.make_key().await;
        tenant.fill_slot(&key, None).await;
        tenant.write_secret("first", &tenant.make_key().await).await;
        apply(&tenant, "first").await;
        tenant.await_ready("first", "False", "SlotOccupied").await;
        tenant.write_secret("second", &key).await;
        apply(&tenant, "second").await;

        tenant.await_ready("second", "True", "Uploaded").await;
        tenant.await_ready("first", "False", "NotSlotOwner").await;
    });
}
