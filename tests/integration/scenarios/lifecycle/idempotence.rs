//! No change causes no write, and an outage is no evidence.

use kube::ResourceExt;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use crate::scenarios::{alone, scenario};
use testkit::bed::key::condition;
use testkit::bed::waiting::wait_for;
use testkit::bed::{Setup, Tenant, TestBed};

/// Waits until the operator has handled all earlier events of the tenant. The reconciliations of a tenant are serial, so
/// a new object is reconciled after them.
async fn await_idle(tenant: &Tenant<'_>, name: &str, secret: &str) {
    tenant.apply_for_secret(name, secret).await;
    tenant.await_ready(name, "False", "NotSlotOwner").await;
}

/// Returns the number of writes to `ALMServiceKey`s and their status that the API server has answered, with or without an
/// effect.
fn answered_writes(bed: &TestBed) -> u64 {
    // The API server counts a write shortly after its answer: two equal readings mean that all are counted.
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
fn touching_a_settled_key_a_hundred_times_causes_no_write() {
    alone(Setup::default(), async |bed| {
        let tenant = Tenant::create(&bed, "touched", bed.client.clone()).await;
        tenant.write_secret("pasted", &tenant.make_key().await).await;
        tenant.write_secret("other", &tenant.make_key().await).await;
        tenant.apply_for_secret("calm", "pasted").await;
        let settled = tenant.await_ready("calm", "True", "Uploaded").await;
        let before = answered_writes(&bed);
        await_idle(&tenant, "before", "other").await;
        let (calls, events) = (tenant.journal().await.len(), tenant.events("calm").await.len());
        let between = answered_writes(&bed);

        for touch in 0..100 {
            let patch = Patch::Merge(json!({ "metadata": { "annotations": { "touched": touch.to_string() } } }));
            tenant.secrets().patch("pasted", &PatchParams::default(), &patch).await.expect("the object is changed");
        }
        await_idle(&tenant, "afterwards", "other").await;

        let after = answered_writes(&bed);
        assert_eq!(
            after - between,
            between - before,
            "a hundred touches cause no write, not even one without an effect"
        );
        let object = tenant.keys().get("calm").await.expect("the object exists");
        assert_eq!(object.resource_version(), settled.resource_version(), "the object was written");
        let since = tenant.journal().await.split_off(calls);
        let client = settled.status.and_then(|status| status.uploaded).expect("the ledger").client_id;
        assert!(!since.iter().any(|call| call["kind"] == "SignIn" && call["clientid"] == client), "{since:#?}");
        assert_eq!(tenant.writes().await, ["+Put"]);
        assert_eq!(tenant.events("calm").await.len(), events);
    });
}

#[test]
fn a_periodic_test_without_findings_writes_nothing() {
    scenario("periodic", async |tenant| {
        tenant.write_secret("pasted", &tenant.make_key().await).await;
        tenant.apply("calm", json!({ "source": { "secretRef": { "name": "pasted" } }, "interval": "10s" })).await;
        let settled = tenant.await_ready("calm", "True", "Uploaded").await;
        let sign_ins = tenant.calls(&["SignIn"]).await;
        let last = sign_ins.last().and_then(|call| call["seq"].as_u64()).expect("it has signed in");

        tenant
            .await_call("the periodic read of the slot", |call| {
                call["kind"] == "ReadSlot" && call["seq"].as_u64().is_some_and(|seq| seq > last + 3)
            })
            .await;
        tenant
            .await_call("the periodic sign-in", |call| {
                call["kind"] == "SignIn" && call["seq"].as_u64().is_some_and(|seq| seq > last)
            })
            .await;
        tenant.write_secret("other", &tenant.make_key().await).await;
        await_idle(&tenant, "afterwards", "other").await;

        let object = tenant.keys().get("calm").await.expect("the object exists");
        assert_eq!(object.resource_version(), settled.resource_version(), "its status was written");
    });
}

#[test]
fn an_outage_of_the_token_endpoint_longer_than_dead_key_after_deletes_no_key() {
    scenario("outage", async |tenant| {
        let key = tenant.make_key().await;
        tenant.write_secret("pasted", &key).await;
        // Three intervals are longer than the test: after them, Ready would be Unknown.
        let spec = json!({
            "source": { "secretRef": { "name": "pasted" } }, "interval": "15m", "deadKey": { "after": "10s" },
        });
        tenant.apply("calm", spec).await;
        tenant.await_ready("calm", "True", "Uploaded").await;
        tenant.fail("SignIn", json!({ "status": 503 })).await;

        // The back-off is random. Requests for a reconciliation keep the time of the test bounded.
        let at = |call: &Value| call["at"].as_str().and_then(|at| at.parse::<jiff::Timestamp>().ok()).expect("a time");
        wait_for("sign-ins that fail for longer than deadKey.after", async {
            for request in 0.. {
                tenant.reconcile_now("calm", &format!("request {request}")).await;
                let mut failed = tenant.calls(&["SignIn"]).await;
                failed.retain(|call| call["status"] == 503);
                if let [first, .., last] = failed.as_slice()
                    && at(last).duration_since(at(first)) > jiff::SignedDuration::from_secs(12)
                {
                    return;
                }
            }
        })
        .await;
        let during = tenant.keys().get("calm").await.expect("the object exists");
        assert_eq!(condition(&during, "Ready").0, "True", "an outage does not change the verdict");
        tenant.heal().await;

        assert_eq!(tenant.slot_key().await, key);
        assert_eq!(tenant.writes().await, ["+Put"]);
    });
}
