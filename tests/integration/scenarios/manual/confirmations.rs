//! Confirmations: right and wrong, late, and by those who must not.

use alm_key_operator::api::action::ActionOperation::{Replace, Upload};
use serde_json::json;

use super::{act, action, await_action, confirm, in_manual_mode, manual};
use crate::scenarios::alone;
use testkit::bed::{Setup, Tenant};

// proves: annotation almkey.dev/confirmation, field ALMServiceKey status.lastConfirmation.digest
// proves: field ALMServiceKey status.lastConfirmation.confirmedBy
// proves: field ALMServiceKey status.lastConfirmation.result, field ALMServiceKey status.lastConfirmation.message
#[test]
fn an_id_that_is_not_current_confirms_nothing() {
    manual("manual-superseded", async |tenant| {
        let (first, second) = (tenant.make_key().await, tenant.make_key().await);
        tenant.write_secret("pasted", &first).await;
        tenant.apply_for_secret("calm", "pasted").await;
        let outdated = action(&await_action(&tenant, "calm", Upload, &first).await).id;
        tenant.write_secret("pasted", &second).await;
        let object = await_action(&tenant, "calm", Upload, &second).await;
        let current = action(&object).id;
        assert_ne!(outdated, current);

        for id in [outdated.as_str(), "never-drawn", ""] {
            let (object, result) = confirm(&tenant, "calm", json!({ "done": id })).await;
            let message = result.expect_err("not the current ID");
            assert!(message.starts_with("the ID is not that of the current action"), "{message}");
            assert_eq!(action(&object).id, current, "the action stands");
        }
        // The person acted on the outdated steps, and says what the app holds now.
        tenant.fill_slot(&first, None).await;
        let statement = json!({ "doneWith": tenant.fingerprint(&first), "by": "anna\u{1b}[2J" });
        let (object, result) = confirm(&tenant, "calm", statement).await;
        assert_eq!(result, Ok(()));
        let by = object.status.and_then(|status| status.last_confirmation?.confirmed_by);
        assert_eq!(by.as_deref(), Some("anna\u{fffd}[2J"), "a name cannot control a terminal");
        await_action(&tenant, "calm", Replace, &second).await;
        act(&tenant, "calm", &second).await;
        tenant.await_ready("calm", "True", "Uploaded").await;
    });
}

#[test]
fn what_is_no_confirmation_is_answered_and_changes_nothing() {
    manual("manual-malformed", async |tenant| {
        let key = tenant.make_key().await;
        tenant.write_secret("pasted", &key).await;
        tenant.apply_for_secret("calm", "pasted").await;
        let asked = action(&await_action(&tenant, "calm", Upload, &key).await);
        for statement in [json!({}), json!({ "done": asked.id, "holds": "2:0" }), json!({ "other": 1 })] {
            let (object, result) = confirm(&tenant, "calm", statement).await;
            assert!(result.expect_err("no confirmation").starts_with("the value is no confirmation"));
            assert_eq!(action(&object), asked);
        }
    });
}

#[test]
fn a_key_that_is_not_the_requested_one_is_occupying_the_slot() {
    manual("manual-wrong-key", async |tenant| {
        let (key, other) = (tenant.make_key().await, tenant.make_key().await);
        tenant.write_secret("pasted", &key).await;
        tenant.apply_for_secret("calm", "pasted").await;
        await_action(&tenant, "calm", Upload, &key).await;

        tenant.fill_slot(&other, None).await;
        let (_, result) = confirm(&tenant, "calm", json!({ "doneWith": tenant.fingerprint(&other) })).await;
        assert_eq!(result, Ok(()));
        let object = tenant.await_ready("calm", "False", "SlotOccupied").await;
        assert!(object.status.expect("a status").action.is_none());
    });
}

#[test]
fn a_request_outlives_the_operator_that_made_it() {
    alone(Setup::default(), async |mut bed| {
        let client = bed.client.clone();
        let name = "manual-restart";
        let (asked, key) = {
            let tenant = Tenant::create_with(&bed, name, client.clone(), in_manual_mode).await;
            let key = tenant.make_key().await;
            tenant.write_secret("pasted", &key).await;
            tenant.apply_for_secret("calm", "pasted").await;
            (action(&await_action(&tenant, "calm", Upload, &key).await), key)
        };
        bed.operator.take().expect("the operator runs").kill();
        bed.start_operator("operator-again");
        let tenant = Tenant::existing(&bed, name, client);
        assert_eq!(action(&tenant.reconcile_now("calm", "after the restart").await), asked);
        act(&tenant, "calm", &key).await;
        tenant.await_ready("calm", "True", "Uploaded").await;
    });
}

#[test]
fn a_confirmation_for_an_object_without_a_tenant_is_answered() {
    manual("manual-no-tenant", async |tenant| {
        let tenant = Tenant { name: "missing".into(), ..tenant };
        tenant.apply_for_secret("calm", "pasted").await;
        let (_, result) = confirm(&tenant, "calm", json!({ "holdsNothing": true })).await;
        assert_eq!(result.expect_err("no record"), "ALMTenant \"missing\" does not exist");
    });
}
