//! Somebody asks again and again: the calls that are made for them are bounded, and nothing that is asked for is lost.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::scenarios::scenario;
use testkit::bed::Tenant;
use testkit::bed::waiting::wait_for;

/// How many passes a namespace, or an object, may have in a row before they are put off.
const OBJECT: usize = 30;
const NAMESPACE: usize = 60;

/// Sign-ins are at most a burst, and one for each second between the first and the last. Asserted by the times of the
/// calls themselves: the slower the machine, the more may have been made.
fn at_most(sign_ins: &[Value], burst: usize) {
    let at = |call: &Value| call["at"].as_str().and_then(|at| at.parse::<Timestamp>().ok()).expect("a time");
    let (first, last) = (sign_ins.first().map(at).expect("one"), sign_ins.last().map(at).expect("one"));
    let lasted = usize::try_from(last.duration_since(first).as_secs()).expect("time goes on");
    assert!(sign_ins.len() <= burst + lasted + 2, "{} sign-ins in {lasted} s", sign_ins.len());
}

async fn throttled(tenant: &Tenant<'_>) -> f64 {
    let (_, text) = tenant.bed.operator.as_ref().expect("it runs").admin("/metrics").await;
    let found = text.lines().find_map(|line| line.strip_prefix("almkey_throttled_total ")?.parse().ok());
    found.expect("it is counted")
}

// proves: metric almkey_throttled_total
#[test]
fn an_object_that_is_asked_for_without_end_is_signed_in_with_no_more_than_once_a_second() {
    scenario("flapping", async |tenant| {
        tenant.write_secret("pasted", &tenant.make_key().await).await;
        tenant.apply_for_secret("calm", "pasted").await;
        tenant.await_ready("calm", "True", "Uploaded").await;
        let before = throttled(&tenant).await;

        let mut words = 0;
        wait_for("a pass that is put off and counted", async {
            while words < 100 || throttled(&tenant).await <= before {
                tenant.annotate("calm", "almkey.dev/reconcile-requested-at", &words.to_string()).await;
                words += 1;
            }
        })
        .await;
        tenant.reconcile_now("calm", "the last word").await;

        at_most(&tenant.calls(&["SignIn"]).await, OBJECT);
        assert_eq!(tenant.writes().await, ["+Put"]);
    });
}

#[test]
fn a_secret_that_changes_without_end_ends_with_its_last_key_uploaded() {
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
        at_most(&tenant.calls(&["SignIn"]).await, OBJECT);
    });
}

#[test]
fn a_crowd_of_objects_that_do_not_hold_the_slot_is_bounded_together_and_a_rotation_goes_through() {
    scenario("crowd", async |tenant| {
        let (first, second) = (tenant.make_key().await, tenant.make_key().await);
        tenant.write_secret("pasted", &first).await;
        tenant.apply_for_secret("calm", "pasted").await;
        tenant.await_ready("calm", "True", "Uploaded").await;
        for number in 0..90 {
            tenant.apply_for_secret(&format!("crowd-{number}"), "pasted").await;
        }
        tenant.write_secret("pasted", &second).await;
        tenant.await_uploaded("calm", &second).await;

        at_most(&tenant.calls(&["SignIn"]).await, NAMESPACE + OBJECT);
        assert_eq!(tenant.slot_key().await, second);
        assert_eq!(tenant.slot().await["owner"]["name"], json!("calm"));
    });
}
