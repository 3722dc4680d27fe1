//! The samples for Argo CD and Flux, the configuration of Argo CD, and the commands for a pipeline.

use std::fs;

use serde::Deserialize as _;
use serde_json::{Value, json};
use xtask::argocd;

use super::gitops::apply;
use crate::scenarios::{scenario, upload};
use testkit::bed::cluster::package;
use testkit::bed::tenant::ensure_namespace;
use testkit::bed::{Tenant, TestBed};
use testkit::documented::{self, Shell};

/// The definitions of the kinds of Argo CD and Flux that the samples have.
const DEFINITIONS: [(&str, &str); 2] = [
    ("argo-cd-application-crd.yaml", "crd/applications.argoproj.io"),
    ("flux-kustomization-crd.yaml", "crd/kustomizations.kustomize.toolkit.fluxcd.io"),
];

/// Returns the objects in a file with several documents.
fn read_all(text: &str) -> Vec<Value> {
    let documents = serde_yaml_ng::Deserializer::from_str(text);
    documents.map(|document| Value::deserialize(document).expect("YAML")).collect()
}

fn read(path: &str) -> String {
    fs::read_to_string(package().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Returns what kustomize renders of a folder in `deploy/`.
fn render(bed: &TestBed, folder: &str) -> Vec<Value> {
    read_all(&bed.kubectl(&["kustomize", &package().join("deploy").join(folder).display().to_string()]))
}

async fn check_accepted(tenant: &Tenant<'_>, objects: &[Value]) {
    for object in objects {
        ensure_namespace(&tenant.client, object["metadata"]["namespace"].as_str().expect("a namespace")).await;
        let answer = apply(tenant, object, "&dryRun=All").await;
        assert_eq!(answer.warnings, Vec::<String>::new(), "{}", object["metadata"]["name"]);
        answer.expect("the sample is accepted");
    }
}

#[test]
fn the_samples_for_argo_cd_and_flux_are_accepted_without_a_warning() {
    scenario("gitops-samples", async |tenant| {
        for (file, definition) in DEFINITIONS {
            tenant.bed.control_plane.apply(&read(&format!("tests/data/{file}"))).expect("the definition is applied");
            tenant.bed.kubectl(&["wait", "--for=condition=Established", "--timeout=30s", definition]);
        }
        check_accepted(&tenant, &read_all(&read("deploy/argocd/sample/applications.yaml"))).await;
        check_accepted(&tenant, &read_all(&read("deploy/flux/kustomizations.yaml"))).await;
    });
}

#[test]
fn the_waves_for_argo_cd_apply_the_tenant_the_key_and_the_workload_in_this_order() {
    scenario("waves", async |tenant| {
        let mut waves: Vec<(i32, String)> = render(tenant.bed, "argocd/sample")
            .iter()
            .map(|object| {
                let wave = object["metadata"]["annotations"]["argocd.argoproj.io/sync-wave"].as_str();
                let wave = wave.and_then(|wave| wave.parse().ok()).expect("each object has a wave");
                (wave, object["kind"].as_str().expect("a kind").to_owned())
            })
            .collect();
        waves.sort();
        let kinds: Vec<&str> = waves.iter().map(|(_, kind)| kind.as_str()).collect();
        assert_eq!(kinds, ["Namespace", "ALMTenant", "ServiceBinding", "ALMServiceKey", "Deployment"]);
        assert!(waves.windows(2).all(|pair| pair[0].0 < pair[1].0), "no two of them share a wave: {waves:?}");
    });
}

#[test]
fn each_kustomization_of_flux_waits_for_the_one_before_it() {
    let kustomizations = read_all(&read("deploy/flux/kustomizations.yaml"));
    let name = |object: &Value| object["metadata"]["name"].clone();
    for pair in kustomizations.windows(2) {
        assert_eq!(pair[1]["spec"]["dependsOn"], json!([{ "name": name(&pair[0]) }]));
    }
    let policies: Vec<_> = kustomizations.iter().map(|object| &object["spec"]["deletionPolicy"]).collect();
    assert_eq!(policies, [&json!("Orphan"), &json!("WaitForTermination"), &json!("WaitForTermination"), &Value::Null]);
}

#[test]
fn the_configuration_of_argo_cd_is_that_of_the_scripts() {
    assert_eq!(read(argocd::CONFIG_MAP), argocd::config_map().expect("the scripts"), "run `make generate`");
}

#[test]
fn the_component_for_argo_cd_adds_the_scripts_to_its_own_configuration() {
    scenario("argocd-component", async |tenant| {
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("a file");
        fs::create_dir(folder.path().join("component")).expect("a folder");
        for name in ["kustomization.yaml", "argocd-cm.yaml"] {
            write(&format!("component/{name}"), &read(&format!("deploy/argocd/{name}")));
        }
        let own = "{apiVersion: v1, kind: ConfigMap, metadata: {name: argocd-cm}, data: {url: https://argocd.example}}";
        write("argocd-cm.yaml", own);
        let text = "namespace: argocd\nresources: [argocd-cm.yaml]\ncomponents: [component]\n";
        write("kustomization.yaml", text);

        let rendered = read_all(&tenant.bed.kubectl(&["kustomize", &folder.path().display().to_string()])).remove(0);
        ensure_namespace(&tenant.client, "argocd").await;
        tenant.bed.kubectl(&[
            "apply",
            "-n",
            "argocd",
            "-f",
            &folder.path().join("argocd-cm.yaml").display().to_string(),
        ]);
        documented::one("docs/gitops.md#argo-cd", "kubectl patch").must_run(&Shell::of_admin(tenant.bed), &[]);
        let patched = tenant.bed.kubectl(&["get", "-n", "argocd", "configmap/argocd-cm", "-o", "json"]);
        let patched: Value = serde_json::from_str(&patched).expect("JSON");
        assert_eq!(patched["data"], rendered["data"], "both ways of the documentation lead to the same");

        let data = rendered["data"].as_object().expect("data");
        let added =
            ["health.almkey.dev_ALMServiceKey", "actions.almkey.dev_ALMServiceKey", "health.almkey.dev_ALMTenant"];
        assert_eq!(data.len(), 1 + added.len(), "{:?}", data.keys());
        for name in added {
            assert!(data[&format!("resource.customizations.{name}")].is_string(), "{name}");
        }
        let actions = &data["resource.customizations.actions.almkey.dev_ALMServiceKey"];
        let actions: Value = serde_yaml_ng::from_str(actions.as_str().expect("a text")).expect("YAML");
        let names: Vec<_> = actions["definitions"].as_array().expect("actions").iter().map(|it| &it["name"]).collect();
        assert_eq!(names, ["reconcile", "resume", "suspend"]);
        let folder = "deploy/argocd/resource_customizations/almkey.dev/ALMServiceKey/actions";
        assert_eq!(actions["discovery.lua"], read(&format!("{folder}/discovery.lua")));
    });
}

#[test]
fn the_documented_commands_of_a_pipeline_end_once_the_rotated_key_is_uploaded() {
    scenario("pipeline", async |tenant| {
        upload(&tenant).await;
        let new = tenant.make_key().await;
        tenant.write_secret("pasted", &new).await;

        let commands = documented::all("docs/gitops.md#wait-in-a-pipeline");
        documented::must_run_together(&commands, &Shell::of_admin(tenant.bed), &[("team-a", "pipeline")]);

        assert_eq!(tenant.slot_key().await, new);
    });
}
