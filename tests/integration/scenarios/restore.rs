//! Objects that come back as something else: restored, recreated, reinstalled.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};

use super::{alone, scenario};
use testkit::bed::key::condition;
use testkit::bed::{Setup, Tenant};

/// As if a backup of the object were restored: it goes without anybody cleaning up, and comes back as a new object.
async fn recreated(tenant: &Tenant<'_>, name: &str) {
    let object = tenant.keys().get(name).await.expect("it is there");
    let spec = serde_json::to_value(&object.spec).expect("JSON");
    tenant.patch(name, json!({ "metadata": { "finalizers": null } })).await;
    tenant.keys().delete(name, &DeleteParams::default()).await.expect("it can be deleted");
    tenant.await_gone(name).await;
    tenant.apply(name, spec).await;
}

#[test]
fn an_object_that_is_restored_without_its_status_finds_its_key_in_the_slot() {
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
        bed.operator.take().expect("it runs").kill();
        recreated(&Tenant::existing(&bed, "restored", client.clone()), "calm").await;
        bed.start_operator("operator-again");

        let tenant = Tenant::existing(&bed, "restored", client);
        let object = tenant.await_ready("calm", "True", "Uploaded").await;
        assert!(object.status.and_then(|status| status.uploaded).is_some(), "the ledger is found again");
        assert_eq!(tenant.writes().await, ["+Put"]);
        tenant.unbind("plain", &key).await;
        tenant.await_ready("calm", "False", "SourceGone").await;
        assert_eq!(tenant.slot_key().await, Value::Null);
    });
}

#[test]
fn an_object_that_is_restored_with_an_old_status_neither_loses_its_key_nor_uploads_it_again() {
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
        bed.operator.take().expect("it runs").kill();
        {
            let tenant = Tenant::existing(&bed, "old-status", client.clone());
            recreated(&tenant, "calm").await;
            let patch = Patch::Merge(json!({ "status": old_status }));
            tenant.keys().patch_status("calm", &PatchParams::default(), &patch).await.expect("it can be written");
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
fn a_binding_that_is_recreated_while_nobody_looks_brings_its_new_key() {
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
        bed.operator.take().expect("it runs").kill();
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
fn the_kind_servicebinding_that_is_reinstalled_brings_its_keys_back_without_a_write() {
    alone(Setup::default(), async |bed| {
        let client = bed.client.clone();
        let tenant = Tenant::create(&bed, "reinstalled", client.clone()).await;
        let key = tenant.make_key().await;
        tenant.bind("plain", &key).await;
        tenant.apply_for_binding("calm", "plain").await;
        tenant.await_ready("calm", "True", "Uploaded").await;

        let kinds: Api<CustomResourceDefinition> = Api::all(client);
        let kind = "servicebindings.services.cloud.sap.com";
        kinds.delete(kind, &DeleteParams::default()).await.expect("the kind can be deleted");
        // Its deletion is seen while BTP still keeps it.
        tenant.await_ready("calm", "Unknown", "WaitingForBinding").await;
        tenant.remove_binding_finalizer("plain").await;
        bed.kubectl(&["wait", "--for=delete", "--timeout=60s", &format!("crd/{kind}")]);
        bed.install_bindings();
        // That it was deleted under the earlier definition is no deletion now: it is absent, and its key lives.
        tenant.await_ready("calm", "Unknown", "RemovalPending").await;
        assert_eq!(tenant.slot_key().await, key);
        tenant.bind("plain", &key).await;

        tenant.await_ready("calm", "True", "Uploaded").await;
        assert_eq!(tenant.slot_key().await, key);
        assert_eq!(tenant.writes().await, ["+Put"]);
    });
}

#[test]
fn the_removal_of_our_own_kind_leaves_the_keys_where_they_are() {
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
    });
}

#[test]
fn a_source_that_turns_invalid_leaves_the_good_key_there_until_that_one_dies() {
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
        assert_eq!(condition(&object, "SignedIn").0, "True", "the key in the slot goes on being tested");
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
