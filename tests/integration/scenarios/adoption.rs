//! A key that stands in the slot and is not ours: left, taken over, or replaced; and ours that somebody touches.

use serde_json::{Value, json};

use super::scenario;
use testkit::bed::Tenant;
use testkit::bed::key::message;

fn elsewhere() -> Value {
    json!({ "clusterID": "elsewhere", "namespace": "theirs", "name": "calm" })
}

fn origin(object: &alm_key_operator::api::ALMServiceKey) -> String {
    let uploaded = object.status.as_ref().and_then(|status| status.uploaded.as_ref());
    uploaded.map(|uploaded| format!("{:?}", uploaded.origin)).unwrap_or_default()
}

/// The slot holds the very key of the source, which a person put there; it is taken over.
async fn taken_over(tenant: &Tenant<'_>, spec: Value) -> Value {
    let key = tenant.make_key().await;
    tenant.fill_slot(&key, None).await;
    tenant.write_secret("pasted", &key).await;
    let mut whole = spec;
    whole["source"] = json!({ "secretRef": { "name": "pasted" } });
    tenant.apply("calm", whole).await;
    let object = tenant.await_ready("calm", "True", "Uploaded").await;
    assert_eq!(origin(&object), "Adopted");
    key
}

async fn adopts(tenant: &Tenant<'_>, policy: &str) {
    tenant.patch_tenant(json!({ "spec": { "adoptionPolicy": policy } })).await;
}

// proves: field ALMTenant spec.adoptionPolicy, field ALMServiceKey status.uploaded.origin
#[test]
fn a_key_that_a_person_put_there_and_the_source_holds_too_becomes_ours_and_is_given_up_with_the_object() {
    scenario("taken-over", async |tenant| {
        let key = taken_over(&tenant, json!({})).await;
        let slot = tenant.slot().await;
        assert_eq!(slot["owner"]["name"], "calm");
        assert_eq!(slot["owner"]["adopted"], true);

        tenant.delete("calm").await;

        let slot = tenant.slot().await;
        assert_eq!(slot["key"], key, "it was there before, and still signs in");
        assert_eq!(slot["owner"], Value::Null);
        assert_eq!(tenant.writes().await, ["+Patch", "+Patch"]);
    });
}

#[test]
fn a_key_that_was_taken_over_and_died_goes_with_its_object() {
    scenario("taken-over-dead", async |tenant| {
        let key = taken_over(&tenant, json!({ "deadKey": { "after": "10s" } })).await;
        tenant.revoke(&key).await;

        tenant.delete("calm").await;

        assert_eq!(tenant.slot_key().await, Value::Null);
        assert_eq!(tenant.writes().await, ["+Patch", "+Delete"]);
        let refused = tenant.calls(&["SignIn"]).await.iter().filter(|call| call["status"] == 401).count();
        assert_eq!(refused, 4, "four probes prove it dead");
    });
}

#[test]
fn a_key_that_was_taken_over_outlives_its_source_until_it_dies() {
    scenario("taken-over-gone", async |tenant| {
        let spec = json!({ "gracePeriod": "0s", "interval": "10s", "deadKey": { "after": "10s" } });
        let key = taken_over(&tenant, spec).await;

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
fn a_rotation_replaces_a_key_that_was_taken_over_like_any_of_ours() {
    scenario("taken-over-rotated", async |tenant| {
        taken_over(&tenant, json!({})).await;

        let new = tenant.make_key().await;
        tenant.write_secret("pasted", &new).await;
        tenant.await_key("calm", "Uploaded", |object| origin(object) == "Uploaded").await;

        assert_eq!(tenant.slot_key().await, new);
        assert_eq!(tenant.slot().await["owner"]["adopted"], false);
        tenant.delete("calm").await;
        assert_eq!(tenant.slot_key().await, Value::Null, "this one was ours");
        assert_eq!(tenant.writes().await, ["+Patch", "+Put", "+Delete"]);
    });
}

#[test]
fn a_tenant_that_adopts_never_leaves_even_the_very_same_key_to_whose_it_is() {
    scenario("never", async |tenant| {
        adopts(&tenant, "Never").await;
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
fn a_tenant_that_replaces_puts_its_key_over_anybodys_but_a_siblings() {
    scenario("replace", async |tenant| {
        tenant.fill_slot(&tenant.make_key().await, Some(elsewhere())).await;
        let key = tenant.make_key().await;
        tenant.write_secret("pasted", &key).await;
        tenant.apply_for_secret("calm", "pasted").await;
        tenant.await_ready("calm", "False", "SlotOccupied").await;

        adopts(&tenant, "Replace").await;

        tenant.await_ready("calm", "True", "Uploaded").await;
        assert_eq!(tenant.slot_key().await, key);
        tenant.write_secret("other", &tenant.make_key().await).await;
        tenant.apply_for_secret("second", "other").await;
        tenant.await_ready("second", "False", "NotSlotOwner").await;
        assert_eq!(tenant.writes().await, ["+Put"]);
    });
}

/// Another cluster puts its key over ours, and we notice.
async fn overwritten(tenant: &Tenant<'_>) -> (Value, Value) {
    adopts(tenant, "Replace").await;
    let (ours, theirs) = (tenant.make_key().await, tenant.make_key().await);
    tenant.write_secret("pasted", &ours).await;
    tenant.apply("calm", json!({ "source": { "secretRef": { "name": "pasted" } }, "interval": "10s" })).await;
    tenant.await_ready("calm", "True", "Uploaded").await;
    tenant.fill_slot(&theirs, Some(elsewhere())).await;
    tenant.await_ready("calm", "False", "SlotOverwritten").await;
    assert_eq!(tenant.slot_key().await, theirs);
    assert_eq!(tenant.writes().await, ["+Put"], "two clusters that replace do not fight");
    (ours, theirs)
}

// proves: field ALMServiceKey status.overwritten.generation
// proves: reason SlotOverwritten, field ALMServiceKey status.overwritten.fingerprint, annotation almkey.dev/reconcile-requested-at
#[test]
fn a_key_that_was_overwritten_is_put_again_when_a_person_asks() {
    scenario("overwritten", async |tenant| {
        let (ours, _) = overwritten(&tenant).await;
        let object = tenant.keys().get("calm").await.expect("it is there");
        let noted = object.status.and_then(|status| status.overwritten).expect("it is noted");
        assert_eq!(Some(noted.generation), object.metadata.generation);
        assert_eq!(noted.fingerprint, tenant.fingerprint(&ours));

        tenant.reconcile_now("calm", "again").await;

        tenant.await_ready("calm", "True", "Uploaded").await;
        assert_eq!(tenant.slot_key().await, ours);
        assert_eq!(tenant.writes().await, ["+Put", "+Put"]);
    });
}

#[test]
fn a_key_that_was_overwritten_is_put_again_when_the_spec_changes() {
    scenario("overwritten-spec", async |tenant| {
        let (ours, _) = overwritten(&tenant).await;

        tenant.patch("calm", json!({ "spec": { "interval": "20s" } })).await;

        tenant.await_ready("calm", "True", "Uploaded").await;
        assert_eq!(tenant.slot_key().await, ours);
    });
}

#[test]
fn a_new_key_replaces_the_one_that_overwrote_the_old() {
    scenario("overwritten-key", async |tenant| {
        overwritten(&tenant).await;

        let new = tenant.make_key().await;
        tenant.write_secret("pasted", &new).await;

        tenant.await_ready("calm", "True", "Uploaded").await;
        assert_eq!(tenant.slot_key().await, new);
        tenant.delete("calm").await;
        assert_eq!(tenant.slot_key().await, Value::Null);
    });
}

#[test]
fn a_slot_that_somebody_emptied_is_filled_again() {
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
fn a_slot_that_was_touched_without_a_change_is_not_written_again() {
    scenario("restamped", async |tenant| {
        tenant.write_secret("pasted", &tenant.make_key().await).await;
        tenant.apply_for_secret("calm", "pasted").await;
        tenant.await_ready("calm", "True", "Uploaded").await;
        tenant.bump_slot_revision().await;

        let object = tenant.reconcile_now("calm", "now").await;

        let revision = tenant.slot().await["revision"].clone();
        assert_eq!(object.status.and_then(|status| status.uploaded).map(|it| it.revision.into()), Some(revision));
        assert_eq!(tenant.writes().await, ["+Put"]);
        tenant.delete("calm").await;
        assert_eq!(tenant.slot_key().await, Value::Null);
    });
}
