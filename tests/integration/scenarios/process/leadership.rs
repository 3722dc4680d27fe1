//! Two replicas: one leads, and the other takes over. Each test has a bed of its own.

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use kube::Api;
use kube::api::DeleteParams;
use serde_json::json;

use crate::scenarios::alone;
use testkit::bed::{Setup, Tenant, TestBed};
use testkit::names::NAMESPACE;

/// Lease parameters that are short enough to wait for, and long enough for a busy machine.
const SHORT_LEASE: &[&str] =
    &["--leader-elect=true", "--lease-duration=5s", "--renew-deadline=4s", "--retry-period=500ms"];
pub(super) const LEADS: &str = "this replica leads";
pub(super) const WAITS: &str = "another replica leads";

pub(super) fn with_leader_election() -> Setup {
    Setup { arguments: SHORT_LEASE, ..Setup::default() }
}

async fn read_lease(bed: &TestBed) -> LeaseSpec {
    let leases: Api<Lease> = Api::namespaced(bed.client.clone(), NAMESPACE);
    leases.get("alm-key-operator").await.expect("the object exists").spec.expect("its spec")
}

// proves: flag --leader-elect, flag --lease-duration
#[test]
fn the_second_replica_takes_over_from_a_killed_leader_and_repeats_nothing() {
    alone(with_leader_election(), async |mut bed| {
        let client = bed.client.clone();
        bed.operator.as_ref().expect("the operator runs").await_lines(LEADS, 1);
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
        let before = read_lease(&bed).await;
        let log = std::fs::read_to_string(&second.log).expect("its log");
        assert_eq!(second.admin("/readyz").await.0, 200, "the second replica is ready to lead");
        assert!(
            second.admin("/metrics").await.1.contains("\nleader_election_master_status{name=\"alm-key-operator\"} 0\n")
        );
        assert!(
            !log.contains("reconciliation settled") && !log.contains("reconciliation failed"),
            "the second replica only watches"
        );
        bed.operator.take().expect("the operator runs").kill();
        let tenant = Tenant::existing(&bed, "takeover", client);
        assert_eq!(tenant.slot_key().await, old);
        tenant.write_secret("pasted", &new).await;

        second.await_lines(LEADS, 1);
        tenant
            .await_call("the second upload", |call| call["kind"] == "Put" && call["clientid"] == new["uaa"]["clientid"])
            .await;

        assert_eq!(tenant.slot_key().await, new);
        assert_eq!(tenant.writes().await, ["+Put", "+Put"]);
        let after = read_lease(&bed).await;
        assert_ne!(after.holder_identity, before.holder_identity);
        assert_eq!(after.lease_transitions, before.lease_transitions.map(|count| count + 1));
        assert_eq!(after.lease_duration_seconds, Some(5));
        assert!(
            second.admin("/metrics").await.1.contains("\nleader_election_master_status{name=\"alm-key-operator\"} 1\n")
        );
        assert!(second.stop(), "it exits with success");
    });
}

// proves: flag --leader-elect
#[test]
fn a_stopping_leader_finishes_its_upload_before_it_releases_the_lease() {
    // Longer than the test: the second replica cannot wait for its expiry.
    const LONG: &[&str] = &["--lease-duration=60s", "--renew-deadline=40s", "--retry-period=500ms"];
    alone(Setup { arguments: LONG, ..Setup::default() }, async |mut bed| {
        let mut first = bed.operator.take().expect("the operator runs");
        first.await_lines(LEADS, 1);
        let second = bed.start_replica("second");
        second.await_lines(WAITS, 1);
        let tenant = Tenant::create(&bed, "handover", bed.client.clone()).await;
        let identity = read_lease(&bed).await.holder_identity;
        tenant.fail_once("Put", json!({ "hold": true })).await;
        tenant.write_secret("pasted", &tenant.make_key().await).await;
        tenant.apply_for_secret("calm", "pasted").await;
        tenant.await_held().await;

        first.signal("TERM");
        first.await_lines("SIGTERM", 1);
        assert_eq!(read_lease(&bed).await.holder_identity, identity, "a replica that still writes still leads");
        tenant.release_held_calls().await;

        assert!(first.wait_exit().is_some_and(|status| status.success()), "it exits with success");
        let object = tenant.keys().get("calm").await.expect("the object exists");
        let status = object.status.expect("a status");
        assert!(status.uploaded.is_some() && status.pending.is_none(), "the upload in flight is recorded: {status:?}");
        first.await_lines("the Lease is released", 1);
        second.await_lines(LEADS, 1);
        tenant.apply_for_secret("another", "pasted").await;
        tenant.await_ready("another", "False", "NotSlotOwner").await;
        assert_eq!(tenant.writes().await, ["+Put"]);
    });
}

// proves: flag --renew-deadline
#[test]
fn a_leader_that_was_suspended_past_its_lease_writes_nothing_and_exits() {
    alone(with_leader_election(), async |mut bed| {
        let mut first = bed.operator.take().expect("the operator runs");
        first.await_lines(LEADS, 1);
        let second = bed.start_replica("second");
        second.await_lines(WAITS, 1);
        let tenant = Tenant::create(&bed, "asleep", bed.client.clone()).await;
        // The process is suspended between its sign-in and its upload.
        tenant.fail_once("SignIn", json!({ "hold": true })).await;
        tenant.write_secret("pasted", &tenant.make_key().await).await;
        tenant.apply_for_secret("calm", "pasted").await;
        tenant.await_held().await;
        first.signal("STOP");
        tenant.release_held_calls().await;
        second.await_lines(LEADS, 1);
        let settled = tenant.await_ready("calm", "True", "Uploaded").await;

        first.signal("CONT");

        let status = first.wait_exit().expect("it exits by itself");
        assert_eq!(status.code(), Some(1));
        first.await_lines("no longer leads", 1);
        let object = tenant.keys().get("calm").await.expect("the object exists");
        assert_eq!(object.metadata.resource_version, settled.metadata.resource_version, "its status was written");
        assert_eq!(tenant.writes().await, ["+Put"]);
        assert!(second.stop(), "it exits with success");
    });
}

// proves: flag --retry-period, reason NotLeader
#[test]
fn nothing_is_uploaded_if_the_lease_may_expire_before_the_answer() {
    // A write of 50 s fits only into the first two seconds after a renewal.
    const TIGHT: &[&str] = &["--lease-duration=52s", "--renew-deadline=50s", "--retry-period=500ms"];
    alone(Setup { arguments: TIGHT, ..Setup::default() }, async |bed| {
        let operator = bed.operator.as_ref().expect("the operator runs");
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

        bed.control_plane.apply_path(&bed.manifests()).expect("the role is restored");
        tenant.await_ready("calm", "True", "Uploaded").await;
        assert_eq!(tenant.writes().await, ["+Put"]);
    });
}

#[test]
fn a_deleted_lease_is_recreated_and_the_leader_goes_on_leading() {
    alone(with_leader_election(), async |bed| {
        let operator = bed.operator.as_ref().expect("the operator runs");
        operator.await_lines(LEADS, 1);
        let leases: Api<Lease> = Api::namespaced(bed.client.clone(), NAMESPACE);
        let identity = read_lease(&bed).await.holder_identity;

        leases.delete("alm-key-operator", &DeleteParams::default()).await.expect("an admin can delete it");

        testkit::bed::waiting::wait_for("the Lease to be there again", async {
            while leases.get_opt("alm-key-operator").await.expect("the object is readable").is_none() {
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        })
        .await;
        assert_eq!(read_lease(&bed).await.holder_identity, identity);
        operator.await_lines(LEADS, 1);
    });
}

#[test]
fn contradictory_lease_parameters_are_refused_at_start() {
    let output = testkit::bed::operator::program("almkey")
        .args(["operator", "--lease-duration=10s", "--renew-deadline=10s"])
        .output()
        .expect("the command runs");
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(message.contains("--lease-duration (10s) must be at least --renew-deadline (10s)"), "{message}");
}
