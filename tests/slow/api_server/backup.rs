//! An etcd backup from before a rotation is restored.

use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use super::operations::effective_writes;
use crate::beds::{report, run_with_bed};
use testkit::bed::key::condition;
use testkit::bed::tenant::create;
use testkit::bed::{Setup, Tenant, TestBed};

/// Lease parameters with which the Lease outlives the restore.
const LEASE_PARAMS: &[&str] =
    &["--leader-elect=true", "--lease-duration=30s", "--renew-deadline=25s", "--retry-period=250ms"];
/// Number of writes after the backup, so that the versions of the restored data stay behind for a long time.
const WRITES: usize = 300;

fn named<'a>(bed: &'a TestBed, name: &str) -> Tenant<'a> {
    Tenant::existing(bed, name, bed.client.clone())
}

/// Creates a tenant and uploads its key.
async fn upload(bed: &TestBed, name: &str) -> Value {
    let tenant = Tenant::create(bed, name, bed.client.clone()).await;
    let key = tenant.make_key().await;
    tenant.bind("plain", &key).await;
    tenant.apply_for_binding("calm", "plain").await;
    tenant.await_ready("calm", "True", "Uploaded").await;
    key
}

/// Rotates the binding and waits for the upload of the new key.
async fn rotate(bed: &TestBed, name: &str) -> Value {
    let tenant = named(bed, name);
    let key = tenant.make_key().await;
    tenant.rotate_binding("plain", &key).await;
    tenant.await_uploaded("calm", &key).await;
    key
}

/// Writes to the cluster what does not concern the operator, to advance its versions.
async fn write_unrelated(bed: &TestBed) {
    let maps: Api<ConfigMap> = Api::namespaced(bed.client.clone(), "default");
    create(&maps, json!({ "metadata": { "name": "busy" } })).await;
    for number in 0..WRITES {
        let patch = Patch::Merge(json!({ "data": { "number": number.to_string() } }));
        maps.patch("busy", &PatchParams::default(), &patch).await.expect("the ConfigMap can be changed");
    }
}

#[test]
fn restoring_an_etcd_backup_deletes_no_living_key() {
    run_with_bed(Setup { arguments: LEASE_PARAMS, ..Setup::default() }, async |mut bed| {
        // After the rotation the old key of one tenant is dead, and that of the other one lives.
        let dead = upload(&bed, "old-is-dead").await;
        let living = upload(&bed, "old-lives").await;
        let untouched = upload(&bed, "untouched").await;
        let backup = bed.control_plane.back_up().await.expect("etcd can be backed up");
        let new = rotate(&bed, "old-is-dead").await;
        named(&bed, "old-is-dead").revoke(&dead).await;
        rotate(&bed, "old-lives").await;
        let unknown = upload(&bed, "made-later").await;
        write_unrelated(&bed).await;

        bed.control_plane.restore(&backup).await.expect("the backup can be restored");
        // Its caches are newer than the restored data, so it ends, and Kubernetes starts it again.
        let mut operator = bed.operator.take().expect("the operator runs");
        operator.await_lines("this replica restarts", 1);
        assert_eq!(operator.wait_exit().and_then(|status| status.code()), Some(1));
        bed.start_operator("operator-again");

        // The restored source has the dead key: the slot stays as it is.
        let tenant = named(&bed, "old-is-dead");
        let refused = |object: &_| condition(object, "Ready").0 == "False" && condition(object, "Uploaded").0 == "True";
        tenant.await_key("calm", "refused with its old key", refused).await;
        assert_eq!(
            (tenant.slot_key().await, effective_writes(&tenant).await),
            (new, vec!["+Put".into(), "+Put".into()])
        );
        // The restored source has the old key, which signs in. The slot names this object, but the restored ledger does not
        // know what it holds: a clone of this cluster may have put it there. Nothing is overwritten until a user asks.
        let tenant = named(&bed, "old-lives");
        tenant.await_ready("calm", "False", "SlotOverwritten").await;
        tenant.reconcile_now("calm", "the clone is stopped").await;
        tenant.await_ready("calm", "True", "Uploaded").await;
        assert_eq!((tenant.slot_key().await, effective_writes(&tenant).await), (living, vec!["+Put".to_owned(); 3]));
        let tenant = named(&bed, "untouched");
        tenant.reconcile_now("calm", "after").await;
        assert_eq!((tenant.slot_key().await, effective_writes(&tenant).await), (untouched, vec!["+Put".into()]));
        // The restored cluster does not know this object.
        let tenant = named(&bed, "made-later");
        assert_eq!((tenant.slot_key().await, effective_writes(&tenant).await), (unknown, vec!["+Put".into()]));
        // The watches work again.
        for name in ["old-is-dead", "old-lives", "untouched"] {
            let key = rotate(&bed, name).await;
            assert_eq!(named(&bed, name).slot_key().await, key);
        }
        report(&format!(
            "api-server: etcd restored from before 2 rotations, a new object and {WRITES} other writes: 0 living keys \
             deleted, 3 of 3 rotations followed afterwards"
        ));
    });
}
