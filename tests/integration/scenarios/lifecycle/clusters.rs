//! The ID of the cluster: clones that act under the same one, and another one after a disaster.

use serde_json::{Value, json};

use super::restore::recreate;
use crate::scenarios::{alone, scenario, upload};
use testkit::bed::key::message;
use testkit::bed::{Setup, Tenant, TestBed};
use testkit::documented::{self, Shell};

/// Creates tenants with a key in the slot of each, and stops the operator.
async fn upload_and_stop(bed: &mut TestBed, names: &[&str]) {
    for name in names {
        let tenant = Tenant::create(bed, name, bed.client.clone()).await;
        upload(&tenant).await;
    }
    bed.operator.take().expect("the operator runs").kill();
}

/// Starts the operator with this cluster ID, after the one that runs was stopped.
fn start_with_id(bed: &mut TestBed, id: &str) {
    if let Some(operator) = bed.operator.take() {
        operator.kill();
    }
    let replica = bed.start_replica_in(bed.kubeconfig(), &format!("operator-{id}"), &[("ALMKEY_CLUSTER_ID", id)]);
    bed.operator = Some(replica);
}

#[test]
fn a_clone_with_the_same_id_does_not_fight_but_can_empty_the_slot() {
    scenario("clone", async |tenant| {
        tenant.write_secret("pasted", &tenant.make_key().await).await;
        tenant.apply("calm", json!({ "source": { "secretRef": { "name": "pasted" } }, "interval": "10s" })).await;
        tenant.await_ready("calm", "True", "Uploaded").await;
        // The original rotates its key, of which the clone knows nothing.
        let rotated = tenant.make_key().await;
        tenant.fill_slot(&rotated, Some(tenant.owner("calm").await)).await;
        tenant.await_ready("calm", "False", "SlotOverwritten").await;
        assert_eq!(tenant.slot_key().await, rotated);
        assert_eq!(tenant.writes().await, ["+Put"]);

        let new = tenant.make_key().await;
        tenant.write_secret("pasted", &new).await;
        tenant.await_ready("calm", "True", "Uploaded").await;
        assert_eq!(tenant.slot_key().await, new, "a new key in the clone replaces that of the original");
        tenant.delete("calm").await;
        assert_eq!(tenant.slot_key().await, Value::Null, "a deletion in the clone empties the slot");
    });
}

#[test]
fn a_clone_whose_source_is_gone_deletes_the_key_of_the_original_once() {
    alone(Setup::default(), async |mut bed| {
        let client = bed.client.clone();
        let tenant = Tenant::create(&bed, "clone-gone", client.clone()).await;
        let key = tenant.make_key().await;
        tenant.write_secret("pasted", &key).await;
        let source = json!({ "secretRef": { "name": "pasted" } });
        tenant.apply("calm", json!({ "source": source, "gracePeriod": "0s" })).await;
        tenant.await_ready("calm", "True", "Uploaded").await;
        tenant.delete_secret("pasted").await;
        tenant.await_ready("calm", "False", "SourceGone").await;
        assert_eq!(tenant.slot_key().await, Value::Null);

        // The original finds its slot empty and uploads its key again. A restart brings the clone's next look at the slot.
        tenant.fill_slot(&key, Some(tenant.owner("calm").await)).await;
        bed.operator.take().expect("the operator runs").kill();
        bed.start_operator("operator-again");
        let tenant = Tenant::existing(&bed, "clone-gone", client);
        let object = tenant.await_ready("calm", "False", "SlotOverwritten").await;
        assert!(message(&object, "Ready").contains("same cluster ID"), "{}", message(&object, "Ready"));
        assert_eq!(tenant.slot_key().await, key);

        tenant.reconcile_now("calm", "delete-it").await;
        assert_eq!(tenant.slot_key().await, Value::Null, "a user who requests it has the key deleted");
    });
}

// proves: reason SlotOverwritten
#[test]
fn a_clone_with_an_id_of_its_own_leaves_the_slot_to_the_original() {
    alone(Setup::default(), async |mut bed| {
        upload_and_stop(&mut bed, &["own-id"]).await;
        let client = bed.client.clone();
        let before = Tenant::existing(&bed, "own-id", client.clone()).slot().await;

        let set = documented::one("docs/clusters.md#clones", "kubectl set env");
        set.must_run(&Shell::of_admin(&bed), &[("CLONE-ID", "clone")]);
        start_with_id(&mut bed, "clone");

        let tenant = Tenant::existing(&bed, "own-id", client);
        tenant.await_ready("calm", "False", "SlotOverwritten").await;
        tenant.write_secret("pasted", &tenant.make_key().await).await;
        tenant.await_ready("calm", "False", "SlotOccupied").await;
        tenant.delete("calm").await;
        assert_eq!(tenant.slot().await, before);
        assert_eq!(tenant.writes().await, ["+Put"]);
    });
}

// proves: flag --cluster-id
#[test]
fn a_rebuilt_cluster_with_the_id_of_the_old_one_continues_without_an_upload() {
    alone(Setup::default(), async |mut bed| {
        upload_and_stop(&mut bed, &["rebuilt", "kept-status"]).await;
        let client = bed.client.clone();
        recreate(&Tenant::existing(&bed, "rebuilt", client.clone()), "calm").await;
        let before = Tenant::existing(&bed, "rebuilt", client.clone()).slot().await;

        start_with_id(&mut bed, "new");
        let old = {
            let tenant = Tenant::existing(&bed, "rebuilt", client.clone());
            let object = tenant.await_ready("calm", "False", "SlotOccupied").await;
            let other = Tenant::existing(&bed, "kept-status", client.clone());
            other.await_ready("calm", "False", "SlotOverwritten").await;
            let said = message(&object, "Ready");
            let id = said.split_once("of cluster ").and_then(|(_, rest)| rest.split_once(':')).expect("an ID").0;
            id.to_owned()
        };
        assert_eq!(before["owner"]["clusterID"], old);
        let set = documented::one("docs/clusters.md#another-id-after-a-disaster", "kubectl set env");
        set.must_run(&Shell::of_admin(&bed), &[("OLD-ID", &old)]);
        let path = "jsonpath={.spec.template.spec.containers[0].env[?(@.name==\"ALMKEY_CLUSTER_ID\")].value}";
        let place = ["get", "deployment", "-n", "alm-key-operator", "alm-key-operator", "-o", path];
        assert_eq!(bed.kubectl(&place), old, "the Deployment sets the ID");
        start_with_id(&mut bed, &old);

        for name in ["rebuilt", "kept-status"] {
            let tenant = Tenant::existing(&bed, name, client.clone());
            tenant.await_ready("calm", "True", "Uploaded").await;
            assert_eq!(tenant.writes().await, ["+Put"], "{name}: nothing is uploaded again");
        }
        let tenant = Tenant::existing(&bed, "rebuilt", client);
        assert_eq!(tenant.slot().await, before);
        tenant.delete("calm").await;
        assert_eq!(tenant.slot_key().await, Value::Null);
    });
}

#[test]
fn a_rebuilt_cluster_with_a_new_id_replaces_the_keys_of_the_old_one_if_allowed() {
    alone(Setup::default(), async |mut bed| {
        upload_and_stop(&mut bed, &["replacing", "lost-nothing"]).await;
        let client = bed.client.clone();
        recreate(&Tenant::existing(&bed, "replacing", client.clone()), "calm").await;
        start_with_id(&mut bed, "new");
        let tenant = Tenant::existing(&bed, "replacing", client.clone());
        tenant.await_ready("calm", "False", "SlotOccupied").await;

        tenant.patch_tenant(json!({ "spec": { "adoptionPolicy": "Replace" } })).await;
        tenant.await_ready("calm", "True", "Uploaded").await;
        tenant.patch_tenant(json!({ "spec": { "adoptionPolicy": null } })).await;
        tenant.reconcile_now("calm", "now").await;
        tenant.await_ready("calm", "True", "Uploaded").await;
        assert_eq!(tenant.slot().await["owner"]["clusterID"], "new");
        assert_eq!(tenant.writes().await, ["+Put", "+Put"]);

        // An object that still has its status was overwritten, as far as it knows.
        let tenant = Tenant::existing(&bed, "lost-nothing", client);
        tenant.await_ready("calm", "False", "SlotOverwritten").await;
        tenant.patch_tenant(json!({ "spec": { "adoptionPolicy": "Replace" } })).await;
        let request = documented::one("docs/clusters.md#another-id-after-a-disaster", "reconcile-requested-at");
        request.must_run(&Shell::of_admin(&bed), &[("NAMESPACE", "lost-nothing"), ("NAME", "calm")]);
        tenant.await_ready("calm", "True", "Uploaded").await;
        assert_eq!(tenant.slot().await["owner"]["clusterID"], "new");
    });
}
