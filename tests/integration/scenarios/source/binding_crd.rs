//! The ServiceBinding CRD is absent at first, installed later, and removed.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::json;

use crate::scenarios::alone;
use testkit::bed::{Setup, Tenant};

const BINDINGS: &str = "servicebindings.services.cloud.sap.com";

#[test]
fn the_servicebinding_crd_may_come_late_and_vanish_without_losing_a_key() {
    let setup = Setup { bindings: false, ..Setup::default() };
    alone(setup, async |bed| {
        let client = bed.client.clone();
        let tenant = Tenant::create(&bed, "kinds", client.clone()).await;
        let plain = Tenant::create(&bed, "plain", client.clone()).await;
        tenant.apply_for_binding("calm", "plain").await;
        tenant.await_ready("calm", "Unknown", "WaitingForBinding").await;
        // A missing CRD does not delay keys from plain Secrets.
        plain.write_secret("pasted", &plain.make_key().await).await;
        plain.apply_for_secret("calm", "pasted").await;
        plain.await_ready("calm", "True", "Uploaded").await;

        bed.install_bindings();
        let key = tenant.make_key().await;
        tenant.bind("plain", &key).await;
        tenant.await_ready("calm", "True", "Uploaded").await;

        // The binding is removed with its CRD, not by its user. The key still signs in, and stays in the slot.
        let kinds: Api<CustomResourceDefinition> = Api::all(client);
        kinds.delete(BINDINGS, &DeleteParams::default()).await.expect("the CRD can be deleted");
        tenant.await_ready("calm", "Unknown", "WaitingForBinding").await;
        let release = Patch::Merge(json!({ "metadata": { "finalizers": null } }));
        tenant.bindings().patch("plain", &PatchParams::default(), &release).await.expect("the finalizer is removed");

        assert_eq!(tenant.slot_key().await, key);
        assert_eq!(tenant.writes().await, ["+Put"]);
    });
}
