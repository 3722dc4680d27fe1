//! Objects are restored before their bindings.

use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::json;

use super::operations::effective_writes;
use crate::beds::{report, run_with_bed};
use testkit::bed::{Setup, Tenant};

/// Removes the contents of the namespace without any clean-up, and restores the object alone, with or without its status.
async fn restore_object_alone(tenant: &Tenant<'_>, with_status: bool) {
    let object = tenant.keys().get("calm").await.expect("the object exists");
    let none = Patch::Merge(json!({ "metadata": { "finalizers": null } }));
    tenant.bindings().patch("plain", &PatchParams::default(), &none).await.expect("a binding can be changed");
    tenant.bindings().delete("plain", &DeleteParams::default()).await.expect("a binding can be deleted");
    tenant.delete_secret("plain").await;
    tenant.patch("calm", json!({ "metadata": { "finalizers": null } })).await;
    tenant.delete("calm").await;
    tenant.apply("calm", serde_json::to_value(&object.spec).expect("JSON")).await;
    if with_status {
        let status = Patch::Merge(json!({ "status": object.status }));
        tenant.keys().patch_status("calm", &PatchParams::default(), &status).await.expect("the status can be written");
    }
}

#[test]
fn objects_restored_before_their_bindings_keep_their_living_keys() {
    run_with_bed(Setup::default(), async |mut bed| {
        let client = bed.client.clone();
        let (mut keys, names) = (Vec::new(), ["with-status", "without-status"]);
        for name in names {
            let tenant = Tenant::create(&bed, name, client.clone()).await;
            let key = tenant.make_key().await;
            tenant.bind("plain", &key).await;
            tenant.apply_for_binding("calm", "plain").await;
            tenant.await_ready("calm", "True", "Uploaded").await;
            keys.push(key);
        }
        bed.operator.take().expect("the operator runs").kill();
        for name in names {
            restore_object_alone(&Tenant::existing(&bed, name, client.clone()), name == "with-status").await;
        }
        bed.start_operator("operator-again");

        let tenant = |name: &str| Tenant::existing(&bed, name, client.clone());
        // The status names a binding that is absent now: while its key lives, absence must last before it counts.
        tenant("with-status").await_ready("calm", "Unknown", "RemovalPending").await;
        // Without a status the binding was never seen.
        tenant("without-status").await_ready("calm", "Unknown", "WaitingForBinding").await;
        for (name, key) in names.iter().zip(&keys) {
            assert_eq!(tenant(name).slot_key().await, *key, "{name}");
            tenant(name).bind("plain", key).await;
        }
        for (name, key) in names.iter().zip(&keys) {
            tenant(name).await_ready("calm", "True", "Uploaded").await;
            assert_eq!(tenant(name).slot_key().await, *key, "{name}");
            assert_eq!(effective_writes(&tenant(name)).await, ["+Put"], "{name}");
        }
        report("api-server: objects restored before their bindings, with and without status: 0 living keys deleted");
    });
}
