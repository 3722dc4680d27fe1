//! Floods of changes: the remote calls are throttled, and the last change is still carried out.

use futures::future::join_all;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::scenarios::scenario;
use testkit::bed::Tenant;
use testkit::bed::tenant::create;
use testkit::bed::waiting::wait_for;

/// Burst of reconciliations of one object.
const OBJECT: usize = 30;
/// Burst of reconciliations with remote calls of one namespace.
const NAMESPACE: usize = 60;
/// Annotation that requests a reconciliation.
const REQUEST: &str = "almkey.dev/reconcile-requested-at";

/// Asserts that sign-ins are at most a burst plus one a second. The times are those of the calls, so a slow machine may
/// make more of them.
fn assert_throttled(sign_ins: &[Value], burst: usize) {
    let at = |call: &Value| call["at"].as_str().and_then(|at| at.parse::<Timestamp>().ok()).expect("a time");
    let (first, last) = (sign_ins.first().map(at).expect("a sign-in"), sign_ins.last().map(at).expect("a sign-in"));
    let lasted = usize::try_from(last.duration_since(first).as_secs()).expect("the journal is in order");
    assert!(sign_ins.len() <= burst + lasted + 2, "{} sign-ins in {lasted} s", sign_ins.len());
}

/// Reads the number of throttled reconciliations from `/metrics`.
async fn throttled_total(tenant: &Tenant<'_>) -> f64 {
    let (_, text) = tenant.bed.operator.as_ref().expect("the operator runs").admin("/metrics").await;
    let found = text.lines().find_map(|line| line.strip_prefix("almkey_throttled_total ")?.parse().ok());
    found.expect("the metric exists")
}

#[test]
fn endless_reconciliation_requests_cause_at_most_one_sign_in_a_second() {
    scenario("flapping", async |tenant| {
        tenant.write_secret("pasted", &tenant.make_key().await).await;
        tenant.apply_for_secret("calm", "pasted").await;
        tenant.await_ready("calm", "True", "Uploaded").await;
        for request in 0..100 {
            tenant.annotate("calm", REQUEST, &request.to_string()).await;
        }
        tenant.reconcile_now("calm", "the last request").await;

        assert_throttled(&tenant.calls(&["SignIn"]).await, OBJECT);
        assert_eq!(tenant.writes().await, ["+Put"]);
    });
}

// proves: metric almkey_throttled_total
#[test]
fn an_object_that_changes_without_end_is_throttled_and_counted() {
    scenario("restless", async |tenant| {
        let spec = json!({ "tenantRef": { "name": "missing" }, "source": { "secretRef": { "name": "missing" } } });
        let object = json!({
            "apiVersion": "almkey.dev/v1alpha1", "kind": "ALMServiceKey", "metadata": { "name": "calm" }, "spec": spec,
        });
        // Without a tenant, a reconciliation is two reads and no write: any machine makes more than one a second.
        create(&tenant.keys(), object).await;
        tenant.await_ready("calm", "Unknown", "WaitingForTenant").await;
        let before = throttled_total(&tenant).await;
        wait_for("a throttled reconciliation that is counted", async {
            for round in 0.. {
                for change in 0..10 {
                    // It is not the uid of the object, so it has no effect.
                    tenant.annotate("calm", "almkey.dev/abandon", &format!("{round} {change}")).await;
                }
                if throttled_total(&tenant).await > before {
                    return;
                }
            }
        })
        .await;
    });
}

#[test]
fn the_last_key_of_a_constantly_changing_secret_is_uploaded() {
    scenario("spinning", async |tenant| {
        let mut last = Value::Null;
        tenant.write_secret("pasted", &tenant.make_key().await).await;
        tenant.apply_for_secret("calm", "pasted").await;
        for _ in 0..60 {
            last = tenant.make_key().await;
            tenant.write_secret("pasted", &last).await;
        }
        tenant.await_uploaded("calm", &last).await;
        assert_eq!(tenant.slot_key().await, last);
        assert_throttled(&tenant.calls(&["SignIn"]).await, OBJECT);
    });
}

#[test]
fn many_siblings_are_throttled_together_and_the_owner_still_rotates() {
    scenario("crowd", async |tenant| {
        let (first, second) = (tenant.make_key().await, tenant.make_key().await);
        tenant.write_secret("pasted", &first).await;
        tenant.apply_for_secret("calm", "pasted").await;
        tenant.await_ready("calm", "True", "Uploaded").await;
        let crowd: Vec<_> = (0..90).map(|number| format!("crowd-{number}")).collect();
        join_all(crowd.iter().map(|name| tenant.apply_for_secret(name, "pasted"))).await;
        tenant.write_secret("pasted", &second).await;
        tenant.await_uploaded("calm", &second).await;

        assert_throttled(&tenant.calls(&["SignIn"]).await, NAMESPACE + OBJECT);
        assert_eq!(tenant.slot_key().await, second);
        assert_eq!(tenant.slot().await["owner"]["name"], json!("calm"));
    });
}
