//! Keys that die in BTP while their source still exists.

use serde_json::{Value, json};

use crate::scenarios::scenario;
use testkit::bed::Tenant;
use testkit::bed::key::condition;

/// Uploads the key of a binding with this `deadKey` in the spec, and returns it.
async fn upload_with(tenant: &Tenant<'_>, dead_key: Value) -> Value {
    let key = tenant.make_key().await;
    tenant.bind("plain", &key).await;
    let spec = json!({
        "source": { "serviceBindingRef": { "name": "plain" } }, "interval": "10s", "deadKey": dead_key,
    });
    tenant.apply("calm", spec).await;
    tenant.await_ready("calm", "True", "Uploaded").await;
    key
}

// proves: field ALMServiceKey spec.deadKey.after, reason DeadKeyRemoved, reason CredentialsRefused
#[test]
fn a_key_revoked_in_the_cockpit_is_deleted_and_uploaded_again_when_it_revives() {
    scenario("cockpit", async |tenant| {
        let key = upload_with(&tenant, json!({ "after": "10s" })).await;

        tenant.revoke(&key).await;
        let object = tenant
            .await_key("calm", "removed", |object| {
                condition(object, "Uploaded") == ("False".into(), "DeadKeyRemoved".into())
            })
            .await;
        assert_eq!(condition(&object, "Ready"), ("False".into(), "CredentialsRefused".into()));
        assert_eq!(condition(&object, "Stalled").0, "True");
        assert_eq!(tenant.slot_key().await, Value::Null);
        assert_eq!(tenant.writes().await, ["+Put", "+Delete"]);
        let refused = tenant.calls(&["SignIn"]).await.iter().filter(|call| call["status"] == 401).count();
        assert_eq!(refused, 4, "four probes prove it dead");

        tenant.restore(&key).await;
        tenant.mark_binding_lost("plain").await;
        tenant.await_ready("calm", "True", "Uploaded").await;
        assert_eq!(tenant.slot_key().await, key);
    });
}

// proves: field ALMServiceKey spec.deadKey.action
#[test]
fn dead_key_action_report_leaves_a_dead_key_in_the_slot() {
    scenario("report", async |tenant| {
        let key = upload_with(&tenant, json!({ "after": "10s", "action": "Report" })).await;

        tenant.revoke(&key).await;
        tenant.await_ready("calm", "False", "CredentialsRefused").await;
        let mut refused = 0;
        for _ in 0..4 {
            let call = tenant
                .await_call("a refused sign-in", |call| {
                    call["kind"] == "SignIn" && call["status"] == 401 && call["seq"].as_u64() > Some(refused)
                })
                .await;
            refused = call["seq"].as_u64().expect("a number");
        }
        tenant
            .await_call("the read of the slot after the fourth refusal", |call| {
                call["kind"] == "ReadContent" && call["seq"].as_u64() > Some(refused)
            })
            .await;

        assert_eq!(tenant.slot_key().await, key);
        assert_eq!(tenant.writes().await, ["+Put"]);
    });
}

#[test]
fn a_key_that_is_refused_only_for_a_while_is_not_dead() {
    scenario("blip", async |tenant| {
        let key = upload_with(&tenant, json!({ "after": "10s" })).await;

        tenant.revoke(&key).await;
        tenant.await_ready("calm", "False", "CredentialsRefused").await;
        tenant.restore(&key).await;
        tenant.await_ready("calm", "True", "Uploaded").await;

        assert_eq!(tenant.slot_key().await, key);
        assert_eq!(tenant.writes().await, ["+Put"]);
    });
}
