//! The manifests below `deploy/`, and a tenant's credentials for Landscape Management.

use k8s_openapi::ByteString;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::json;

use crate::scenarios::scenario;
use testkit::names::NAMESPACE;

#[test]
fn the_manifests_can_be_applied_strictly_and_without_a_warning() {
    scenario("install", async |tenant| {
        let deploy = tenant.bed.manifests().display().to_string();
        let output = tenant
            .bed
            .control_plane
            .kubectl("admin")
            .args(["apply", "--server-side", "--validate=strict", "--force-conflicts", "-k", &deploy])
            .output()
            .expect("kubectl runs");
        let warnings = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{warnings}");
        assert_eq!(warnings, "", "no warnings");

        let deployments: Api<Deployment> = Api::namespaced(tenant.client.clone(), NAMESPACE);
        let deployment = deployments.get("alm-key-operator").await.expect("the object exists");
        let spec = deployment.spec.expect("its spec");
        assert_eq!(spec.replicas, Some(2), "one replica leads, one waits");
        let pod = spec.template.spec.and_then(|pod| pod.security_context).expect("a security context");
        assert_eq!(pod.run_as_non_root, Some(true));
        assert_eq!((pod.run_as_user, pod.run_as_group), (None, None), "OpenShift's restricted-v2 assigns them");
    });
}

// proves: reason LandscapeManagementUnauthorized
#[test]
fn corrected_credentials_of_a_tenant_are_used_for_its_waiting_keys() {
    scenario("mended", async |tenant| {
        let secrets: Api<Secret> = Api::namespaced(tenant.client.clone(), NAMESPACE);
        let right =
            secrets.get("mended").await.expect("the Secret exists").data.expect("its data")["clientSecret"].clone();
        let write = async |secret: &ByteString| {
            let patch = Patch::Merge(json!({ "data": { "clientSecret": secret } }));
            secrets.patch("mended", &PatchParams::default(), &patch).await.expect("the object is changed");
        };
        write(&ByteString(b"wrong".to_vec())).await;
        tenant.write_secret("pasted", &tenant.make_key().await).await;
        tenant.apply_for_secret("calm", "pasted").await;
        tenant.await_ready("calm", "False", "LandscapeManagementUnauthorized").await;

        write(&right).await;

        tenant.await_ready("calm", "True", "Uploaded").await;
    });
}

#[test]
fn a_tenant_is_ready_while_its_landscape_management_accepts_the_credentials() {
    scenario("connected", async |tenant| {
        let printed = tenant.bed.kubectl(&["wait", "almtenant/connected", "--for=condition=Ready", "--timeout=60s"]);
        assert!(printed.contains("condition met"), "{printed}");
        let secrets: Api<Secret> = Api::namespaced(tenant.client.clone(), NAMESPACE);
        let wrong = json!({ "stringData": { "clientSecret": "wrong" } });
        secrets
            .patch("connected", &PatchParams::default(), &Patch::Merge(&wrong))
            .await
            .expect("the object is changed");

        let printed =
            tenant.bed.kubectl(&["wait", "almtenant/connected", "--for=condition=Ready=False", "--timeout=60s"]);
        assert!(printed.contains("condition met"), "{printed}");
    });
}
