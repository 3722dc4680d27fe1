//! Annotations that request a reconciliation or abandon a key.

use kube::ResourceExt;
use serde_json::json;

use crate::scenarios::scenario;

const ABANDON: &str = "almkey.dev/abandon";

// proves: annotation almkey.dev/reconcile-requested-at, field ALMServiceKey status.lastHandledReconcileAt
#[test]
fn a_requested_reconciliation_is_made_at_once_and_only_once() {
    scenario("asked-for", async |tenant| {
        tenant.write_secret("pasted", &tenant.make_key().await).await;
        tenant.apply_for_secret("calm", "pasted").await;
        tenant.await_ready("calm", "True", "Uploaded").await;
        let before = tenant.calls(&["SignIn"]).await.len();

        tenant.reconcile_now("calm", "2026-11-25T08:00:00Z").await;
        assert_eq!(tenant.calls(&["SignIn"]).await.len(), before + 1);

        // The same value requests nothing more, whatever else is changed.
        tenant.annotate("calm", "example.org/other", "1").await;
        tenant.reconcile_now("calm", "another value").await;
        assert_eq!(tenant.calls(&["SignIn"]).await.len(), before + 2);
        assert_eq!(tenant.writes().await, ["+Put"]);
    });
}

// proves: annotation almkey.dev/abandon
#[test]
fn an_abandoned_object_can_be_deleted_during_an_outage() {
    scenario("abandoned", async |tenant| {
        let key = tenant.make_key().await;
        tenant.write_secret("pasted", &key).await;
        let uid = tenant.apply_for_secret("calm", "pasted").await.uid().expect("a uid");
        tenant.await_ready("calm", "True", "Uploaded").await;
        // The annotation has no effect before the deletion.
        tenant.annotate("calm", ABANDON, &uid).await;
        tenant.reconcile_now("calm", "now").await;
        tenant.annotate("calm", ABANDON, "another object's uid").await;
        tenant.fail("ReadSlot", json!({ "status": 503 })).await;
        tenant.fail("Delete", json!({ "status": 503 })).await;
        tenant.begin_deletion("calm").await;
        tenant.await_ready("calm", "Unknown", "Removing").await;

        tenant.annotate("calm", ABANDON, &uid).await;
        tenant.await_gone("calm").await;

        assert_eq!(tenant.slot_key().await, key, "the key stays in the slot");
        assert_eq!(tenant.writes().await, ["+Put"]);
        tenant.await_event("calm", "KeyAbandoned").await;
    });
}
