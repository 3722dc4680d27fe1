//! The key of a deleted object, which a person is asked to delete. The deletion of the object never waits for that person.

use alm_key_operator::api::action::ActionOperation::{Replace, Upload};
use alm_key_operator::api::slot::{PendingRemoval, SlotState};
use serde_json::json;

use super::{act, await_action, manual};
use testkit::bed::Tenant;
use testkit::bed::manual::{confirm_for_tenant, removal};

/// Uploads a key for the object `calm` with the help of a person, deletes the object, and returns the key and the removal.
async fn delete_object(tenant: &Tenant<'_>) -> (serde_json::Value, PendingRemoval) {
    let key = tenant.make_key().await;
    tenant.write_secret("pasted", &key).await;
    tenant.apply_for_secret("calm", "pasted").await;
    await_action(tenant, "calm", Upload, &key).await;
    act(tenant, "calm", &key).await;
    tenant.await_ready("calm", "True", "Uploaded").await;
    tenant.delete("calm").await;
    (key, removal(&tenant.tenant_object().await).expect("a removal"))
}

/// Confirms a removal for the tenant. Returns true if that was recorded.
async fn confirm_removal(tenant: &Tenant<'_>, id: &str) -> bool {
    let (object, result) = confirm_for_tenant(tenant, json!({ "done": id, "by": "admin" })).await;
    let last = object.status.and_then(|status| status.last_confirmation).expect("a result");
    assert_eq!(last.confirmed_by.as_deref(), Some("admin"));
    assert_eq!(last.message.starts_with("the record"), result.is_ok());
    result.is_ok()
}

// proves: field ALMTenant status.pendingRemovals, reason ManualMode
// proves: field ALMTenant status.lastConfirmation.digest, field ALMTenant status.lastConfirmation.result
// proves: field ALMTenant status.lastConfirmation.message, field ALMTenant status.lastConfirmation.confirmedBy
#[test]
fn a_deleted_object_goes_at_once_and_leaves_a_request_to_the_admin() {
    manual("manual-removal", async |tenant| {
        let (key, removal) = delete_object(&tenant).await;
        assert_eq!(removal.fingerprints, [tenant.fingerprint(&key)]);
        assert_eq!((removal.key_ref.namespace.as_str(), removal.key_ref.name.as_str()), ("manual-removal", "calm"));
        assert!(removal.steps.last().expect("steps").contains("almkey done --tenant manual-removal"));
        assert_eq!(tenant.slot_key().await, key, "the person has not acted yet");
        tenant.await_tenant(&tenant.name, "Unknown", "ActionRequired").await;

        assert!(!confirm_removal(&tenant, "another-id").await);
        tenant.empty_slot().await;
        assert!(confirm_removal(&tenant, &removal.id).await);
        let object = tenant.await_tenant(&tenant.name, "True", "ManualMode").await;
        let status = object.status.expect("a status");
        assert_eq!(status.slot.map(|slot| slot.state), Some(SlotState::Empty));
        assert!(status.pending_removals.is_empty());
    });
}

#[test]
fn a_confirmed_upload_of_another_object_ends_the_removal() {
    manual("manual-removal-ends", async |tenant| {
        let (_, removed) = delete_object(&tenant).await;
        let next = tenant.make_key().await;
        tenant.write_secret("next", &next).await;
        tenant.apply_for_secret("next", "next").await;
        await_action(&tenant, "next", Replace, &next).await;
        act(&tenant, "next", &next).await;
        tenant.await_ready("next", "True", "Uploaded").await;
        assert_eq!(removal(&tenant.tenant_object().await), None);
        assert!(!confirm_removal(&tenant, &removed.id).await, "the old steps would delete a living key");
        let object = tenant.reconcile_now("next", "still there").await;
        assert!(object.status.expect("a status").uploaded.is_some());
    });
}

#[test]
fn a_requested_upload_of_a_deleted_object_becomes_a_removal() {
    manual("manual-unconfirmed", async |tenant| {
        let key = tenant.make_key().await;
        tenant.write_secret("pasted", &key).await;
        tenant.apply_for_secret("calm", "pasted").await;
        await_action(&tenant, "calm", Upload, &key).await;
        tenant.delete("calm").await;
        let removal = removal(&tenant.tenant_object().await).expect("the person may have uploaded the key");
        assert_eq!(removal.fingerprints, [tenant.fingerprint(&key)]);
    });
}

#[test]
fn a_tenant_that_is_deleted_waits_for_nobody_and_says_what_may_be_left() {
    manual("manual-removal-lost", async |tenant| {
        delete_object(&tenant).await;
        tenant.await_tenant(&tenant.name, "Unknown", "ActionRequired").await;
        tenant.begin_tenant_deletion().await;
        tenant.await_tenant_gone(&tenant.name).await;
        // Events about objects without a namespace are in this one.
        let elsewhere = Tenant { namespace: "default".into(), ..tenant };
        let event = elsewhere.await_event("manual-removal-lost", "KeyAbandoned").await;
        assert!(event.note.unwrap_or_default().contains("ALMServiceKey manual-removal-lost/calm"));
    });
}
