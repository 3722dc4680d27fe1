//! False confirmations of what the slot holds in manual mode.

use alm_key_operator::api::action::ActionOperation::Upload;
use serde_json::json;

use crate::scenarios::manual::{act, await_action, confirm, manual};
use testkit::bed::key::condition;

#[test]
fn an_object_cannot_confirm_what_the_slot_holds_of_another_object() {
    manual("manual-of-another", async |tenant| {
        let (key, other) = (tenant.make_key().await, tenant.make_key().await);
        tenant.write_secret("pasted", &key).await;
        tenant.write_secret("other", &other).await;
        tenant.apply_for_secret("calm", "pasted").await;
        await_action(&tenant, "calm", Upload, &key).await;
        act(&tenant, "calm", &key).await;
        tenant.await_ready("calm", "True", "Uploaded").await;

        tenant.apply_for_secret("later", "other").await;
        tenant.await_ready("later", "False", "NotSlotOwner").await;
        let (_, result) = confirm(&tenant, "later", json!({ "holds": tenant.fingerprint(&other) })).await;
        assert!(result.expect_err("another object's slot").starts_with("the slot holds the key of another"));
        let object = tenant.reconcile_now("calm", "still mine").await;
        assert_eq!(condition(&object, "Ready"), ("True".into(), "Uploaded".into()));
    });
}

#[test]
fn a_namespace_that_is_not_admitted_confirms_nothing() {
    manual("manual-stranger", async |tenant| {
        let key = tenant.make_key().await;
        tenant.write_secret("pasted", &key).await;
        tenant.patch_tenant(json!({ "spec": { "allowedNamespaces": ["elsewhere"] } })).await;
        tenant.apply_for_secret("calm", "pasted").await;
        tenant.await_ready("calm", "False", "NamespaceNotAllowed").await;
        let (_, result) = confirm(&tenant, "calm", json!({ "holds": tenant.fingerprint(&key) })).await;
        assert!(result.expect_err("not admitted").contains("does not admit namespace"));
        let slot = tenant.tenant_object().await.status.expect("a status").slot.expect("a record");
        assert_eq!(slot.fingerprint, None);
    });
}
