//! Rate limits, back-off and unclear answers.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::scenarios::scenario;
use testkit::bed::Tenant;
use testkit::bed::key::condition;

fn time(call: &Value) -> Timestamp {
    call["at"].as_str().and_then(|at| at.parse().ok()).expect("a time")
}

/// Returns the time between the first sign-in, answered 429 with these headers, and the second.
async fn measure_pause(tenant: &Tenant<'_>, headers: Value) -> Duration {
    tenant.fail_once("SignIn", json!({ "status": 429, "headers": headers })).await;
    tenant.write_secret("pasted", &tenant.make_key().await).await;
    tenant.apply_for_secret("calm", "pasted").await;
    tenant.await_ready("calm", "True", "Uploaded").await;
    let calls = tenant.calls(&["SignIn"]).await;
    assert_eq!(calls[0]["status"], 429, "{calls:#?}");
    (time(&calls[1]) - time(&calls[0])).try_into().expect("time passes")
}

#[test]
fn a_retry_after_in_seconds_is_respected() {
    scenario("retry-seconds", async |tenant| {
        let pause = measure_pause(&tenant, json!({ "retry-after": "3" })).await;
        assert!(pause >= Duration::from_secs(3), "the second sign-in came after {pause:?}");
    });
}

#[test]
fn a_retry_after_as_a_date_is_respected() {
    scenario("retry-date", async |tenant| {
        // A date has whole seconds, so the pause has at least four of the five.
        let until = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(5));
        let pause = measure_pause(&tenant, json!({ "retry-after": until })).await;
        assert!(pause >= Duration::from_secs(3), "the second sign-in came after {pause:?}");
    });
}

#[test]
fn one_rate_limited_call_does_not_change_the_status_of_a_settled_key() {
    scenario("one-rate-limit", async |tenant| {
        tenant.write_secret("pasted", &tenant.make_key().await).await;
        tenant.apply("calm", json!({ "source": { "secretRef": { "name": "pasted" } }, "interval": "10s" })).await;
        let settled = tenant.await_ready("calm", "True", "Uploaded").await;
        let last = tenant.calls(&["SignIn"]).await.last().and_then(|call| call["seq"].as_u64()).expect("a sign-in");
        tenant.fail_once("SignIn", json!({ "status": 429, "headers": { "retry-after": "1" } })).await;
        tenant.fail_once("ReadSlot", json!({ "status": 429, "headers": { "retry-after": "1" } })).await;

        let later = |call: &Value, kind: &str, status: u16| {
            call["kind"] == kind && call["status"] == status && call["seq"].as_u64() > Some(last)
        };
        tenant.await_call("a rate-limited sign-in", |call| later(call, "SignIn", 429)).await;
        tenant.await_call("a rate-limited read of the slot", |call| later(call, "ReadSlot", 429)).await;
        tenant.await_call("a successful read of the slot", |call| later(call, "ReadSlot", 200)).await;

        let object = tenant.keys().get("calm").await.expect("the object exists");
        assert_eq!(object.metadata.resource_version, settled.metadata.resource_version, "its status was written");
    });
}

// proves: reason NotVerifiedLately, field ALMServiceKey spec.interval
#[test]
fn a_key_that_was_not_verified_for_three_intervals_is_no_longer_ready() {
    scenario("not-lately", async |tenant| {
        let key = tenant.make_key().await;
        tenant.write_secret("pasted", &key).await;
        tenant.apply("calm", json!({ "source": { "secretRef": { "name": "pasted" } }, "interval": "10s" })).await;
        tenant.await_ready("calm", "True", "Uploaded").await;
        tenant.fail("SignIn", json!({ "status": 503 })).await;

        let object = tenant.await_ready("calm", "Unknown", "NotVerifiedLately").await;
        assert_eq!(condition(&object, "SignedIn"), ("Unknown".into(), "NotVerifiedLately".into()));
        assert_eq!(condition(&object, "Uploaded").0, "True");
        assert_eq!(condition(&object, "Reconciling").0, "True");

        tenant.heal().await;
        tenant.reconcile_now("calm", "now").await;
        tenant.await_ready("calm", "True", "Uploaded").await;
        assert_eq!(tenant.slot_key().await, key);
        assert_eq!(tenant.writes().await, ["+Put"]);
    });
}

// proves: reason SignInUnknown
#[test]
fn a_new_key_is_not_uploaded_while_the_token_endpoint_fails() {
    scenario("unclear", async |tenant| {
        let old = tenant.make_key().await;
        tenant.write_secret("pasted", &old).await;
        tenant.apply_for_secret("calm", "pasted").await;
        tenant.await_ready("calm", "True", "Uploaded").await;
        tenant.fail("SignIn", json!({ "status": 503 })).await;
        tenant.write_secret("pasted", &tenant.make_key().await).await;

        tenant.await_ready("calm", "Unknown", "SignInUnknown").await;

        assert_eq!(tenant.slot_key().await, old);
        tenant.heal().await;
        tenant.await_ready("calm", "True", "Uploaded").await;
        assert_eq!(tenant.writes().await, ["+Put", "+Put"]);
    });
}
