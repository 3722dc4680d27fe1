//! A leader that is stopped while the API server has no time for its write.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;

use super::elected;
use super::fleet::{Fleet, Replica, await_other_holder, end_the_first};
use crate::api_server::throttle::NoTime;
use crate::beds::{alone, told};
use testkit::bed::Tenant;
use testkit::bed::waiting::wait_for;

/// Waits until the API server has answered 429 to a write of this replica.
async fn await_no_time(tenant: &Tenant<'_>, replica: &Replica, since: Timestamp) {
    wait_for("a write to be answered 429", async {
        let refused = || replica.asked_since(tenant.bed, since).iter().any(|asked| asked.writes() && asked.code == 429);
        while !refused() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

#[test]
fn a_write_that_waits_for_its_next_try_is_not_tried_again_by_a_leader_that_was_resumed() {
    alone(elected(), async |mut bed| {
        end_the_first(&mut bed);
        let mut fleet = Fleet::start(&bed).await;
        let tenant = Tenant::create(&bed, "retries", bed.client.clone()).await;
        tenant.fail_once("SignIn", json!({ "hold": true })).await;
        let key = tenant.make_key().await;
        tenant.bind("plain", &key).await;
        tenant.apply_for_binding("calm", "plain").await;
        tenant.await_held().await;
        let (mut leader, identity) = fleet.leader().await;
        let no_time = NoTime::for_our_kinds(&bed).await;
        let since = Timestamp::now();
        tenant.release_held_calls().await;
        await_no_time(&tenant, &leader, since).await;

        leader.operator.signal("STOP");
        await_other_holder(&bed, &identity).await;
        no_time.ends(&bed);
        tenant.await_ready("calm", "True", "Uploaded").await;
        let resumed = Timestamp::now();
        leader.operator.signal("CONT");
        let status = leader.operator.wait_exit();

        assert_eq!(status.and_then(|status| status.code()), Some(1));
        let tried: Vec<_> = leader.asked_since(&bed, resumed);
        let tried: Vec<_> = tried.iter().filter(|asked| asked.writes() && asked.resource != "leases").collect();
        assert!(tried.is_empty(), "a resumed leader went on writing: {tried:?}");
        assert_eq!(tenant.writes().await, ["+Put"]);
        assert_eq!(tenant.slot_key().await, key);
        told("replicas: a write that was answered 429 before its leader was stopped was not tried again after it");
    });
}
