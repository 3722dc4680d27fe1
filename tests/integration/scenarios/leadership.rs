//! Two replicas: one leads, and the other takes over. Each test has a world of its own.

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use kube::Api;
use kube::api::DeleteParams;
use serde_json::json;

use super::alone;
use testkit::bed::{Setup, Tenant, TestBed};
use testkit::names::NAMESPACE;

/// Quick enough to wait for, and long enough for a machine that is busy.
const TERMS: &[&str] = &["--leader-elect=true", "--lease-duration=5s", "--renew-deadline=4s", "--retry-period=500ms"];
const LEADS: &str = "this replica leads";
const WAITS: &str = "another replica leads";

fn elected() -> Setup {
    Setup { arguments: TERMS, ..Setup::default() }
}

async fn lease(bed: &TestBed) -> LeaseSpec {
    let leases: Api<Lease> = Api::namespaced(bed.client.clone(), NAMESPACE);
    leases.get("alm-key-operator").await.expect("it is there").spec.expect("its spec")
}

// proves: flag --leader-elect, flag --lease-duration
#[test]
fn the_second_replica_takes_over_when_the_leader_is_killed_and_repeats_nothing() {
    alone(elected(), async |mut bed| {
        let client = bed.client.clone();
        bed.operator.as_ref().expect("it runs").await_lines(LEADS, 1);
        let second = bed.start_replica("second");
        second.await_lines(WAITS, 1);
        let (old, new) = {
            let tenant = Tenant::create(&bed, "takeover", client.clone()).await;
            let (old, new) = (tenant.make_key().await, tenant.make_key().await);
            tenant.write_secret("pasted", &old).await;
            tenant.apply_for_secret("calm", "pasted").await;
            tenant.await_ready("calm", "True", "Uploaded").await;
            (old, new)
        };
        let before = lease(&bed).await;
        let passes = std::fs::read_to_string(&second.log).expect("its log");
        assert_eq!(second.admin("/readyz").await.0, 200, "it could take over");
        assert!(second.admin("/metrics").await.1.contains("\nalmkey_leader 0\n"));
        assert!(!passes.contains("pass settled") && !passes.contains("pass is tried again"), "it only watches");
        bed.operator.take().expect("it runs").kill();
        let tenant = Tenant::existing(&bed, "takeover", client);
        assert_eq!(tenant.slot_key().await, old);
        tenant.write_secret("pasted", &new).await;

        second.await_lines(LEADS, 1);
        tenant
            .await_call("the second upload", |call| call["kind"] == "Put" && call["clientid"] == new["uaa"]["clientid"])
            .await;

        assert_eq!(tenant.slot_key().await, new);
        assert_eq!(tenant.writes().await, ["+Put", "+Put"]);
        let after = lease(&bed).await;
        assert_ne!(after.holder_identity, before.holder_identity);
        assert_eq!(after.lease_transitions, before.lease_transitions.map(|count| count + 1));
        assert_eq!(after.lease_duration_seconds, Some(5));
        assert!(second.admin("/metrics").await.1.contains("\nalmkey_leader 1\n"));
        assert!(second.stop(), "it ends with success");
    });
}

// proves: flag --leader-elect
#[test]
fn a_leader_that_is_asked_to_stop_finishes_its_upload_and_only_then_hands_over_at_once() {
    // Nobody would wait a minute for this Lease to run out.
    const LONG: &[&str] = &["--lease-duration=60s", "--renew-deadline=40s", "--retry-period=500ms"];
    alone(Setup { arguments: LONG, ..Setup::default() }, async |mut bed| {
        let mut first = bed.operator.take().expect("it runs");
        first.await_lines(LEADS, 1);
        let second = bed.start_replica("second");
        second.await_lines(WAITS, 1);
        let tenant = Tenant::create(&bed, "handover", bed.client.clone()).await;
        let identity = lease(&bed).await.holder_identity;
        tenant.fail_once("Put", json!({ "hold": true })).await;
        tenant.write_secret("pasted", &tenant.make_key().await).await;
        tenant.apply_for_secret("calm", "pasted").await;
        tenant.await_held().await;

        first.signal("TERM");
        first.await_lines("SIGTERM", 1);
        assert_eq!(lease(&bed).await.holder_identity, identity, "it still writes, so it still leads");
        tenant.release_held_calls().await;

        assert!(first.wait_exit().is_some_and(|status| status.success()), "it ends with success");
        let object = tenant.keys().get("calm").await.expect("it is there");
        let status = object.status.expect("a status");
        assert!(status.uploaded.is_some() && status.pending.is_none(), "what was in flight is recorded: {status:?}");
        first.await_lines("the Lease is released", 1);
        second.await_lines(LEADS, 1);
        tenant.apply_for_secret("another", "pasted").await;
        tenant.await_ready("another", "False", "NotSlotOwner").await;
        assert_eq!(tenant.writes().await, ["+Put"]);
    });
}

// proves: flag --renew-deadline
#[test]
fn a_leader_that_slept_through_its_lease_writes_nothing_and_ends_with_an_error() {
    alone(elected(), async |mut bed| {
        let mut first = bed.operator.take().expect("it runs");
        first.await_lines(LEADS, 1);
        let second = bed.start_replica("second");
        second.await_lines(WAITS, 1);
        let tenant = Tenant::create(&bed, "asleep", bed.client.clone()).await;
        // It falls asleep between its sign-in and its upload.
        tenant.fail_once("SignIn", json!({ "hold": true })).await;
        tenant.write_secret("pasted", &tenant.make_key().await).await;
        tenant.apply_for_secret("calm", "pasted").await;
        tenant.await_held().await;
        first.signal("STOP");
        tenant.release_held_calls().await;
        second.await_lines(LEADS, 1);
        let settled = tenant.await_ready("calm", "True", "Uploaded").await;

        first.signal("CONT");

        let status = first.wait_exit().expect("it ends by itself");
        assert_eq!(status.code(), Some(1));
        first.await_lines("does not lead any more", 1);
        let object = tenant.keys().get("calm").await.expect("it is there");
        assert_eq!(object.metadata.resource_version, settled.metadata.resource_version, "its status was written");
        assert_eq!(tenant.writes().await, ["+Put"]);
        assert!(second.stop(), "it ends with success");
    });
}

// proves: flag --retry-period, reason NotLeader
#[test]
fn nothing_is_uploaded_while_the_lease_may_end_before_the_answer_comes() {
    // Room for a write of 50 s is left in the first two seconds after each renewal only.
    const TIGHT: &[&str] = &["--lease-duration=52s", "--renew-deadline=50s", "--retry-period=500ms"];
    alone(Setup { arguments: TIGHT, ..Setup::default() }, async |bed| {
        let operator = bed.operator.as_ref().expect("it runs");
        operator.await_lines(LEADS, 1);
        let tenant = Tenant::create_with(&bed, "tight", bed.client.clone(), |tenant| {
            tenant["spec"]["landscapeManagement"]["http"]["timeout"] = json!("50s");
        })
        .await;
        bed.kubectl(&["delete", "rolebinding", "-n", NAMESPACE, "alm-key-operator-leader-election"]);
        operator.await_lines("the Lease could not be renewed", 6);
        tenant.write_secret("pasted", &tenant.make_key().await).await;
        tenant.apply_for_secret("calm", "pasted").await;

        tenant.await_ready("calm", "Unknown", "NotLeader").await;
        assert!(tenant.writes().await.is_empty());

        bed.control_plane.apply_path(&bed.manifests()).expect("the role can be given back");
        tenant.await_ready("calm", "True", "Uploaded").await;
        assert_eq!(tenant.writes().await, ["+Put"]);
    });
}

#[test]
fn a_lease_that_somebody_deletes_is_made_anew_and_nobody_stops_leading() {
    alone(elected(), async |bed| {
        let operator = bed.operator.as_ref().expect("it runs");
        operator.await_lines(LEADS, 1);
        let leases: Api<Lease> = Api::namespaced(bed.client.clone(), NAMESPACE);
        let identity = lease(&bed).await.holder_identity;

        leases.delete("alm-key-operator", &DeleteParams::default()).await.expect("an admin can delete it");

        testkit::bed::waiting::wait_for("the Lease to be there again", async {
            while leases.get_opt("alm-key-operator").await.expect("it can be read").is_none() {
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        })
        .await;
        assert_eq!(lease(&bed).await.holder_identity, identity);
        operator.await_lines(LEADS, 1);
    });
}

#[test]
fn terms_of_a_lease_that_do_not_fit_together_are_refused_at_once() {
    let output = std::process::Command::new(testkit::bed::operator::binary("almkey"))
        .args(["operator", "--lease-duration=10s", "--renew-deadline=10s"])
        .output()
        .expect("it runs");
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(message.contains("--lease-duration (10s) must be at least --renew-deadline (10s)"), "{message}");
}
