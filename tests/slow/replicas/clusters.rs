//! Two clusters with one tenant, each of which replaces what it finds in the slot.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::beds::{run, told};
use testkit::bed::key::condition;
use testkit::bed::{Setup, Tenant, TestBed};

/// The tenant in one cluster, whose policy is to replace.
fn replaces(tenant: &mut Value) {
    tenant["spec"]["adoptionPolicy"] = json!("Replace");
}

/// Applies a key of its own.
async fn applied(tenant: &Tenant<'_>) -> Value {
    let key = tenant.make_key().await;
    tenant.write_secret("pasted", &key).await;
    tenant.apply("calm", json!({ "source": { "secretRef": { "name": "pasted" } }, "interval": "10s" })).await;
    key
}

/// Waits until the object says that its key stands there, or that another one was put over it.
async fn verdict(tenant: &Tenant<'_>) -> String {
    let settled = |reason: &str| ["Uploaded", "SlotOverwritten"].contains(&reason);
    let object = tenant.await_key("calm", "settled", |key| settled(&condition(key, "Ready").1)).await;
    condition(&object, "Ready").1
}

/// Which cluster wrote each key that the slot has held.
async fn writers(tenant: &Tenant<'_>) -> Vec<Value> {
    let calls = tenant.calls(&["Put", "Patch", "Delete"]).await;
    let effects = calls.iter().filter(|call| call["effect"] == true);
    effects.map(|call| call["body"]["owner"]["clusterID"].clone()).collect()
}

/// Both look again and again, also with nothing in their memory, and nobody writes.
async fn peace(beds: &mut [&mut TestBed; 2], name: &str) {
    let mut seen = {
        let journal = Tenant::existing(beds[0], name, beds[0].client.clone()).journal().await;
        journal.iter().filter_map(|call| call["seq"].as_u64()).max().unwrap_or(0)
    };
    for bed in beds.iter_mut() {
        bed.operator.take().expect("it runs").kill();
        bed.start_operator("operator-again");
    }
    let tenant = Tenant::existing(beds[0], name, beds[0].client.clone());
    // Each operator, after its restart, has an access token of its own: three looks of each.
    let mut looks = BTreeMap::<u64, usize>::new();
    while looks.values().filter(|count| **count >= 3).count() < 2 {
        let look = |call: &Value| call["kind"] == "ReadSlot" && call["seq"].as_u64() > Some(seen);
        let call = tenant.await_call("another look", look).await;
        seen = call["seq"].as_u64().expect("a number");
        *looks.entry(call["token"].as_u64().expect("it came with a token")).or_default() += 1;
    }
}

#[test]
fn two_clusters_that_both_replace_write_at_most_once_each_and_the_loser_says_so() {
    run(async {
        let mut one = TestBed::start(Setup::default()).await;
        let mut other = TestBed::start_beside(&one, Setup::default()).await;
        // One after the other: the second one replaces, and the first one sees it.
        {
            let first = Tenant::create_with(&one, "after", one.client.clone(), replaces).await;
            let second = Tenant::share(&other, "after", other.client.clone(), replaces).await;
            applied(&first).await;
            first.await_ready("calm", "True", "Uploaded").await;
            let key = applied(&second).await;
            second.await_ready("calm", "True", "Uploaded").await;
            first.await_ready("calm", "False", "SlotOverwritten").await;
            assert_eq!(second.slot_key().await, key);
            assert_eq!(writers(&first).await.len(), 2);
        }
        peace(&mut [&mut one, &mut other], "after").await;
        // Both at once, and however that ends.
        let (first, second) = {
            let first = Tenant::create_with(&one, "at-once", one.client.clone(), replaces).await;
            let second = Tenant::share(&other, "at-once", other.client.clone(), replaces).await;
            tokio::join!(applied(&first), applied(&second))
        };
        {
            let here = Tenant::existing(&one, "at-once", one.client.clone());
            let there = Tenant::existing(&other, "at-once", other.client.clone());
            tokio::join!(verdict(&here), verdict(&there));
        }
        peace(&mut [&mut one, &mut other], "at-once").await;
        for name in ["after", "at-once"] {
            let here = Tenant::existing(&one, name, one.client.clone());
            let there = Tenant::existing(&other, name, other.client.clone());
            let mut verdicts = [verdict(&here).await, verdict(&there).await];
            verdicts.sort();
            assert_eq!(verdicts, ["SlotOverwritten", "Uploaded"], "{name}");
            let writers = writers(&here).await;
            assert!(writers.len() == 2 && writers[0] != writers[1], "each wrote once: {writers:?}");
        }
        let held = Tenant::existing(&one, "at-once", one.client.clone()).slot_key().await;
        assert!([first, second].contains(&held));
        told(
            "replicas: 2 clusters that replace, one after the other and at once: 2 uploads for each slot, 0 more in peace",
        );
    });
}
