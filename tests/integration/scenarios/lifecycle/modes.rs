//! `spec.deletionPolicy`, `spec.mode` and `spec.suspend`.

use serde_json::{Value, json};

use crate::scenarios::scenario;
use alm_key_operator::api::ALMServiceKey;
use testkit::bed::Tenant;
use testkit::bed::key::{condition, message};

/// Applies an object with this spec and a Secret as its source; returns the Secret's key.
async fn apply(tenant: &Tenant<'_>, mut spec: Value) -> Value {
    let key = tenant.make_key().await;
    tenant.write_secret("pasted", &key).await;
    spec["source"] = json!({ "secretRef": { "name": "pasted" } });
    tenant.apply("calm", spec).await;
    key
}

// proves: field ALMServiceKey spec.deletionPolicy
#[test]
fn deletion_policy_retain_leaves_the_key_in_the_slot_without_an_owner() {
    scenario("retain", async |tenant| {
        let key = apply(&tenant, json!({ "deletionPolicy": "Retain" })).await;
        tenant.await_ready("calm", "True", "Uploaded").await;

        tenant.delete("calm").await;

        let slot = tenant.slot().await;
        assert_eq!((&slot["key"], &slot["owner"]), (&key, &Value::Null));
        assert_eq!(tenant.writes().await, ["+Put", "+Patch"]);
    });
}

#[test]
fn the_deletion_policy_at_the_time_of_the_deletion_counts() {
    scenario("retain-late", async |tenant| {
        let key = apply(&tenant, json!({})).await;
        tenant.await_ready("calm", "True", "Uploaded").await;
        tenant.patch("calm", json!({ "spec": { "deletionPolicy": "Retain" } })).await;

        tenant.delete("calm").await;

        assert_eq!(tenant.slot_key().await, key);
    });
}

#[test]
fn deletion_policy_retain_also_covers_a_deleted_source() {
    scenario("retain-source", async |tenant| {
        let key = apply(&tenant, json!({ "deletionPolicy": "Retain", "gracePeriod": "0s" })).await;
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
        let key = apply(&tenant, spec).await;
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
fn mode_observe_reports_the_pending_change_and_writes_nothing() {
    scenario("observe", async |tenant| {
        let key = apply(&tenant, json!({ "mode": "Observe" })).await;
        let object = tenant.await_ready("calm", "True", "WouldChange").await;
        assert!(message(&object, "Ready").contains("upload the source's key"), "{}", message(&object, "Ready"));
        assert_eq!(condition(&object, "SignedIn").0, "True");
        assert!(tenant.writes().await.is_empty());

        tenant.patch("calm", json!({ "spec": { "mode": "Enforce" } })).await;
        tenant.await_ready("calm", "True", "Uploaded").await;
        tenant.patch("calm", json!({ "spec": { "mode": "Observe" } })).await;
        tenant.await_ready("calm", "True", "Observed").await;
        let new = tenant.make_key().await;
        tenant.write_secret("pasted", &new).await;
        tenant.await_ready("calm", "True", "WouldChange").await;

        tenant.delete("calm").await;
        assert_eq!(tenant.slot_key().await, key, "its deletion writes nothing either");
        assert_eq!(tenant.writes().await, ["+Put"]);
    });
}

#[test]
fn mode_observe_is_not_ready_over_a_key_that_enforce_would_delete() {
    scenario("observe-dead", async |tenant| {
        let spec = json!({ "mode": "Enforce", "gracePeriod": "0s", "interval": "10s", "deadKey": { "after": "10s" } });
        let key = apply(&tenant, spec).await;
        tenant.await_ready("calm", "True", "Uploaded").await;
        tenant.patch("calm", json!({ "spec": { "mode": "Observe" } })).await;
        tenant.await_ready("calm", "True", "Observed").await;

        tenant.revoke(&key).await;
        let is_dead = |object: &ALMServiceKey| message(object, "Ready").contains("delete the key of this object");
        let dead = tenant.await_key("calm", "the death of its key", is_dead).await;
        assert_eq!(stalled(&dead, "Ready"), ("False".into(), "CredentialsRefused".into(), true));

        tenant.delete_secret("pasted").await;
        let gone = tenant.await_ready("calm", "False", "SourceGone").await;
        assert!(message(&gone, "Ready").contains("delete the key of this object"), "{}", message(&gone, "Ready"));
        assert_eq!(stalled(&gone, "Ready"), ("False".into(), "SourceGone".into(), true));
        assert_eq!((tenant.slot_key().await, tenant.writes().await), (key, vec!["+Put".to_owned()]));
    });
}

/// Returns status and reason of a condition, and true if the object is also `Stalled`.
fn stalled(object: &ALMServiceKey, kind: &str) -> (String, String, bool) {
    let (status, reason) = condition(object, kind);
    (status, reason, condition(object, "Stalled").0 == "True")
}

// proves: field ALMServiceKey spec.suspend, reason Suspended
#[test]
fn a_suspended_object_makes_no_calls_and_keeps_its_last_conditions() {
    scenario("suspended", async |tenant| {
        let old = apply(&tenant, json!({})).await;
        let before = tenant.await_ready("calm", "True", "Uploaded").await;
        tenant.patch("calm", json!({ "spec": { "suspend": true } })).await;
        let object = tenant.await_ready("calm", "True", "Suspended").await;
        for kind in ["Valid", "SignedIn", "Uploaded"] {
            assert_eq!(condition(&object, kind), condition(&before, kind));
            let generation = |object: &ALMServiceKey| {
                let mut conditions = object.status.iter().flat_map(|status| &status.conditions);
                conditions.find(|found| found.type_ == kind).and_then(|found| found.observed_generation)
            };
            assert_eq!(generation(&object), generation(&before), "{kind} keeps its generation");
        }
        let calls = tenant.calls(&["SignIn"]).await.len();

        let new = tenant.make_key().await;
        tenant.write_secret("pasted", &new).await;
        let changed = tenant.await_ready("calm", "False", "Suspended").await;
        assert!(stalled(&changed, "Ready").2, "a pipeline must not wait for it");
        assert!(message(&changed, "Ready").contains("another key"), "{}", message(&changed, "Ready"));
        tenant.reconcile_now("calm", "now").await;
        tenant.write_secret("pasted", &old).await;
        tenant.await_ready("calm", "True", "Suspended").await;
        tenant.write_secret("pasted", &new).await;
        tenant.await_ready("calm", "False", "Suspended").await;
        assert_eq!(tenant.calls(&["SignIn"]).await.len(), calls, "a suspended object signs in nowhere");
        assert_eq!(tenant.slot_key().await, old);

        tenant.patch("calm", json!({ "spec": { "suspend": null } })).await;
        tenant.await_ready("calm", "True", "Uploaded").await;
        assert_eq!(tenant.slot_key().await, new);
    });
}

#[test]
fn a_suspended_object_whose_source_is_deleted_keeps_its_key_until_it_is_resumed() {
    scenario("suspended-gone", async |tenant| {
        let key = apply(&tenant, json!({ "gracePeriod": "0s" })).await;
        tenant.await_ready("calm", "True", "Uploaded").await;
        tenant.patch("calm", json!({ "spec": { "suspend": true } })).await;
        tenant.await_ready("calm", "True", "Suspended").await;

        tenant.delete_secret("pasted").await;
        let gone = tenant.await_ready("calm", "False", "Suspended").await;
        assert!(message(&gone, "Ready").contains("stays in Landscape Management"), "{}", message(&gone, "Ready"));
        assert_eq!(tenant.slot_key().await, key);

        tenant.patch("calm", json!({ "spec": { "suspend": false } })).await;
        tenant.await_ready("calm", "False", "SourceGone").await;
        assert_eq!(tenant.slot_key().await, Value::Null);
    });
}

#[test]
fn a_suspended_object_can_be_deleted_together_with_its_key() {
    scenario("suspended-deleted", async |tenant| {
        apply(&tenant, json!({})).await;
        tenant.await_ready("calm", "True", "Uploaded").await;
        tenant.patch("calm", json!({ "spec": { "suspend": true } })).await;
        tenant.await_ready("calm", "True", "Suspended").await;

        tenant.delete("calm").await;

        assert_eq!(tenant.slot_key().await, Value::Null);
    });
}
