//! A slot that holds a key of another owner: it is never replaced and never deleted.

use serde_json::json;

use crate::scenarios::scenario;
use testkit::bed::key::condition;

#[test]
fn a_key_of_another_client_is_never_replaced_and_never_deleted() {
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
fn a_slot_that_is_filled_between_our_read_and_our_write_is_not_overwritten() {
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
