//! Two clusters with one tenant, each of which replaces the key in the slot.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::beds::{report, run};
use testkit::bed::key::condition;
use testkit::bed::{Setup, Tenant, TestBed};

/// Sets the policy of a tenant to `Replace`.
fn set_replace(tenant: &mut Value) {
    tenant["spec"]["adoptionPolicy"] = json!("Replace");
}

/// Applies an object with a key of its own, and returns the key.
async fn apply_key(tenant: &Tenant<'_>) -> Value {
    let key = tenant.make_key().await;
    tenant.write_secret("pasted", &key).await;
    tenant.apply("calm", json!({ "source": { "secretRef": { "name": "pasted" } }, "interval": "10s" })).await;
    key
}

/// Waits until the object reports that its key is in the slot, or that another key replaced it, and returns the reason.
async fn await_verdict(tenant: &Tenant<'_>) -> String {
    let is_settled = |reason: &str| ["Uploaded", "SlotOverwritten"].contains(&reason);
    let object = tenant.await_key("calm", "settled", |key| is_settled(&condition(key, "Ready").1)).await;
    condition(&object, "Ready").1
}

/// Returns the cluster that wrote each key which the slot has held.
async fn list_writers(tenant: &Tenant<'_>) -> Vec<Value> {
    let calls = tenant.calls(&["Put", "Patch", "Delete"]).await;
    let effective = calls.iter().filter(|call| call["effect"] == true);
    effective.map(|call| call["body"]["owner"]["clusterID"].clone()).collect()
}

/// Restarts both operators, so that they have no observations, and waits until each has read the slot three times.
async fn await_reads_after_restart(beds: &mut [&mut TestBed; 2], name: &str) {
    let mut seen = {
        let journal = Tenant::existing(beds[0], name, beds[0].client.clone()).journal().await;
        journal.iter().filter_map(|call| call["seq"].as_u64()).max().unwrap_or(0)
    };
    for bed in beds.iter_mut() {
        bed.operator.take().expect("the operator runs").kill();
        bed.start_operator("operator-again");
    }
    let tenant = Tenant::existing(beds[0], name, beds[0].client.clone());
    // Each operator has an access token of its own after its restart.
    let mut reads = BTreeMap::<u64, usize>::new();
    while reads.values().filter(|count| **count >= 3).count() < 2 {
        let is_read = |call: &Value| call["kind"] == "ReadSlot" && call["seq"].as_u64() > Some(seen);
        let call = tenant.await_call("another read of the slot", is_read).await;
        seen = call["seq"].as_u64().expect("a number");
        *reads.entry(call["token"].as_u64().expect("the call has a token")).or_default() += 1;
    }
}

#[test]
fn two_clusters_that_both_replace_write_once_each_and_the_loser_reports_it() {
    run(async {
        let mut one = TestBed::start(Setup::default()).await;
        let mut other = TestBed::start_beside(&one, Setup::default()).await;
        // One after the other: the second cluster replaces the key of the first one, which reports it.
        {
            let first = Tenant::create_with(&one, "after", one.client.clone(), set_replace).await;
            let second = Tenant::share(&other, "after", other.client.clone(), set_replace).await;
            apply_key(&first).await;
            first.await_ready("calm", "True", "Uploaded").await;
            let key = apply_key(&second).await;
            second.await_ready("calm", "True", "Uploaded").await;
            first.await_ready("calm", "False", "SlotOverwritten").await;
            assert_eq!(second.slot_key().await, key);
            assert_eq!(list_writers(&first).await.len(), 2);
        }
        await_reads_after_restart(&mut [&mut one, &mut other], "after").await;
        // Both at once: either one may win.
        let (first, second) = {
            let first = Tenant::create_with(&one, "at-once", one.client.clone(), set_replace).await;
            let second = Tenant::share(&other, "at-once", other.client.clone(), set_replace).await;
            tokio::join!(apply_key(&first), apply_key(&second))
        };
        {
            let here = Tenant::existing(&one, "at-once", one.client.clone());
            let there = Tenant::existing(&other, "at-once", other.client.clone());
            tokio::join!(await_verdict(&here), await_verdict(&there));
        }
        await_reads_after_restart(&mut [&mut one, &mut other], "at-once").await;
        for name in ["after", "at-once"] {
            let here = Tenant::existing(&one, name, one.client.clone());
            let there = Tenant::existing(&other, name, other.client.clone());
            let mut verdicts = [await_verdict(&here).await, await_verdict(&there).await];
            verdicts.sort();
            assert_eq!(verdicts, ["SlotOverwritten", "Uploaded"], "{name}");
            let writers = list_writers(&here).await;
            assert!(writers.len() == 2 && writers[0] != writers[1], "each cluster wrote once: {writers:?}");
        }
        let held = Tenant::existing(&one, "at-once", one.client.clone()).slot_key().await;
        assert!([first, second].contains(&held));
        report(
            "replicas: 2 clusters that replace, one after the other and at once: 2 uploads for each slot, 0 more after a restart of both",
        );
    });
}
