//! A leader is stopped while the API server rejects its write with 429.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;

use super::fleet::{Fleet, Replica, await_other_holder, stop_first_operator};
use super::with_election;
use crate::api_server::overload::Overload;
use crate::beds::{report, run_with_bed};
use testkit::bed::Tenant;
use testkit::bed::waiting::wait_for;

/// Waits until the API server has answered a write of this replica with 429.
async fn await_rejection(tenant: &Tenant<'_>, replica: &Replica, since: Timestamp) {
    wait_for("a write to be answered 429", async {
        let is_rejected = || {
            replica.requests_since(tenant.bed, since).iter().any(|request| request.is_write() && request.code == 429)
        };
        while !is_rejected() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

#[test]
fn a_resumed_former_leader_does_not_retry_its_write() {
    run_with_bed(with_election(), async |mut bed| {
        stop_first_operator(&mut bed);
        let mut fleet = Fleet::start(&bed).await;
        let tenant = Tenant::create(&bed, "retries", bed.client.clone()).await;
        tenant.fail_once("SignIn", json!({ "hold": true })).await;
        let key = tenant.make_key().await;
        tenant.bind("plain", &key).await;
        tenant.apply_for_binding("calm", "plain").await;
        tenant.await_held().await;
        let (mut leader, identity) = fleet.take_leader().await;
        let overload = Overload::of_our_kinds(&bed).await;
        let since = Timestamp::now();
        tenant.release_held_calls().await;
        await_rejection(&tenant, &leader, since).await;

        leader.operator.signal("STOP");
        await_other_holder(&bed, &identity).await;
        overload.end(&bed);
        tenant.await_ready("calm", "True", "Uploaded").await;
        let resumed = Timestamp::now();
        leader.operator.signal("CONT");
        let status = leader.operator.wait_exit();

        assert_eq!(status.and_then(|status| status.code()), Some(1));
        let requests: Vec<_> = leader.requests_since(&bed, resumed);
        let writes: Vec<_> =
            requests.iter().filter(|request| request.is_write() && request.resource != "leases").collect();
        assert!(writes.is_empty(), "the resumed leader sent writes: {writes:?}");
        assert_eq!(tenant.writes().await, ["+Put"]);
        assert_eq!(tenant.slot_key().await, key);
        report("replicas: a write that got 429 before its leader was stopped was not retried after it was resumed");
    });
}
