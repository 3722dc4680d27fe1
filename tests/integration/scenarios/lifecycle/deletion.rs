//! The object or its source is deleted.

use serde_json::{Value, json};

use crate::scenarios::scenario;
use testkit::bed::key::condition;

#[test]
fn deleting_the_object_deletes_its_key_in_the_slot() {
    scenario("deletion", async |tenant| {
        tenant.write_secret("pasted", &tenant.make_key().await).await;
        tenant.apply_for_secret("calm", "pasted").await;
        tenant.await_ready("calm", "True", "Uploaded").await;

        tenant.delete("calm").await;

        assert_eq!(tenant.slot_key().await, Value::Null);
        assert_eq!(tenant.writes().await, ["+Put", "+Delete"]);
    });
}

#[test]
fn an_object_that_never_uploaded_is_deleted_without_a_write() {
    scenario("nothing-to-delete", async |tenant| {
        tenant.apply_for_secret("calm", "pasted").await;
        tenant.await_ready("calm", "Unknown", "WaitingForSecret").await;

        tenant.delete("calm").await;

        assert!(tenant.writes().await.is_empty());
    });
}

// proves: reason Removing
#[test]
fn a_deletion_waits_for_the_end_of_an_outage() {
    scenario("deletion-outage", async |tenant| {
        tenant.write_secret("pasted", &tenant.make_key().await).await;
        tenant.apply_for_secret("calm", "pasted").await;
        tenant.await_ready("calm", "True", "Uploaded").await;
        tenant.fail("Delete", json!({ "status": 503 })).await;

        tenant.begin_deletion("calm").await;
        tenant.await_ready("calm", "Unknown", "Removing").await;
        tenant.heal().await;
        tenant.await_gone("calm").await;

        assert_eq!(tenant.slot_key().await, Value::Null);
    });
}

#[test]
fn the_key_of_a_deleted_secret_is_deleted_after_the_grace_period() {
    scenario("secret-gone", async |tenant| {
        tenant.write_secret("pasted", &tenant.make_key().await).await;
        let spec = json!({ "source": { "secretRef": { "name": "pasted" } }, "gracePeriod": "2s" });
        tenant.apply("calm", spec).await;
        tenant.await_ready("calm", "True", "Uploaded").await;

        tenant.delete_secret("pasted").await;
        let pending = tenant.await_ready("calm", "Unknown", "RemovalPending").await;
        assert_eq!(condition(&pending, "Uploaded").0, "True");
        let object = tenant.await_ready("calm", "False", "SourceGone").await;

        assert_eq!(tenant.slot_key().await, Value::Null);
        assert!(object.status.expect("a status").uploaded.is_none());
        assert_eq!(tenant.writes().await, ["+Put", "+Delete"]);
    });
}

// proves: field ALMServiceKey spec.gracePeriod
#[test]
fn a_secret_recreated_within_the_grace_period_keeps_its_key_in_the_slot() {
    scenario("secret-back", async |tenant| {
        let key = tenant.make_key().await;
        tenant.write_secret("pasted", &key).await;
        tenant.apply_for_secret("calm", "pasted").await;
        tenant.await_ready("calm", "True", "Uploaded").await;

        tenant.delete_secret("pasted").await;
        tenant.await_ready("calm", "Unknown", "RemovalPending").await;
        tenant.write_secret("pasted", &key).await;
        tenant.await_ready("calm", "True", "Uploaded").await;

        assert_eq!(tenant.slot_key().await, key);
        assert_eq!(tenant.writes().await, ["+Put"]);
    });
}

#[test]
fn a_key_in_a_withdrawn_namespace_can_still_be_deleted() {
    scenario("withdrawn", async |tenant| {
        tenant.write_secret("pasted", &tenant.make_key().await).await;
        tenant.apply_for_secret("calm", "pasted").await;
        tenant.await_ready("calm", "True", "Uploaded").await;
        let patch = kube::api::Patch::Merge(json!({ "spec": { "allowedNamespaces": ["other"] } }));
        tenant
            .tenants()
            .patch("withdrawn", &kube::api::PatchParams::default(), &patch)
            .await
            .expect("the object is changed");
        let object = tenant.await_ready("calm", "False", "NamespaceNotAllowed").await;
        assert_eq!(condition(&object, "Uploaded").0, "True");

        tenant.delete("calm").await;

        assert_eq!(tenant.slot_key().await, Value::Null);
    });
}
