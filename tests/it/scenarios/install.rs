//! What `deploy/` installs.

use k8s_openapi::api::apps::v1::Deployment;
use kube::Api;

use super::scenario;
use crate::world::cluster::package;
use crate::world::operator::NAMESPACE;

#[test]
fn the_manifests_install_definitions_roles_and_a_deployment_without_a_warning() {
    scenario("install", async |tenant| {
        let deploy = package().join("deploy").display().to_string();
        let output = tenant
            .world
            .control_plane
            .kubectl("admin")
            .args(["apply", "--server-side", "--validate=strict", "--force-conflicts", "-k", &deploy])
            .output()
            .expect("kubectl runs");
        let warnings = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{warnings}");
        assert_eq!(warnings, "", "no warnings");

        let deployments: Api<Deployment> = Api::namespaced(tenant.client.clone(), NAMESPACE);
        let deployment = deployments.get("alm-key-operator").await.expect("it is there");
        let replicas = deployment.spec.and_then(|spec| spec.replicas);
        assert_eq!(replicas, Some(1), "there is no leader election yet");
    });
}

#[test]
fn a_tenant_says_whether_its_landscape_management_can_be_used() {
    scenario("connected", async |tenant| {
        let explained =
            tenant.world.kubectl(&["wait", "almtenant/connected", "--for=condition=Ready", "--timeout=60s"]);
        assert!(explained.contains("condition met"), "{explained}");
        let secrets: Api<k8s_openapi::api::core::v1::Secret> = Api::namespaced(tenant.client.clone(), NAMESPACE);
        let wrong = serde_json::json!({ "stringData": { "clientSecret": "wrong" } });
        let params = kube::api::PatchParams::default();
        secrets.patch("connected", &params, &kube::api::Patch::Merge(&wrong)).await.expect("can be changed");

        let explained =
            tenant.world.kubectl(&["wait", "almtenant/connected", "--for=condition=Ready=False", "--timeout=60s"]);
        assert!(explained.contains("condition met"), "{explained}");
    });
}
