//! An upload that is held on its way across a change of leader and a deletion.

use serde_json::{Value, json};

use super::elected;
use super::fleet::{Fleet, await_other_holder, end_the_first};
use crate::beds::{alone, told};
use testkit::bed::{Tenant, TestBed};

/// The first upload is on its way, its leader falls, and the object is deleted before another one leads.
async fn held_across(bed: &TestBed, fleet: &mut Fleet<'_>, signal: &str) {
    let name = format!("late-{}", signal.to_lowercase());
    let tenant = Tenant::create(bed, &name, bed.client.clone()).await;
    let (mut leader, identity) = fleet.leader().await;
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
    let effects: Vec<_> = tenant.writes().await.into_iter().filter(|write| write.starts_with('+')).collect();
    assert_eq!(effects, ["+Delete"], "the empty slot got another revision, and nothing else");
    fleet.complete().await;
}

#[test]
fn a_first_upload_that_outlives_its_leader_and_its_object_leaves_the_slot_empty() {
    alone(elected(), async |mut bed| {
        end_the_first(&mut bed);
        let mut fleet = Fleet::start(&bed).await;

        held_across(&bed, &mut fleet, "KILL").await;
        held_across(&bed, &mut fleet, "STOP").await;

        told("replicas: first upload held across a change of leader and a deletion, 1 kill, 1 stop: 0 late uploads");
    });
}
