//! Keys in the slot that are not ours: left, adopted or replaced; and keys of ours that another client changed.

use serde_json::{Value, json};

use crate::scenarios::scenario;
use testkit::bed::Tenant;
use testkit::bed::key::message;

fn elsewhere() -> Value {
    json!({ "clusterID": "elsewhere", "namespace": "theirs", "name": "calm" })
}

fn origin(object: &alm_key_operator::api::ALMServiceKey) -> String {
    let uploaded = object.status.as_ref().and_then(|status| status.uploaded.as_ref());
    uploaded.map(|uploaded| format!("{:?}", uploaded.origin)).unwrap_or_default()
}

/// Puts the key of the source into the slot without an owner, and waits for its adoption.
async fn adopt_identical(tenant: &Tenant<'_>, spec: Value) -> Value {
    let key = tenant.make_key().await;
    tenant.fill_slot(&key, None).await;
    tenant.write_secret("pasted", &key).await;
    let mut spec = spec;
    spec["source"] = json!({ "secretRef": { "name": "pasted" } });
    tenant.apply("calm", spec).await;
    let object = tenant.await_ready("calm", "True", "Uploaded").await;
    assert_eq!(origin(&object), "Adopted");
    key
}

async fn set_adoption_policy(tenant: &Tenant<'_>, policy: &str) {
    tenant.patch_tenant(json!({ "spec": { "adoptionPolicy": policy } })).await;
}

// proves: field ALMTenant spec.adoptionPolicy, field ALMServiceKey status.uploaded.origin
#[test]
fn an_identical_unowned_key_is_adopted_and_released_with_its_object() {
    scenario("adopted", async |tenant| {
        let key = adopt_identical(&tenant, json!({})).await;
        let slot = tenant.slot().await;
        assert_eq!(slot["owner"]["name"], "calm");
        assert_eq!(slot["owner"]["adopted"], true);

        tenant.delete("calm").await;

        let slot = tenant.slot().await;
        assert_eq!(slot["key"], key, "an adopted key that signs in stays");
        assert_eq!(slot["owner"], Value::Null);
        assert_eq!(tenant.writes().await, ["+Patch", "+Patch"]);
    });
}

#[test]
fn an_adopted_key_that_died_is_deleted_with_its_object() {
    scenario("adopted-dead", async |tenant| {
        let key = adopt_identical(&tenant, json!({ "deadKey": { "after": "10s" } })).await;
        tenant.revoke(&key).await;

        tenant.delete("calm").await;

        assert_eq!(tenant.slot_key().await, Value::Null);
        assert_eq!(tenant.writes().await, ["+Patch", "+Delete"]);
        let refused = tenant.calls(&["SignIn"]).await.iter().filter(|call| call["status"] == 401).count();
        assert_eq!(refused, 4, "four probes prove it dead");
    });
}

#[test]
fn an_adopted_key_outlives_its_source_until_it_dies() {
    scenario("adopted-gone", async |tenant| {
        let spec = json!({ "gracePeriod": "0s", "interval": "10s", "deadKey": { "after": "10s" } });
        let key = adopt_identical(&tenant, spec).await;

        tenant.delete_secret("pasted").await;
        let object = tenant.await_ready("calm", "False", "SourceGone").await;
        assert!(message(&object, "Ready").contains("until it no longer signs in"), "{}", message(&object, "Ready"));
        assert_eq!(tenant.slot_key().await, key);

        tenant.revoke(&key).await;
        tenant.reconcile_now("calm", "now").await;
        tenant.await_call("its deletion", |call| call["kind"] == "Delete" && call["effect"] == true).await;
        assert_eq!(tenant.writes().await, ["+Patch", "+Delete"]);
    });
}

#[test]
fn a_rotation_replaces_an_adopted_key_like_any_other() {
    scenario("adopted-rotated", async |tenant| {
        adopt_identical(&tenant, json!({})).await;

        let new = tenant.make_key().await;
        tenant.write_secret("pasted", &new).await;
        tenant.await_key("calm", "Uploaded", |object| origin(object) == "Uploaded").await;

        assert_eq!(tenant.slot_key().await, new);
        assert_eq!(tenant.slot().await["owner"]["adopted"], false);
        tenant.delete("calm").await;
        assert_eq!(tenant.slot_key().await, Value::Null, "the new key is deleted with its object");
        assert_eq!(tenant.writes().await, ["+Patch", "+Put", "+Delete"]);
    });
}

#[test]
fn adoption_policy_never_leaves_even_an_identical_key_alone() {
    scenario("never", async |tenant| {
        set_adoption_policy(&tenant, "Never").await;
        let key = tenant.make_key().await;
        tenant.fill_slot(&key, None).await;
        tenant.write_secret("pasted", &key).await;
        tenant.apply_for_secret("calm", "pasted").await;

        tenant.await_ready("calm", "False", "SlotOccupied").await;

        assert!(tenant.writes().await.is_empty());
    });
}

// proves: reason SlotOccupied
#[test]
fn adoption_policy_replace_replaces_every_key_but_a_siblings() {
    scenario("replace", async |tenant| {
        tenant.fill_slot(&tenant.make_key().await, Some(elsewhere())).await;
        let key = tenant.make_key().await;
        tenant.write_secret("pasted", &key).await;
        tenant.apply_for_secret("calm", "pasted").await;
        tenant.await_ready("calm", "False", "SlotOccupied").await;

        set_adoption_policy(&tenant, "Replace").await;

        tenant.await_ready("calm", "True", "Uploaded").await;
        assert_eq!(tenant.slot_key().await, key);
        tenant.write_secret("other", &tenant.make_key().await).await;
        tenant.apply_for_secret("second", "other").await;
        tenant.await_ready("second", "False", "NotSlotOwner").await;
        assert_eq!(tenant.writes().await, ["+Put"]);
    });
}

/// Overwrites our key with that of another cluster, and waits until it is noticed; returns both keys.
async fn overwrite(tenant: &Tenant<'_>) -> (Value, Value) {
    set_adoption_policy(tenant, "Replace").await;
    let (ours, theirs) = (tenant.make_key().await, tenant.make_key().await);
    tenant.write_secret("pasted", &ours).await;
    tenant.apply("calm", json!({ "source": { "secretRef": { "name": "pasted" } }, "interval": "10s" })).await;
    tenant.await_ready("calm", "True", "Uploaded").await;
    tenant.fill_slot(&theirs, Some(elsewhere())).await;
    tenant.await_ready("calm", "False", "SlotOverwritten").await;
    assert_eq!(tenant.slot_key().await, theirs);
    assert_eq!(tenant.writes().await, ["+Put"], "two clusters with Replace do not fight");
    (ours, theirs)
}

// proves: field ALMServiceKey status.overwritten.generation
// proves: reason SlotOverwritten, field ALMServiceKey status.overwritten.fingerprint, annotation almkey.dev/reconcile-requested-at
#[test]
fn an_overwritten_key_is_uploaded_again_when_a_user_requests_it() {
    scenario("overwritten", async |tenant| {
        let (ours, _) = overwrite(&tenant).await;
        let object = tenant.keys().get("calm").await.expect("the object exists");
        let overwritten = object.status.and_then(|status| status.overwritten).expect("the overwrite is recorded");
        assert_eq!(Some(overwritten.generation), object.metadata.generation);
        assert_eq!(overwritten.fingerprint, tenant.fingerprint(&ours));

        tenant.reconcile_now("calm", "again").await;

        tenant.await_ready("calm", "True", "Uploaded").await;
        assert_eq!(tenant.slot_key().await, ours);
        assert_eq!(tenant.writes().await, ["+Put", "+Put"]);
    });
}

#[test]
fn an_overwritten_key_is_uploaded_again_when_the_spec_changes() {
    scenario("overwritten-spec", async |tenant| {
        let (ours, _) = overwrite(&tenant).await;

        tenant.patch("calm", json!({ "spec": { "interval": "20s" } })).await;

        tenant.await_ready("calm", "True", "Uploaded").await;
        assert_eq!(tenant.slot_key().await, ours);
    });
}

#[test]
fn a_new_key_replaces_the_one_that_overwrote_ours() {
    scenario("overwritten-key", async |tenant| {
        overwrite(&tenant).await;

        let new = tenant.make_key().await;
        tenant.write_secret("pasted", &new).await;

        tenant.await_ready("calm", "True", "Uploaded").await;
        assert_eq!(tenant.slot_key().await, new);
        tenant.delete("calm").await;
        assert_eq!(tenant.slot_key().await, Value::Null);
    });
}

#[test]
fn a_slot_that_another_client_emptied_is_filled_again() {
    scenario("emptied", async |tenant| {
        let key = tenant.make_key().await;
        tenant.write_secret("pasted", &key).await;
        tenant.apply_for_secret("calm", "pasted").await;
        tenant.await_ready("calm", "True", "Uploaded").await;
        tenant.empty_slot().await;

        tenant.reconcile_now("calm", "now").await;

        tenant.await_ready("calm", "True", "Uploaded").await;
        assert_eq!(tenant.slot_key().await, key);
        assert_eq!(tenant.writes().await, ["+Put", "+Put"]);
    });
}

#[test]
fn a_new_revision_of_the_same_slot_content_causes_no_write() {
    scenario("bumped-revision", async |tenant| {
        tenant.write_secret("pasted", &tenant.make_key().await).await;
        tenant.apply_for_secret("calm", "pasted").await;
        tenant.await_ready("calm", "True", "Uploaded").await;
        tenant.bump_slot_revision().await;

        let object = tenant.reconcile_now("calm", "now").await;

        let revision = tenant.slot().await["revision"].clone();
        assert_eq!(
            object.status.and_then(|status| status.uploaded).map(|uploaded| uploaded.revision.into()),
            Some(revision)
        );
        assert_eq!(tenant.writes().await, ["+Put"]);
        tenant.delete("calm").await;
        assert_eq!(tenant.slot_key().await, Value::Null);
    });
}
