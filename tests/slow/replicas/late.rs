//! An upload that is held across a change of leader and a deletion.

use serde_json::{Value, json};

use super::fleet::{Fleet, await_other_holder, stop_first_operator};
use super::with_election;
use crate::beds::{report, run_with_bed};
use testkit::bed::{Tenant, TestBed};

/// Holds the first upload, kills or stops its leader, and deletes the object before another replica leads.
async fn hold_across(bed: &TestBed, fleet: &mut Fleet<'_>, signal: &str) {
    let name = format!("late-{}", signal.to_lowercase());
    let tenant = Tenant::create(bed, &name, bed.client.clone()).await;
    let (mut leader, identity) = fleet.take_leader().await;
    tenant.fail("Put", json!({ "hold": true })).await;
    let key = tenant.make_key().await;
    tenant.bind("plain", &key).await;
    tenant.apply_for_binding("calm", "plain").await;
    tenant.await_held().await;

    leader.operator.signal(signal);
    tenant.begin_deletion("calm").await;
    await_other_holder(bed, &identity).await;
    tenant.await_gone("calm").await;
    tenant.heal().await;
    tenant.release_held_calls().await;

    tenant.await_call("the late upload", |call| call["kind"] == "Put" && call["status"] == 412).await;
    assert_eq!(tenant.slot_key().await, Value::Null);
    if signal == "STOP" {
        leader.operator.signal("CONT");
        let status = leader.operator.wait_exit();
        assert_eq!(status.and_then(|status| status.code()), Some(1));
    }
    assert_eq!(tenant.slot_key().await, Value::Null);
    let effective: Vec<_> = tenant.writes().await.into_iter().filter(|write| write.starts_with('+')).collect();
    assert_eq!(effective, ["+Delete"], "the empty slot got a new revision, and nothing else was written");
    fleet.complete().await;
}

#[test]
fn a_first_upload_that_outlives_leader_and_object_leaves_the_slot_empty() {
    run_with_bed(with_election(), async |mut bed| {
        stop_first_operator(&mut bed);
        let mut fleet = Fleet::start(&bed).await;

        hold_across(&bed, &mut fleet, "KILL").await;
        hold_across(&bed, &mut fleet, "STOP").await;

        report("replicas: first upload held across a change of leader and a deletion, 1 kill, 1 stop: 0 late uploads");
    });
}
