//! Settings and other objects: Observe, suspend, Retain, adoption, two keys for one tenant, manual to http.

use alm_key_operator::api::action::ActionOperation::{Replace, Upload};
use alm_key_operator::api::slot::SlotState;
use serde_json::{Value, json};

use super::{act, await_action, confirm, in_manual_mode, manual};
use crate::scenarios::{RUNTIME, shared};
use testkit::bed::Tenant;
use testkit::bed::key::condition;

/// Uploads a key from the Secret `pasted` for the object `calm`, with the help of a person.
async fn upload(tenant: &Tenant<'_>, mut spec: Value) -> Value {
    let key = tenant.make_key().await;
    tenant.write_secret("pasted", &key).await;
    spec["source"] = json!({ "secretRef": { "name": "pasted" } });
    tenant.apply("calm", spec).await;
    await_action(tenant, "calm", Upload, &key).await;
    act(tenant, "calm", &key).await;
    tenant.await_ready("calm", "True", "Uploaded").await;
    key
}

// proves: field ALMTenant status.slot.adopted
#[test]
fn the_key_that_sap_put_there_is_adopted_and_outlives_its_object() {
    manual("manual-adoption", async |tenant| {
        let key = tenant.make_key().await;
        tenant.fill_slot(&key, None).await;
        tenant.write_secret("pasted", &key).await;
        tenant.apply_for_secret("calm", "pasted").await;
        await_action(&tenant, "calm", Upload, &key).await;

        let (_, result) = confirm(&tenant, "calm", json!({ "holds": tenant.fingerprint(&key) })).await;
        assert_eq!(result, Ok(()));
        let object = tenant.await_ready("calm", "True", "Uploaded").await;
        let status = object.status.expect("a status");
        assert_eq!(json!(status.uploaded)["origin"], "Adopted");
        let slot = tenant.tenant_object().await.status.and_then(|status| status.slot).expect("a record");
        assert_eq!(slot.adopted, Some(true));

        tenant.delete("calm").await;
        let status = tenant.tenant_object().await.status.expect("a status");
        assert_eq!(status.slot.map(|slot| slot.state), Some(SlotState::Foreign));
        assert!(status.pending_removals.is_empty(), "an adopted key that signs in is nobody's again");
    });
}

#[test]
fn deletion_policy_retain_asks_nobody_to_delete_the_key() {
    manual("manual-retain", async |tenant| {
        upload(&tenant, json!({ "deletionPolicy": "Retain" })).await;
        tenant.delete("calm").await;
        let status = tenant.tenant_object().await.status.expect("a status");
        assert_eq!(status.slot.map(|slot| slot.state), Some(SlotState::Foreign));
        assert!(status.pending_removals.is_empty());
    });
}

#[test]
fn an_observed_object_asks_for_nothing() {
    manual("manual-observe", async |tenant| {
        let key = tenant.make_key().await;
        tenant.write_secret("pasted", &key).await;
        tenant.apply("calm", json!({ "source": { "secretRef": { "name": "pasted" } }, "mode": "Observe" })).await;
        let object = tenant.await_ready("calm", "True", "WouldChange").await;
        assert!(object.status.expect("a status").action.is_none());
        tenant.patch("calm", json!({ "spec": { "mode": "Enforce" } })).await;
        await_action(&tenant, "calm", Upload, &key).await;
    });
}

#[test]
fn a_suspended_object_withdraws_its_request_and_makes_another_one_later() {
    manual("manual-suspend", async |tenant| {
        let key = tenant.make_key().await;
        tenant.write_secret("pasted", &key).await;
        tenant.apply_for_secret("calm", "pasted").await;
        let before = super::action(&await_action(&tenant, "calm", Upload, &key).await);
        tenant.patch("calm", json!({ "spec": { "suspend": true } })).await;
        let object = tenant.await_key("calm", "suspended", |object| condition(object, "Ready").1 == "Suspended").await;
        assert!(object.status.expect("a status").action.is_none());
        tenant.patch("calm", json!({ "spec": { "suspend": false } })).await;
        let after = super::action(&await_action(&tenant, "calm", Upload, &key).await);
        assert_ne!(before.id, after.id, "an ID is never used again");
    });
}

#[test]
fn the_second_of_two_keys_asks_for_nothing_while_the_first_has_the_slot() {
    manual("manual-siblings", async |tenant| {
        upload(&tenant, json!({})).await;
        let other = tenant.make_key().await;
        tenant.write_secret("other", &other).await;
        tenant.apply_for_secret("later", "other").await;
        let object = tenant.await_ready("later", "False", "NotSlotOwner").await;
        assert!(object.status.expect("a status").action.is_none());

        tenant.delete("calm").await;
        await_action(&tenant, "later", Replace, &other).await;
    });
}

#[test]
fn adoption_policy_replace_asks_a_person_to_replace_a_foreign_key() {
    manual("manual-replace", async |tenant| {
        tenant.patch_tenant(json!({ "spec": { "adoptionPolicy": "Replace" } })).await;
        let (key, foreign) = (tenant.make_key().await, tenant.make_key().await);
        tenant.fill_slot(&foreign, None).await;
        tenant.write_secret("pasted", &key).await;
        tenant.apply_for_secret("calm", "pasted").await;
        await_action(&tenant, "calm", Upload, &key).await;
        let (_, result) = confirm(&tenant, "calm", json!({ "holds": tenant.fingerprint(&foreign) })).await;
        assert_eq!(result, Ok(()));
        await_action(&tenant, "calm", Replace, &key).await;
        act(&tenant, "calm", &key).await;
        tenant.await_ready("calm", "True", "Uploaded").await;
    });
}

#[test]
fn a_change_of_white_space_in_the_source_asks_for_nothing() {
    manual("manual-white-space", async |tenant| {
        let key = upload(&tenant, json!({})).await;
        let mut with_field = key.clone();
        with_field["uaa"]["zoneid"] = json!("another-value-that-no-managed-system-uses");
        tenant.write_secret("pasted", &with_field).await;
        let object = tenant.reconcile_now("calm", "after the change").await;
        assert_eq!(condition(&object, "Ready"), ("True".into(), "Uploaded".into()));
        assert!(object.status.expect("a status").action.is_none());
    });
}

// proves: cel ALMTenant "http cannot be changed to manual: create another ALMTenant"
#[test]
fn a_tenant_in_manual_mode_can_be_given_an_endpoint_but_not_the_reverse() {
    RUNTIME.block_on(async {
        let bed = shared().await;
        let tenant = Tenant::create_with(bed, "manual-to-http", bed.client.clone(), in_manual_mode).await;
        let key = upload(&tenant, json!({})).await;

        let endpoint = tenant.endpoint().await;
        tenant.patch_tenant(json!({ "spec": { "landscapeManagement": { "http": endpoint, "manual": null } } })).await;
        let object = tenant.await_key("calm", "adopted", |object| condition(object, "Uploaded").1 == "Uploaded").await;
        assert_eq!(json!(object.status.expect("a status").uploaded)["origin"], "Adopted");
        assert_eq!(tenant.slot_key().await, key);

        let refused =
            tenant.try_patch_tenant(json!({ "spec": { "landscapeManagement": { "http": null, "manual": {} } } }));
        let error = refused.await.expect_err("http stays");
        assert!(error.to_string().contains("http cannot be changed to manual"), "{error}");
    });
}
