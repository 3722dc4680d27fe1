//! The operator is killed, stopped, or away while something happens. Each test has a bed of its own.

use kube::api::DeleteParams;
use serde_json::{Value, json};

use crate::scenarios::alone;
use testkit::bed::{Setup, Tenant};

// proves: reason RemovalPending, reason SourceGone
#[test]
fn changes_during_a_downtime_are_made_up_for_after_the_restart() {
    alone(Setup::default(), async |mut bed| {
        let client = bed.client.clone();
        let (kept, gone, rotated) = {
            let tenant = Tenant::create(&bed, "kept", client.clone()).await;
            let kept = tenant.make_key().await;
            tenant.bind("plain", &kept).await;
            tenant.apply_for_binding("calm", "plain").await;
            tenant.await_ready("calm", "True", "Uploaded").await;
            let tenant = Tenant::create(&bed, "gone", client.clone()).await;
            let gone = tenant.make_key().await;
            tenant.bind("plain", &gone).await;
            tenant.apply_for_binding("calm", "plain").await;
            tenant.await_ready("calm", "True", "Uploaded").await;
            let tenant = Tenant::create(&bed, "rotated", client.clone()).await;
            let rotated = tenant.make_key().await;
            tenant.bind("plain", &rotated).await;
            tenant.apply_for_binding("calm", "plain").await;
            tenant.await_ready("calm", "True", "Uploaded").await;
            (kept, gone, rotated)
        };
        bed.operator.take().expect("the operator runs").kill();

        let tenant = |name: &str| Tenant::existing(&bed, name, client.clone());
        tenant("gone").unbind("plain", &gone).await;
        let new = tenant("rotated").make_key().await;
        tenant("rotated").rotate_binding("plain", &new).await;
        tenant("rotated").revoke(&rotated).await;
        // This binding is deleted unobserved and its key still signs in, so an absence alone deletes nothing yet.
        tenant("kept").bindings().delete("plain", &DeleteParams::default()).await.expect("the object is deleted");
        tenant("kept").delete_secret("plain").await;
        tenant("kept").remove_binding_finalizer("plain").await;
        bed.start_operator("operator-again");

        let tenant = |name: &str| Tenant::existing(&bed, name, client.clone());
        tenant("gone").await_ready("calm", "False", "SourceGone").await;
        assert_eq!(tenant("gone").slot_key().await, Value::Null);
        tenant("rotated").await_uploaded("calm", &new).await;
        assert_eq!(tenant("rotated").slot_key().await, new);
        assert_eq!(tenant("rotated").writes().await, ["+Put", "+Put"]);
        tenant("kept").await_ready("calm", "Unknown", "RemovalPending").await;
        assert_eq!(tenant("kept").slot_key().await, kept);
    });
}

#[test]
fn an_operator_killed_during_an_upload_does_not_repeat_it() {
    alone(Setup::default(), async |mut bed| {
        let client = bed.client.clone();
        {
            let tenant = Tenant::create(&bed, "crash", client.clone()).await;
            tenant.fail_once("Put", json!({ "hold": true })).await;
            tenant.write_secret("pasted", &tenant.make_key().await).await;
            tenant.apply_for_secret("calm", "pasted").await;
            tenant.await_held().await;
        }
        bed.operator.take().expect("the operator runs").kill();
        {
            let tenant = Tenant::existing(&bed, "crash", client.clone());
            tenant.release_held_calls().await;
            tenant.await_call("the upload", |call| call["kind"] == "Put" && call["effect"] == true).await;
        }
        bed.start_operator("operator-again");

        let tenant = Tenant::existing(&bed, "crash", client);
        tenant.await_ready("calm", "True", "Uploaded").await;
        assert_eq!(tenant.writes().await, ["+Put"]);
    });
}

#[test]
fn a_restart_of_the_api_server_loses_no_key_and_no_rotation() {
    alone(Setup::default(), async |mut bed| {
        let client = bed.client.clone();
        let (old, new) = {
            let tenant = Tenant::create(&bed, "restart", client.clone()).await;
            let (old, new) = (tenant.make_key().await, tenant.make_key().await);
            tenant.bind("plain", &old).await;
            tenant.apply_for_binding("calm", "plain").await;
            tenant.await_ready("calm", "True", "Uploaded").await;
            (old, new)
        };

        bed.control_plane.restart_api_server().await.expect("the API server restarts");

        let tenant = Tenant::existing(&bed, "restart", client);
        assert_eq!(tenant.slot_key().await, old);
        tenant.rotate_binding("plain", &new).await;
        tenant
            .await_call("the second upload", |call| call["kind"] == "Put" && call["clientid"] == new["uaa"]["clientid"])
            .await;
        assert_eq!(tenant.slot_key().await, new);
        assert_eq!(tenant.writes().await, ["+Put", "+Put"]);
    });
}

// proves: command operator
#[test]
fn a_stopping_operator_exits_with_success_and_leaves_keys_in_their_slots() {
    alone(Setup::default(), async |mut bed| {
        let client = bed.client.clone();
        let key = {
            let tenant = Tenant::create(&bed, "stop", client.clone()).await;
            let key = tenant.make_key().await;
            tenant.write_secret("pasted", &key).await;
            tenant.apply_for_secret("calm", "pasted").await;
            tenant.await_ready("calm", "True", "Uploaded").await;
            key
        };

        assert!(bed.operator.take().expect("the operator runs").stop(), "it exits with success");

        let tenant = Tenant::existing(&bed, "stop", client);
        assert_eq!(tenant.slot_key().await, key);
        assert_eq!(tenant.writes().await, ["+Put"]);
    });
}
