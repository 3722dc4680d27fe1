//! A Lease that somebody deletes while its holder is in the midst of a write.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use kube::Api;
use kube::api::DeleteParams;
use serde_json::json;

use super::fleet::{Fleet, LEADS, Replica, end_the_first, holder};
use crate::beds::{alone, told};
use testkit::bed::waiting::wait_for;
use testkit::bed::{Setup, Tenant, TestBed};
use testkit::names::NAMESPACE;

async fn delete_the_lease(bed: &TestBed) {
    let leases: Api<Lease> = Api::namespaced(bed.client.clone(), NAMESPACE);
    leases.delete("alm-key-operator", &DeleteParams::default()).await.expect("an admin can delete it");
}

#[test]
fn a_replica_that_waits_leaves_a_deleted_lease_to_its_holder() {
    // Nobody would wait a minute for this Lease to run out.
    const LONG: &[&str] = &["--lease-duration=60s", "--renew-deadline=40s", "--retry-period=250ms"];
    alone(Setup { arguments: LONG, audit: true, ..Setup::default() }, async |mut bed| {
        end_the_first(&mut bed);
        let mut fleet = Fleet::start(&bed).await;
        let (mut first, identity) = fleet.leader().await;
        let second = fleet.other();
        first.operator.signal("STOP");
        let now = Timestamp::now();
        delete_the_lease(&bed).await;
        wait_for("the second replica to look for the Lease", async {
            let looked = || second.asked_since(&bed, now).iter().filter(|asked| asked.code == 404).count();
            while looked() < 4 {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        })
        .await;
        assert_eq!(holder(&bed).await, None, "it was taken from who may still rely on it");

        first.operator.signal("CONT");

        wait_for("the Lease to be there again", async {
            while holder(&bed).await.is_none() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        })
        .await;
        assert_eq!(holder(&bed).await, Some(identity));
        assert!(!second.has_said(LEADS));
        told("replicas: a deleted Lease was left to its holder by 4 looks of the replica that waits");
    });
}

#[test]
fn two_leaders_at_a_time_upload_once() {
    // Whoever leads learns only after 8 s that the Lease is another's.
    const SLOW: &[&str] = &["--lease-duration=17s", "--renew-deadline=9s", "--retry-period=8s"];
    alone(Setup { arguments: SLOW, audit: true, ..Setup::default() }, async |bed| {
        let leader = bed.operator.as_ref().expect("it runs");
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

        // One that starts has seen nobody hold it.
        delete_the_lease(&bed).await;
        let second = Replica::start(&bed, "second").await;
        second.operator.await_lines(LEADS, 1);
        let settled = tenant.await_ready("calm", "True", "Uploaded").await;
        tenant.release_held_calls().await;
        tenant.await_call("the upload of the first", |call| call["kind"] == "Put" && call["status"] == 412).await;

        leader.await_lines("does not lead any more", 1);
        let object = tenant.keys().get("calm").await.expect("it is there");
        assert_eq!(object.metadata.resource_version, settled.metadata.resource_version, "its status was written");
        assert_eq!(tenant.slot_key().await, key);
        let effects: Vec<_> = tenant.writes().await.into_iter().filter(|write| write.starts_with('+')).collect();
        assert_eq!(effects, ["+Put"]);
        told("replicas: two leaders at a time after the Lease was deleted: 1 upload, 0 statuses over a newer one");
    });
}
