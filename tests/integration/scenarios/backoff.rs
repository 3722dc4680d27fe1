//! How failures are waited out.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::scenario;
use testkit::bed::Tenant;
use testkit::bed::key::condition;

fn time(call: &Value) -> Timestamp {
    call["at"].as_str().and_then(|at| at.parse().ok()).expect("a time")
}

/// For how long the operator waited after its first sign-in, which failed with these headers.
async fn waited(tenant: &Tenant<'_>, headers: Value) -> Duration {
    tenant.fail_once("SignIn", json!({ "status": 429, "headers": headers })).await;
    tenant.write_secret("pasted", &tenant.make_key().await).await;
    tenant.apply_for_secret("calm", "pasted").await;
    tenant.await_ready("calm", "True", "Uploaded").await;
    let calls = tenant.calls(&["SignIn"]).await;
    assert_eq!(calls[0]["status"], 429, "{calls:#?}");
    (time(&calls[1]) - time(&calls[0])).try_into().expect("time passes")
}

#[test]
fn a_rate_limit_in_seconds_is_kept() {
    scenario("retry-seconds", async |tenant| {
        let waited = waited(&tenant, json!({ "retry-after": "3" })).await;
        assert!(waited >= Duration::from_secs(3), "it came back after {waited:?}");
    });
}

#[test]
fn a_rate_limit_until_a_date_is_kept() {
    scenario("retry-date", async |tenant| {
        // A date has whole seconds: of five, at least four are left.
        let until = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(5));
        let waited = waited(&tenant, json!({ "retry-after": until })).await;
        assert!(waited >= Duration::from_secs(3), "it came back after {waited:?}");
    });
}

#[test]
fn one_rate_limit_does_not_make_a_settled_key_blink() {
    scenario("no-blink", async |tenant| {
        tenant.write_secret("pasted", &tenant.make_key().await).await;
        tenant.apply("calm", json!({ "source": { "secretRef": { "name": "pasted" } }, "interval": "10s" })).await;
        let settled = tenant.await_ready("calm", "True", "Uploaded").await;
        let last = tenant.calls(&["SignIn"]).await.last().and_then(|call| call["seq"].as_u64()).expect("it signed in");
        tenant.fail_once("SignIn", json!({ "status": 429, "headers": { "retry-after": "1" } })).await;
        tenant.fail_once("ReadSlot", json!({ "status": 429, "headers": { "retry-after": "1" } })).await;

        let later = |call: &Value, kind: &str, status: u16| {
            call["kind"] == kind && call["status"] == status && call["seq"].as_u64() > Some(last)
        };
        tenant.await_call("a sign-in that was limited", |call| later(call, "SignIn", 429)).await;
        tenant.await_call("a look that was limited", |call| later(call, "ReadSlot", 429)).await;
        tenant.await_call("a look that was not", |call| later(call, "ReadSlot", 200)).await;

        let object = tenant.keys().get("calm").await.expect("it is there");
        assert_eq!(object.metadata.resource_version, settled.metadata.resource_version, "its status was written");
    });
}

// proves: reason NotVerifiedLately, field ALMServiceKey spec.interval
#[test]
fn what_could_not_be_looked_at_for_three_intervals_is_not_called_well_any_more() {
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
fn a_new_key_is_not_put_while_the_token_endpoint_says_nothing_clear() {
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
