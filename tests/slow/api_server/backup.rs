//! A backup of etcd from before a rotation is restored.

use std::sync::atomic::{AtomicUsize, Ordering};

use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use super::moments::effects;
use crate::beds::{alone, told};
use testkit::bed::key::condition;
use testkit::bed::tenant::create;
use testkit::bed::{Setup, Tenant, TestBed};

/// A Lease that outlives the restoring.
const TERMS: &[&str] = &["--leader-elect=true", "--lease-duration=30s", "--renew-deadline=25s", "--retry-period=250ms"];
/// Writes after the backup, so that the versions of the restored data stay behind for long.
const WRITES: usize = 300;

fn named<'a>(bed: &'a TestBed, name: &str) -> Tenant<'a> {
    Tenant::existing(bed, name, bed.client.clone())
}

/// A tenant whose key stands there.
async fn uploaded(bed: &TestBed, name: &str) -> Value {
    let tenant = Tenant::create(bed, name, bed.client.clone()).await;
    let key = tenant.make_key().await;
    tenant.bind("plain", &key).await;
    tenant.apply_for_binding("calm", "plain").await;
    tenant.await_ready("calm", "True", "Uploaded").await;
    key
}

async fn rotated(bed: &TestBed, name: &str) -> Value {
    let tenant = named(bed, name);
    let key = tenant.make_key().await;
    tenant.rotate_binding("plain", &key).await;
    tenant.await_uploaded("calm", &key).await;
    key
}

/// Much happens in the cluster that is nothing to the operator.
async fn much_else(bed: &TestBed) {
    let maps: Api<ConfigMap> = Api::namespaced(bed.client.clone(), "default");
    create(&maps, json!({ "metadata": { "name": "busy" } })).await;
    for number in 0..WRITES {
        let patch = Patch::Merge(json!({ "data": { "number": number.to_string() } }));
        maps.patch("busy", &PatchParams::default(), &patch).await.expect("it can be changed");
    }
}

/// Whether a call is the `nth` upload of a key that took effect.
fn is_put_of(key: &Value, nth: usize) -> impl Fn(&Value) -> bool {
    let puts = AtomicUsize::new(0);
    move |call| {
        let is_put = call["kind"] == "Put" && call["effect"] == true && call["clientid"] == key["uaa"]["clientid"];
        is_put && puts.fetch_add(1, Ordering::Relaxed) + 1 == nth
    }
}

#[test]
fn a_backup_of_etcd_from_before_a_rotation_costs_no_living_key() {
    alone(Setup { arguments: TERMS, ..Setup::default() }, async |mut bed| {
        // The key of before the rotation is dead by now; or it lives.
        let dead = uploaded(&bed, "old-is-dead").await;
        let living = uploaded(&bed, "old-lives").await;
        let untouched = uploaded(&bed, "untouched").await;
        let backup = bed.control_plane.back_up().await.expect("it can be taken");
        let new = rotated(&bed, "old-is-dead").await;
        named(&bed, "old-is-dead").revoke(&dead).await;
        rotated(&bed, "old-lives").await;
        let unknown = uploaded(&bed, "made-later").await;
        much_else(&bed).await;

        bed.control_plane.restore(&backup).await.expect("it can be restored");
        // Its caches are of a time that has not been: it ends, and Kubernetes starts it again.
        let mut operator = bed.operator.take().expect("it runs");
        operator.await_lines("begins anew", 1);
        assert_eq!(operator.wait_exit().and_then(|status| status.code()), Some(1));
        bed.start_operator("operator-again");

        // The source's key does not sign in: what stands there stays.
        let tenant = named(&bed, "old-is-dead");
        let refused = |object: &_| condition(object, "Ready").0 == "False" && condition(object, "Uploaded").0 == "True";
        tenant.await_key("calm", "the refusal of the old key", refused).await;
        assert_eq!((tenant.slot_key().await, effects(&tenant).await), (new, vec!["+Put".into(), "+Put".into()]));
        // The binding says so, and the key signs in: it is the current one again.
        let tenant = named(&bed, "old-lives");
        // The restored status says it from the start.
        tenant.await_call("the upload of the old key", is_put_of(&living, 2)).await;
        tenant.await_ready("calm", "True", "Uploaded").await;
        assert_eq!((tenant.slot_key().await, effects(&tenant).await), (living, vec!["+Put".to_owned(); 3]));
        let tenant = named(&bed, "untouched");
        tenant.reconcile_now("calm", "after").await;
        assert_eq!((tenant.slot_key().await, effects(&tenant).await), (untouched, vec!["+Put".into()]));
        // Nobody here knows of it any more.
        let tenant = named(&bed, "made-later");
        assert_eq!((tenant.slot_key().await, effects(&tenant).await), (unknown, vec!["+Put".into()]));
        // And nobody is deaf.
        for name in ["old-is-dead", "old-lives", "untouched"] {
            let key = rotated(&bed, name).await;
            assert_eq!(named(&bed, name).slot_key().await, key);
        }
        told(&format!(
            "api-server: etcd restored from before 2 rotations, a new object and {WRITES} other writes: 0 living keys \
             deleted, 3 of 3 rotations followed afterwards"
        ));
    });
}
