//! The Lease is deleted while its holder is writing.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use kube::Api;
use kube::api::DeleteParams;
use serde_json::json;

use super::fleet::{Fleet, LEADS, Replica, holder, stop_first_operator};
use crate::beds::{report, run_with_bed};
use testkit::bed::waiting::wait_for;
use testkit::bed::{Setup, Tenant, TestBed};
use testkit::names::NAMESPACE;

async fn delete_lease(bed: &TestBed) {
    let leases: Api<Lease> = Api::namespaced(bed.client.clone(), NAMESPACE);
    leases.delete("alm-key-operator", &DeleteParams::default()).await.expect("an admin can delete the Lease");
}

#[test]
fn a_standby_replica_leaves_a_deleted_lease_to_its_holder() {
    // The test ends long before this Lease expires.
    const LONG: &[&str] = &["--lease-duration=60s", "--renew-deadline=40s", "--retry-period=250ms"];
    run_with_bed(Setup { arguments: LONG, audit: true, ..Setup::default() }, async |mut bed| {
        stop_first_operator(&mut bed);
        let mut fleet = Fleet::start(&bed).await;
        let (mut first, identity) = fleet.take_leader().await;
        let second = fleet.standby();
        first.operator.signal("STOP");
        let now = Timestamp::now();
        delete_lease(&bed).await;
        wait_for("the second replica to read the missing Lease", async {
            let read_count = || second.requests_since(&bed, now).iter().filter(|request| request.code == 404).count();
            while read_count() < 4 {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        })
        .await;
        assert_eq!(holder(&bed).await, None, "the Lease was taken from a holder that may still rely on it");

        first.operator.signal("CONT");

        wait_for("the Lease to be created again", async {
            while holder(&bed).await.is_none() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        })
        .await;
        assert_eq!(holder(&bed).await, Some(identity));
        assert!(!second.has_logged(LEADS));
        report("replicas: a deleted Lease was left to its holder in 4 reads of the standby replica");
    });
}

#[test]
fn two_simultaneous_leaders_upload_once() {
    // The first leader learns only after 8 s that another replica holds the Lease.
    const SLOW: &[&str] = &["--lease-duration=17s", "--renew-deadline=9s", "--retry-period=8s"];
    run_with_bed(Setup { arguments: SLOW, audit: true, ..Setup::default() }, async |bed| {
        let leader = bed.operator.as_ref().expect("the operator runs");
        leader.await_lines(LEADS, 1);
        let tenant = Tenant::create_with(&bed, "both", bed.client.clone(), |tenant| {
            tenant["spec"]["landscapeManagement"]["http"]["timeout"] = json!("9s");
        })
        .await;
        let key = tenant.make_key().await;
        tenant.write_secret("pasted", &key).await;
        tenant.fail_once("Put", json!({ "hold": true })).await;
        tenant.apply_for_secret("calm", "pasted").await;
        tenant.await_held().await;

        // A replica that starts has not seen the Lease held.
        delete_lease(&bed).await;
        let second = Replica::start(&bed, "second").await;
        second.operator.await_lines(LEADS, 1);
        let settled = tenant.await_ready("calm", "True", "Uploaded").await;
        tenant.release_held_calls().await;
        tenant
            .await_call("the upload of the first leader", |call| call["kind"] == "Put" && call["status"] == 412)
            .await;

        leader.await_lines("no longer leads", 1);
        let object = tenant.keys().get("calm").await.expect("the object exists");
        assert_eq!(
            object.metadata.resource_version, settled.metadata.resource_version,
            "the first leader wrote the status"
        );
        assert_eq!(tenant.slot_key().await, key);
        let effective: Vec<_> = tenant.writes().await.into_iter().filter(|write| write.starts_with('+')).collect();
        assert_eq!(effective, ["+Put"]);
        report("replicas: two simultaneous leaders after the Lease was deleted: 1 upload, 0 statuses over a newer one");
    });
}
