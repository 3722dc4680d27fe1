//! Objects and CRDs that are restored, recreated or reinstalled.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};

use crate::scenarios::{alone, scenario};
use testkit::bed::key::condition;
use testkit::bed::{Setup, Tenant};

/// Deletes an object without a clean-up and creates it again, as restoring a backup does.
pub(super) async fn recreate(tenant: &Tenant<'_>, name: &str) {
    let object = tenant.keys().get(name).await.expect("the object exists");
    let spec = serde_json::to_value(&object.spec).expect("JSON");
    tenant.patch(name, json!({ "metadata": { "finalizers": null } })).await;
    tenant.keys().delete(name, &DeleteParams::default()).await.expect("the object is deleted");
    tenant.await_gone(name).await;
    tenant.apply(name, spec).await;
}

#[test]
fn an_object_restored_without_its_status_finds_its_key_in_the_slot() {
    alone(Setup::default(), async |mut bed| {
        let client = bed.client.clone();
        let key = {
            let tenant = Tenant::create(&bed, "restored", client.clone()).await;
            let key = tenant.make_key().await;
            tenant.bind("plain", &key).await;
            tenant.apply_for_binding("calm", "plain").await;
            tenant.await_ready("calm", "True", "Uploaded").await;
            key
        };
        bed.operator.take().expect("the operator runs").kill();
        recreate(&Tenant::existing(&bed, "restored", client.clone()), "calm").await;
        bed.start_operator("operator-again");

        let tenant = Tenant::existing(&bed, "restored", client);
        let object = tenant.await_ready("calm", "True", "Uploaded").await;
        assert!(object.status.and_then(|status| status.uploaded).is_some(), "the ledger is rebuilt from the slot");
        assert_eq!(tenant.writes().await, ["+Put"]);
        tenant.unbind("plain", &key).await;
        tenant.await_ready("calm", "False", "SourceGone").await;
        assert_eq!(tenant.slot_key().await, Value::Null);
    });
}

#[test]
fn an_object_restored_with_an_old_status_keeps_its_key_without_an_upload() {
    alone(Setup::default(), async |mut bed| {
        let client = bed.client.clone();
        let (old_status, new) = {
            let tenant = Tenant::create(&bed, "old-status", client.clone()).await;
            let (old, new) = (tenant.make_key().await, tenant.make_key().await);
            tenant.bind("plain", &old).await;
            tenant.apply_for_binding("calm", "plain").await;
            let before = tenant.await_ready("calm", "True", "Uploaded").await;
            tenant.rotate_binding("plain", &new).await;
            tenant.await_uploaded("calm", &new).await;
            tenant.revoke(&old).await;
            (before.status, new)
        };
        bed.operator.take().expect("the operator runs").kill();
        {
            let tenant = Tenant::existing(&bed, "old-status", client.clone());
            recreate(&tenant, "calm").await;
            let patch = Patch::Merge(json!({ "status": old_status }));
            tenant.keys().patch_status("calm", &PatchParams::default(), &patch).await.expect("the write succeeds");
        }
        bed.start_operator("operator-again");

        let tenant = Tenant::existing(&bed, "old-status", client);
        tenant.await_uploaded("calm", &new).await;
        assert_eq!(tenant.slot_key().await, new);
        assert_eq!(tenant.writes().await, ["+Put", "+Put"]);
        tenant.delete("calm").await;
        assert_eq!(tenant.slot_key().await, Value::Null);
    });
}

#[test]
fn the_key_of_a_binding_recreated_during_a_downtime_is_uploaded() {
    alone(Setup::default(), async |mut bed| {
        let client = bed.client.clone();
        let (old, new) = {
            let tenant = Tenant::create(&bed, "recreated", client.clone()).await;
            let (old, new) = (tenant.make_key().await, tenant.make_key().await);
            tenant.bind("plain", &old).await;
            tenant.apply_for_binding("calm", "plain").await;
            tenant.await_ready("calm", "True", "Uploaded").await;
            (old, new)
        };
        bed.operator.take().expect("the operator runs").kill();
        {
            let tenant = Tenant::existing(&bed, "recreated", client.clone());
            tenant.unbind("plain", &old).await;
            tenant.bind("plain", &new).await;
        }
        bed.start_operator("operator-again");

        let tenant = Tenant::existing(&bed, "recreated", client);
        tenant
            .await_call("the upload", |call| call["kind"] == "Put" && call["clientid"] == new["uaa"]["clientid"])
            .await;
        tenant.await_ready("calm", "True", "Uploaded").await;
        assert_eq!(tenant.slot_key().await, new);
        assert_eq!(tenant.writes().await, ["+Put", "+Put"]);
    });
}

#[test]
fn reinstalling_the_servicebinding_crd_costs_no_key_and_no_write() {
    alone(Setup::default(), async |bed| {
        let client = bed.client.clone();
        let tenant = Tenant::create(&bed, "reinstalled", client.clone()).await;
        let key = tenant.make_key().await;
        tenant.bind("plain", &key).await;
        tenant.apply_for_binding("calm", "plain").await;
        tenant.await_ready("calm", "True", "Uploaded").await;

        let kinds: Api<CustomResourceDefinition> = Api::all(client);
        let kind = "servicebindings.services.cloud.sap.com";
        kinds.delete(kind, &DeleteParams::default()).await.expect("the CRD can be deleted");
        // The CRD is terminating while the finalizer keeps the binding.
        tenant.await_ready("calm", "Unknown", "WaitingForBinding").await;
        tenant.remove_binding_finalizer("plain").await;
        bed.kubectl(&["wait", "--for=delete", "--timeout=60s", &format!("crd/{kind}")]);
        bed.install_bindings();
        // A deletion under the earlier CRD does not count: the binding is absent, and its key still signs in.
        tenant.await_ready("calm", "Unknown", "RemovalPending").await;
        assert_eq!(tenant.slot_key().await, key);
        tenant.bind("plain", &key).await;

        tenant.await_ready("calm", "True", "Uploaded").await;
        assert_eq!(tenant.slot_key().await, key);
        assert_eq!(tenant.writes().await, ["+Put"]);
    });
}

#[test]
fn deleting_our_own_crd_leaves_the_keys_in_their_slots() {
    alone(Setup::default(), async |bed| {
        let client = bed.client.clone();
        let tenant = Tenant::create(&bed, "uninstalled", client.clone()).await;
        let key = tenant.make_key().await;
        tenant.write_secret("pasted", &key).await;
        tenant.apply_for_secret("calm", "pasted").await;
        tenant.await_ready("calm", "True", "Uploaded").await;

        bed.kubectl(&["delete", "crd", "almservicekeys.almkey.dev", "--timeout=60s"]);

        let slot = tenant.slot().await;
        assert_eq!((&slot["key"], &slot["owner"]), (&key, &Value::Null));
        assert_eq!(tenant.writes().await, ["+Put", "+Patch"]);
        // A tenant that still has its finalizer when the kind of its keys is gone must not wait for keys.
        tenant.patch_tenant(json!({ "metadata": { "finalizers": ["almkey.dev/keys"] } })).await;
        tenant.begin_tenant_deletion().await;
        tenant.await_tenant_gone("uninstalled").await;
    });
}

#[test]
fn a_source_that_becomes_invalid_keeps_its_good_key_until_that_dies() {
    scenario("turned-invalid", async |tenant| {
        let key = tenant.make_key().await;
        tenant.write_secret("pasted", &key).await;
        let spec = json!({
            "source": { "secretRef": { "name": "pasted" } }, "interval": "10s", "deadKey": { "after": "10s" },
        });
        tenant.apply("calm", spec).await;
        tenant.await_ready("calm", "True", "Uploaded").await;

        tenant.write_data("pasted", json!({ "key.json": "{ \"uaa\": " })).await;
        let object = tenant.await_ready("calm", "False", "InvalidJSON").await;
        assert_eq!(condition(&object, "Uploaded").0, "True");
        assert_eq!(condition(&object, "SignedIn").0, "True", "the key in the slot is still tested");
        assert_eq!(tenant.slot_key().await, key);

        tenant.revoke(&key).await;
        tenant.reconcile_now("calm", "now").await;
        tenant
            .await_key("calm", "removed", |object| {
                condition(object, "Uploaded") == ("False".into(), "DeadKeyRemoved".into())
            })
            .await;
        assert_eq!(tenant.slot_key().await, Value::Null);
        assert_eq!(tenant.writes().await, ["+Put", "+Delete"]);
    });
}
