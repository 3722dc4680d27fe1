//! Manifests as `GitOps` tools apply them: server-side, strictly, and repeatedly.

use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use reqwest::Method;
use serde_json::{Value, json};

use crate::scenarios::scenario;
use testkit::bed::Tenant;
use testkit::bed::cluster::package;
use testkit::bed::request::{self, Answer};
use testkit::bed::tenant::create;
use testkit::names::NAMESPACE;

/// Returns the API path of an object.
pub(super) fn path(object: &Value) -> String {
    let api_version = object["apiVersion"].as_str().expect("a version");
    let root = if api_version.contains('/') { "apis" } else { "api" };
    let plural = match object["kind"].as_str().expect("a kind") {
        "ALMServiceKey" => "almservicekeys",
        "ALMTenant" => "almtenants",
        "Application" => "applications",
        "ConfigMap" => "configmaps",
        "Kustomization" => "kustomizations",
        "Namespace" => "namespaces",
        "Secret" => "secrets",
        "ServiceBinding" => "servicebindings",
        other => panic!("no plural is known for the kind of this sample: {other}"),
    };
    let name = object["metadata"]["name"].as_str().expect("a name");
    match object["metadata"]["namespace"].as_str() {
        Some(namespace) => format!("/{root}/{api_version}/namespaces/{namespace}/{plural}/{name}"),
        None => format!("/{root}/{api_version}/{plural}/{name}"),
    }
}

/// Applies an object server-side, with strict field validation.
pub(super) async fn apply(tenant: &Tenant<'_>, object: &Value, options: &str) -> Answer {
    let path = format!("{}?fieldManager=argocd-controller&fieldValidation=Strict{options}", path(object));
    request::apply(&tenant.client, &path, object).await
}

/// Returns manifests of the tenant and a key with every field that a user can set.
async fn full_manifests(tenant: &Tenant<'_>) -> [Value; 2] {
    let mut spec = json!(tenant.tenants().get(&tenant.name).await.expect("the object exists").spec);
    spec["acceptedCredentialTypes"] = json!(["binding-secret", "instance-secret"]);
    spec["endpointHosts"] = json!(["*.localhost", "*.ALM.cloud.sap"]);
    spec["acceptedServices"] = json!(["alm-ts-backend"]);
    spec["forbiddenScopes"] = json!(["calm-api.analytics.read"]);
    spec["adoptionPolicy"] = json!("Never");
    spec["landscapeManagement"]["http"]["timeout"] = json!("3000ms");
    let parameters = json!([{ "name": "resource", "value": "r" }, { "name": "audience", "value": "a" }]);
    spec["landscapeManagement"]["http"]["oauth2"]["scope"] = json!("openid .default");
    spec["landscapeManagement"]["http"]["oauth2"]["parameters"] = parameters;
    let fields = json!({ "scope": "openid .default", "resource": "r", "audience": "a" });
    tenant.admin(Method::PUT, "/tokens/fields", Some(fields)).await;
    let bundle = json!({ "metadata": { "name": tenant.name }, "data": { "ca.crt": tenant.bed.simulator.ca } });
    create(&Api::<ConfigMap>::namespaced(tenant.client.clone(), NAMESPACE), bundle).await;
    spec["signIn"]["caBundleRef"] = json!({ "kind": "ConfigMap", "name": tenant.name, "key": "ca.crt" });
    spec["signIn"].as_object_mut().expect("an object").remove("caBundle");
    // Another client has written this field, so an apply that leaves it out does not remove it.
    tenant.patch_tenant(json!({ "spec": { "signIn": { "caBundle": null } } })).await;
    let almtenant = json!({
        "apiVersion": "almkey.dev/v1alpha1", "kind": "ALMTenant", "metadata": { "name": tenant.name }, "spec": spec,
    });
    let key = json!({
        "apiVersion": "almkey.dev/v1alpha1", "kind": "ALMServiceKey",
        "metadata": { "name": "calm", "namespace": tenant.namespace },
        "spec": {
            "tenantRef": { "name": tenant.name },
            "source": { "secretRef": { "name": "pasted", "key": "key.json" } },
            "interval": "900s", "gracePeriod": "90m", "deadKey": { "action": "Report", "after": "0h10m" },
            "deletionPolicy": "Retain", "mode": "Enforce", "suspend": false,
        },
    });
    [almtenant, key]
}

/// Removes the times from the managed fields of an object.
fn without_times(mut object: Value) -> Value {
    for entry in object["metadata"]["managedFields"].as_array_mut().into_iter().flatten() {
        entry["time"].take();
    }
    object
}

#[test]
fn every_sample_can_be_applied_strictly_and_without_a_warning() {
    scenario("samples", async |tenant| {
        let mut kinds = Vec::new();
        let files = std::fs::read_dir(package().join("deploy/samples")).expect("the samples");
        for file in files.map(|file| file.expect("a file").path()) {
            if file.file_name().is_some_and(|name| name == "kustomization.yaml") {
                continue;
            }
            let text = std::fs::read_to_string(&file).expect("a sample");
            for document in serde_yaml_ng::Deserializer::from_str(&text) {
                let object: Value = serde::Deserialize::deserialize(document).expect("YAML");
                // The namespace must exist before a dry run in it.
                let options = if object["kind"] == "Namespace" { "" } else { "&dryRun=All" };
                let answer = apply(&tenant, &object, options).await;
                assert_eq!(answer.warnings, Vec::<String>::new(), "{}", file.display());
                kinds.push(answer.expect(&file.display().to_string())["kind"].clone());
            }
        }
        for kind in ["ALMServiceKey", "ALMTenant", "ServiceBinding"] {
            assert!(kinds.contains(&json!(kind)), "{kinds:?}");
        }
    });
}

#[test]
fn an_unknown_field_is_refused_by_name() {
    scenario("unknown-field", async |tenant| {
        for (mut object, field) in full_manifests(&tenant).await.into_iter().zip(["signin", "intervall"]) {
            object["spec"][field] = json!("15m");
            let answer = apply(&tenant, &object, "&dryRun=All&force=true").await;
            let message = answer.body["message"].as_str().unwrap_or_default();
            assert!(answer.status >= 400 && message.contains(&format!(".spec.{field}")), "{message}");
        }
    });
}

#[test]
fn an_applied_manifest_shows_no_drift_and_applying_it_again_changes_nothing() {
    scenario("gitops", async |tenant| {
        let manifests = full_manifests(&tenant).await;
        tenant.write_secret("pasted", &tenant.make_key().await).await;
        for manifest in &manifests {
            let answer = apply(&tenant, manifest, "&force=true").await;
            assert_eq!(answer.warnings, Vec::<String>::new());
            let made = answer.expect("the manifest is applied");
            assert_eq!(made["spec"], manifest["spec"], "the API server adds nothing to the spec");
        }
        tenant.await_ready("calm", "True", "Uploaded").await;
        tenant.bed.kubectl(&["wait", "almtenant/gitops", "--for=jsonpath={.status.slot.state}=Ours", "--timeout=60s"]);

        for manifest in &manifests {
            let live =
                request::read(&tenant.client, &path(manifest), "application/json").await.expect("the object exists");
            for options in ["&force=true&dryRun=All", "&force=true", "&dryRun=All"] {
                let again = apply(&tenant, manifest, options).await.expect("the manifest is applied again");
                assert_eq!(without_times(again), without_times(live.clone()), "{options}");
            }
        }
        assert_eq!(tenant.writes().await, ["+Put"]);
    });
}

/// Writes the manifests of the tenant and a key into a file, applies it in the way of these options, and waits until both
/// are in order. Then compares the file with the cluster as `kubectl diff` does, and checks that it would notice a change.
async fn check_no_diff(tenant: &Tenant<'_>, options: &[&str]) {
    let manifests = full_manifests(tenant).await;
    tenant.write_secret("pasted", &tenant.make_key().await).await;
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, items: &[Value]| {
        let file = folder.path().join(name);
        let list = json!({ "apiVersion": "v1", "kind": "List", "items": items });
        std::fs::write(&file, list.to_string()).expect("the manifests");
        file.display().to_string()
    };
    let applied = write("applied.json", &manifests);
    tenant.bed.kubectl(&[&["apply", "-f", &applied], options].concat());
    tenant.await_ready("calm", "True", "Uploaded").await;
    tenant.await_tenant(&tenant.name, "True", "Connected").await;

    assert_eq!(tenant.bed.kubectl(&[&["diff", "-f", &applied], options].concat()), "");
    for manifest in &manifests {
        let live = request::read(&tenant.client, &path(manifest), "application/json").await.expect("the object exists");
        assert_eq!(live["spec"], manifest["spec"], "nothing is added below spec, which is what Argo CD compares");
    }

    let mut changed = manifests;
    changed[1]["spec"]["interval"] = json!("30m");
    let changed = write("changed.json", &changed);
    let mut diff = tenant.bed.control_plane.kubectl("admin");
    let output = diff.args(["diff", "-f", &changed]).args(options).output().expect("kubectl can be started");
    assert_eq!(output.status.code(), Some(1), "kubectl's code for a difference");
}

#[test]
fn kubectl_diff_is_empty_after_a_server_side_apply_and_a_reconciliation() {
    scenario("diff-server-side", async |tenant| {
        check_no_diff(&tenant, &["--server-side", "--force-conflicts"]).await;
    });
}

#[test]
fn kubectl_diff_is_empty_after_a_client_side_apply_and_a_reconciliation() {
    scenario("diff-client-side", async |tenant| check_no_diff(&tenant, &[]).await);
}
