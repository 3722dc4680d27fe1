//! What the slot already holds, and writes that go wrong.

use serde_json::{Value, json};

use super::scenario;
use testkit::bed::key::condition;

#[test]
fn a_key_that_somebody_else_put_there_is_never_replaced_and_never_deleted() {
    scenario("foreign", async |tenant| {
        let theirs = tenant.make_key().await;
        tenant.fill_slot(&theirs, None).await;
        tenant.write_secret("pasted", &tenant.make_key().await).await;
        tenant.apply_for_secret("calm", "pasted").await;

        let object = tenant.await_ready("calm", "False", "SlotOccupied").await;
        assert_eq!(condition(&object, "Stalled").0, "True");
        tenant.delete("calm").await;

        assert_eq!(tenant.slot_key().await, theirs);
        assert!(tenant.writes().await.is_empty());
    });
}

#[test]
fn the_key_of_another_cluster_is_never_touched() {
    scenario("other-cluster", async |tenant| {
        let theirs = tenant.make_key().await;
        let owner = json!({ "clusterID": "elsewhere", "namespace": "other-cluster", "name": "calm" });
        tenant.fill_slot(&theirs, Some(owner)).await;
        tenant.write_secret("pasted", &tenant.make_key().await).await;
        tenant.apply_for_secret("calm", "pasted").await;

        tenant.await_ready("calm", "False", "SlotOccupied").await;
        tenant.delete("calm").await;

        assert_eq!(tenant.slot_key().await, theirs);
        assert!(tenant.writes().await.is_empty());
    });
}

#[test]
fn the_second_key_of_a_tenant_does_not_take_the_slot_from_the_first() {
    scenario("siblings", async |tenant| {
        let (first, second) = (tenant.make_key().await, tenant.make_key().await);
        tenant.write_secret("first", &first).await;
        tenant.write_secret("second", &second).await;
        tenant.apply_for_secret("first", "first").await;
        tenant.await_ready("first", "True", "Uploaded").await;
        tenant.apply_for_secret("second", "second").await;

        tenant.await_ready("second", "False", "NotSlotOwner").await;
        tenant.delete("second").await;

        assert_eq!(tenant.slot_key().await, first);
        assert_eq!(tenant.writes().await, ["+Put"]);
    });
}

#[test]
fn an_upload_whose_answer_is_lost_is_not_repeated() {
    scenario("lost-answer", async |tenant| {
        tenant.fail_once("Put", json!({ "swallow": true })).await;
        tenant.write_secret("pasted", &tenant.make_key().await).await;
        tenant.apply_for_secret("calm", "pasted").await;

        tenant.await_ready("calm", "True", "Uploaded").await;

        assert_eq!(tenant.writes().await, ["+Put"]);
    });
}

#[test]
fn an_upload_that_is_still_under_way_when_the_object_goes_has_no_effect_any_more() {
    scenario("late-write", async |tenant| {
        tenant.fail_once("Put", json!({ "hold": true })).await;
        tenant.write_secret("pasted", &tenant.make_key().await).await;
        tenant.apply_for_secret("calm", "pasted").await;
        tenant.await_held().await;

        tenant.delete("calm").await;
        tenant.release_held_calls().await;
        tenant.await_call("the late upload", |call| call["kind"] == "Put" && call["status"] == 412).await;

        assert_eq!(tenant.slot_key().await, Value::Null);
    });
}

#[test]
fn a_slot_that_is_filled_between_the_look_and_the_write_is_left_to_who_filled_it() {
    scenario("race", async |tenant| {
        tenant.fail_once("Put", json!({ "hold": true })).await;
        tenant.write_secret("pasted", &tenant.make_key().await).await;
        tenant.apply_for_secret("calm", "pasted").await;
        tenant.await_held().await;
        let theirs = tenant.make_key().await;
        tenant.fill_slot(&theirs, None).await;
        tenant.release_held_calls().await;

        tenant.await_ready("calm", "False", "SlotOccupied").await;

        assert_eq!(tenant.slot_key().await, theirs);
    });
}

#[test]
fn a_lost_ledger_neither_uploads_twice_nor_loses_the_key() {
    scenario("lost-ledger", async |tenant| {
        tenant.write_secret("pasted", &tenant.make_key().await).await;
        tenant.apply_for_secret("calm", "pasted").await;
        tenant.await_ready("calm", "True", "Uploaded").await;

        // As a restored backup without its status would be: another generation, and nothing remembered.
        let clear =
            json!({ "status": { "observedGeneration": -1, "conditions": null, "source": null, "uploaded": null } });
        let (params, patch) = (kube::api::PatchParams::default(), kube::api::Patch::Merge(&clear));
        tenant.keys().patch_status("calm", &params, &patch).await.expect("an admin can write the status");
        tenant.patch("calm", json!({ "spec": { "interval": "20m" } })).await;
        let object = tenant.await_ready("calm", "True", "Uploaded").await;
        assert!(object.status.expect("a status").uploaded.is_some(), "the ledger is found again");
        assert_eq!(tenant.writes().await, ["+Put"]);

        tenant.delete("calm").await;
        assert_eq!(tenant.slot_key().await, Value::Null);
    });
}

#[test]
fn an_expired_access_token_is_fetched_anew_without_anybody_noticing() {
    scenario("token", async |tenant| {
        let (old, new) = (tenant.make_key().await, tenant.make_key().await);
        tenant.write_secret("pasted", &old).await;
        tenant.apply_for_secret("calm", "pasted").await;
        tenant.await_ready("calm", "True", "Uploaded").await;
        tenant.bed.simulator.expire_tokens(&tenant.name).await;

        tenant.write_secret("pasted", &new).await;
        tenant
            .await_call("the second upload", |call| {
                call["kind"] == "Put"
                    && call["effect"] == true
                    && call["body"]["key"]["uaa"]["clientid"] == new["uaa"]["clientid"]
            })
            .await;

        assert_eq!(tenant.slot_key().await, new);
    });
}

// proves: reason UploadRejected
#[test]
fn an_upload_that_landscape_management_rejects_is_said_with_its_field() {
    scenario("rejected", async |tenant| {
        let body = r#"{"code":"InvalidKey","message":"CANARY","field":"$.uaa.clientid"}"#;
        tenant.fail("Put", json!({ "status": 422, "body": body, "contentType": "application/json" })).await;
        tenant.write_secret("pasted", &tenant.make_key().await).await;
        tenant.apply_for_secret("calm", "pasted").await;

        let object = tenant.await_ready("calm", "False", "UploadRejected").await;

        let message = testkit::bed::key::message(&object, "Ready");
        assert!(message.contains("InvalidKey") && message.contains("$.uaa.clientid"), "{message}");
        assert!(!message.contains("CANARY"), "{message}");
    });
}
