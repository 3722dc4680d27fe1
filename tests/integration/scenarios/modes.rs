//! `spec.deletionPolicy`, `spec.mode` and `spec.suspend`.

use serde_json::{Value, json};

use super::scenario;
use testkit::bed::Tenant;
use testkit::bed::key::{condition, message};

/// An object with this spec for a Secret, and the Secret's key.
async fn applied(tenant: &Tenant<'_>, mut spec: Value) -> Value {
    let key = tenant.make_key().await;
    tenant.write_secret("pasted", &key).await;
    spec["source"] = json!({ "secretRef": { "name": "pasted" } });
    tenant.apply("calm", spec).await;
    key
}

// proves: field ALMServiceKey spec.deletionPolicy
#[test]
fn an_object_that_retains_leaves_its_key_there_without_an_owner() {
    scenario("retain", async |tenant| {
        let key = applied(&tenant, json!({ "deletionPolicy": "Retain" })).await;
        tenant.await_ready("calm", "True", "Uploaded").await;

        tenant.delete("calm").await;

        let slot = tenant.slot().await;
        assert_eq!((&slot["key"], &slot["owner"]), (&key, &Value::Null));
        assert_eq!(tenant.writes().await, ["+Put", "+Patch"]);
    });
}

#[test]
fn what_the_deletion_policy_says_when_the_object_is_deleted_holds() {
    scenario("retain-late", async |tenant| {
        let key = applied(&tenant, json!({})).await;
        tenant.await_ready("calm", "True", "Uploaded").await;
        tenant.patch("calm", json!({ "spec": { "deletionPolicy": "Retain" } })).await;

        tenant.delete("calm").await;

        assert_eq!(tenant.slot_key().await, key);
    });
}

#[test]
fn a_source_that_goes_leaves_a_living_key_there_where_that_is_asked_for() {
    scenario("retain-source", async |tenant| {
        let key = applied(&tenant, json!({ "deletionPolicy": "Retain", "gracePeriod": "0s" })).await;
        tenant.await_ready("calm", "True", "Uploaded").await;

        tenant.delete_secret("pasted").await;
        tenant.await_ready("calm", "False", "SourceGone").await;

        let slot = tenant.slot().await;
        assert_eq!((&slot["key"], &slot["owner"]), (&key, &Value::Null));
        assert_eq!(tenant.writes().await, ["+Put", "+Patch"]);
    });
}

#[test]
fn a_dead_key_is_not_retained() {
    scenario("retain-dead", async |tenant| {
        let spec = json!({ "deletionPolicy": "Retain", "gracePeriod": "0s", "deadKey": { "after": "10s" } });
        let key = applied(&tenant, spec).await;
        tenant.await_ready("calm", "True", "Uploaded").await;

        tenant.revoke(&key).await;
        tenant.delete_secret("pasted").await;
        tenant.await_ready("calm", "False", "SourceGone").await;

        assert_eq!(tenant.slot_key().await, Value::Null);
        assert_eq!(tenant.writes().await, ["+Put", "+Delete"]);
    });
}

// proves: field ALMServiceKey spec.mode, reason WouldChange, reason Observed
#[test]
fn an_object_that_observes_says_what_it_would_do_and_writes_nothing() {
    scenario("observe", async |tenant| {
        let key = applied(&tenant, json!({ "mode": "Observe" })).await;
        let object = tenant.await_ready("calm", "False", "WouldChange").await;
        assert!(message(&object, "Ready").contains("put the source's key there"), "{}", message(&object, "Ready"));
        assert_eq!(condition(&object, "SignedIn").0, "True");
        assert!(tenant.writes().await.is_empty());

        tenant.patch("calm", json!({ "spec": { "mode": "Enforce" } })).await;
        tenant.await_ready("calm", "True", "Uploaded").await;
        tenant.patch("calm", json!({ "spec": { "mode": "Observe" } })).await;
        tenant.await_ready("calm", "True", "Observed").await;
        let new = tenant.make_key().await;
        tenant.write_secret("pasted", &new).await;
        tenant.await_ready("calm", "False", "WouldChange").await;

        tenant.delete("calm").await;
        assert_eq!(tenant.slot_key().await, key, "also its deletion writes nothing");
        assert_eq!(tenant.writes().await, ["+Put"]);
    });
}

// proves: field ALMServiceKey spec.suspend, reason Suspended
#[test]
fn a_suspended_object_asks_nobody_and_keeps_what_was_found_before() {
    scenario("suspended", async |tenant| {
        let old = applied(&tenant, json!({})).await;
        let before = tenant.await_ready("calm", "True", "Uploaded").await;
        tenant.patch("calm", json!({ "spec": { "suspend": true } })).await;
        let object = tenant.await_ready("calm", "Unknown", "Suspended").await;
        for kind in ["Valid", "SignedIn", "Uploaded"] {
            assert_eq!(condition(&object, kind), condition(&before, kind));
            let of = |object: &alm_key_operator::api::ALMServiceKey| {
                let mut conditions = object.status.iter().flat_map(|status| &status.conditions);
                conditions.find(|found| found.type_ == kind).and_then(|found| found.observed_generation)
            };
            assert_eq!(of(&object), of(&before), "{kind} was not found for this generation");
        }
        let calls = tenant.calls(&["SignIn"]).await.len();

        let new = tenant.make_key().await;
        tenant.write_secret("pasted", &new).await;
        tenant.reconcile_now("calm", "now").await;
        assert_eq!(tenant.calls(&["SignIn"]).await.len(), calls, "nobody was asked");
        assert_eq!(tenant.slot_key().await, old);

        tenant.patch("calm", json!({ "spec": { "suspend": null } })).await;
        tenant.await_ready("calm", "True", "Uploaded").await;
        assert_eq!(tenant.slot_key().await, new);
    });
}

#[test]
fn a_suspended_object_can_be_deleted_and_takes_its_key_along() {
    scenario("suspended-deleted", async |tenant| {
        applied(&tenant, json!({})).await;
        tenant.await_ready("calm", "True", "Uploaded").await;
        tenant.patch("calm", json!({ "spec": { "suspend": true } })).await;
        tenant.await_ready("calm", "Unknown", "Suspended").await;

        tenant.delete("calm").await;

        assert_eq!(tenant.slot_key().await, Value::Null);
    });
}
