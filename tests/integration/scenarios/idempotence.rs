//! Nothing is written when nothing changed, and nothing is concluded from an outage.

use kube::ResourceExt;
use kube::api::{Patch, PatchParams};
use serde_json::json;

use super::{alone, scenario};
use testkit::bed::key::condition;
use testkit::bed::{Setup, Tenant, TestBed};

/// Waits until the operator has worked through all that happened in the tenant so far: its passes over one tenant run
/// one after the other, and a new object is served after what was there before it.
async fn worked_through(tenant: &Tenant<'_>, name: &str, secret: &str) {
    tenant.apply_for_secret(name, secret).await;
    tenant.await_ready(name, "False", "NotSlotOwner").await;
}

/// How many writes on `ALMServiceKey`s and their status the API server has answered, whether they changed anything or
/// not.
fn writes_answered(bed: &TestBed) -> u64 {
    // The server counts a write a moment after it has answered it: two readings alike mean that it has counted all.
    let mut last = count_writes(bed);
    loop {
        let next = count_writes(bed);
        if next == last {
            return next;
        }
        last = next;
    }
}

fn count_writes(bed: &TestBed) -> u64 {
    let metrics = bed.kubectl(&["get", "--raw", "/metrics"]);
    metrics
        .lines()
        .filter(|line| line.starts_with("apiserver_request_total{") && line.contains("resource=\"almservicekeys\""))
        .filter(|line| ["PATCH", "APPLY", "PUT", "POST"].iter().any(|verb| line.contains(&format!("verb=\"{verb}\""))))
        .filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok())
        .sum()
}

#[test]
fn a_settled_key_that_is_touched_a_hundred_times_is_written_nowhere() {
    alone(Setup::default(), async |bed| {
        let tenant = Tenant::create(&bed, "touched", bed.client.clone()).await;
        tenant.write_secret("pasted", &tenant.make_key().await).await;
        tenant.write_secret("other", &tenant.make_key().await).await;
        tenant.apply_for_secret("calm", "pasted").await;
        let settled = tenant.await_ready("calm", "True", "Uploaded").await;
        let before = writes_answered(&bed);
        worked_through(&tenant, "before", "other").await;
        let (calls, events) = (tenant.journal().await.len(), tenant.events("calm").await.len());
        let between = writes_answered(&bed);

        for touch in 0..100 {
            let patch = Patch::Merge(json!({ "metadata": { "annotations": { "touched": touch.to_string() } } }));
            tenant.secrets().patch("pasted", &PatchParams::default(), &patch).await.expect("can be touched");
        }
        worked_through(&tenant, "afterwards", "other").await;

        let after = writes_answered(&bed);
        assert_eq!(after - between, between - before, "a hundred touches cost no write, not even one without effect");
        let object = tenant.keys().get("calm").await.expect("it is there");
        assert_eq!(object.resource_version(), settled.resource_version(), "it was written");
        let since = tenant.journal().await.split_off(calls);
        let client = settled.status.and_then(|status| status.uploaded).expect("the ledger").client_id;
        assert!(!since.iter().any(|call| call["kind"] == "SignIn" && call["clientid"] == client), "{since:#?}");
        assert_eq!(tenant.writes().await, ["+Put"]);
        assert_eq!(tenant.events("calm").await.len(), events);
    });
}

#[test]
fn a_periodic_test_that_finds_all_well_writes_nothing() {
    scenario("periodic", async |tenant| {
        tenant.write_secret("pasted", &tenant.make_key().await).await;
        tenant.apply("calm", json!({ "source": { "secretRef": { "name": "pasted" } }, "interval": "10s" })).await;
        let settled = tenant.await_ready("calm", "True", "Uploaded").await;
        let sign_ins = tenant.calls(&["SignIn"]).await;
        let last = sign_ins.last().and_then(|call| call["seq"].as_u64()).expect("it has signed in");

        tenant
            .await_call("the periodic look", |call| {
                call["kind"] == "ReadSlot" && call["seq"].as_u64().is_some_and(|seq| seq > last + 3)
            })
            .await;
        tenant
            .await_call("the periodic sign-in", |call| {
                call["kind"] == "SignIn" && call["seq"].as_u64().is_some_and(|seq| seq > last)
            })
            .await;
        tenant.write_secret("other", &tenant.make_key().await).await;
        worked_through(&tenant, "afterwards", "other").await;

        let object = tenant.keys().get("calm").await.expect("it is there");
        assert_eq!(object.resource_version(), settled.resource_version(), "its status was written");
    });
}

#[test]
fn a_token_endpoint_that_is_down_for_longer_than_a_key_takes_to_die_kills_no_key() {
    scenario("outage", async |tenant| {
        let key = tenant.make_key().await;
        tenant.write_secret("pasted", &key).await;
        let spec = json!({
            "source": { "secretRef": { "name": "pasted" } }, "interval": "20s", "deadKey": { "after": "10s" },
        });
        tenant.apply("calm", spec).await;
        tenant.await_ready("calm", "True", "Uploaded").await;
        tenant.fail("SignIn", json!({ "status": 503 })).await;
        tenant.reconcile_now("calm", "now").await;

        let failed = |call: &serde_json::Value| call["kind"] == "SignIn" && call["status"] == 503;
        let first = tenant.await_call("the first failed sign-in", failed).await;
        let time = |call: &serde_json::Value| {
            call["at"].as_str().and_then(|at| at.parse::<jiff::Timestamp>().ok()).expect("a time")
        };
        let long_enough = time(&first) + jiff::SignedDuration::from_secs(12);
        tenant.await_call("a sign-in that failed long after", |call| failed(call) && time(call) > long_enough).await;
        let during = tenant.keys().get("calm").await.expect("it is there");
        assert_eq!(condition(&during, "Ready").0, "True", "a verdict stands while nothing is known against it");
        tenant.heal().await;

        assert_eq!(tenant.slot_key().await, key);
        assert_eq!(tenant.writes().await, ["+Put"]);
    });
}
