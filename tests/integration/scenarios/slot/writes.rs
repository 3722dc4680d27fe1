//! Writes to the slot whose answer is lost, late, or a refusal.

use serde_json::{Value, json};

use crate::scenarios::scenario;

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
fn an_upload_in_flight_when_its_object_is_deleted_has_no_effect() {
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
fn a_lost_ledger_neither_uploads_twice_nor_loses_the_key() {
    scenario("lost-ledger", async |tenant| {
        tenant.write_secret("pasted", &tenant.make_key().await).await;
        tenant.apply_for_secret("calm", "pasted").await;
        tenant.await_ready("calm", "True", "Uploaded").await;

        // The state of a backup restored without its status: a new generation, and no ledger.
        let clear =
            json!({ "status": { "observedGeneration": -1, "conditions": null, "source": null, "uploaded": null } });
        let (params, patch) = (kube::api::PatchParams::default(), kube::api::Patch::Merge(&clear));
        tenant.keys().patch_status("calm", &params, &patch).await.expect("an admin can write the status");
        tenant.patch("calm", json!({ "spec": { "interval": "20m" } })).await;
        let object = tenant.await_ready("calm", "True", "Uploaded").await;
        assert!(object.status.expect("a status").uploaded.is_some(), "the ledger is rebuilt from the slot");
        assert_eq!(tenant.writes().await, ["+Put"]);

        tenant.delete("calm").await;
        assert_eq!(tenant.slot_key().await, Value::Null);
    });
}

#[test]
fn an_expired_access_token_is_replaced_within_the_same_reconciliation() {
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
fn a_rejected_upload_is_reported_with_code_and_field() {
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
