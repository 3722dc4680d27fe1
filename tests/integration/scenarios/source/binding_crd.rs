//! The kind ServiceBinding may be absent, appear later, and vanish.

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
        // A kind that is missing slows down nobody else.
        plain.write_secret("pasted", &plain.make_key().await).await;
        plain.apply_for_secret("calm", "pasted").await;
        plain.await_ready("calm", "True", "Uploaded").await;

        bed.install_bindings();
        let key = tenant.make_key().await;
        tenant.bind("plain", &key).await;
        tenant.await_ready("calm", "True", "Uploaded").await;

        // With its kind the binding goes too. That is no deletion by its owner: the key lives, and stays.
        let kinds: Api<CustomResourceDefinition> = Api::all(client);
        kinds.delete(BINDINGS, &DeleteParams::default()).await.expect("the kind can be deleted");
        tenant.await_ready("calm", "Unknown", "WaitingForBinding").await;
        let release = Patch::Merge(json!({ "metadata": { "finalizers": null } }));
        tenant.bindings().patch("plain", &PatchParams::default(), &release).await.expect("can be released");

        assert_eq!(tenant.slot_key().await, key);
        assert_eq!(tenant.writes().await, ["+Put"]);
    });
}
