//! The chart and the kustomizations of `deploy/`: both install the same objects.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use testkit::bed::cluster::package;
use testkit::bed::{Setup, TestBed};
use testkit::helm;

use super::run_uninstalled;
use crate::beds::report;

/// Labels that Helm's conventions add.
const LABELS: [&str; 4] =
    ["helm.sh/chart", "app.kubernetes.io/managed-by", "app.kubernetes.io/instance", "app.kubernetes.io/version"];
/// Annotation by which Helm keeps an object.
const KEEP: &str = "helm.sh/resource-policy";

/// Returns manifests by kind, namespace and name, without what only Helm adds, and without the operator's namespace, which
/// `helm install --create-namespace` creates.
fn comparable(manifests: &str) -> BTreeMap<String, Value> {
    let mut objects = BTreeMap::new();
    for mut object in helm::objects(manifests) {
        let metadata = object["metadata"].as_object_mut().expect("metadata");
        for (field, names) in [("labels", &LABELS[..]), ("annotations", &[KEEP][..])] {
            let Some(map) = metadata.get_mut(field).and_then(Value::as_object_mut) else { continue };
            map.retain(|name, _| !names.contains(&name.as_str()));
            if map.is_empty() {
                metadata.remove(field);
            }
        }
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let metadata = &object["metadata"];
        let id = format!("{} {}/{}", text(&object["kind"]), text(&metadata["namespace"]), text(&metadata["name"]));
        if object["kind"] != "Namespace" {
            assert!(objects.insert(id.clone(), object).is_none(), "{id} is there twice");
        }
    }
    objects
}

/// Returns a folder of `deploy/` relative to another folder, as kustomize demands it.
fn relative(from: &Path, folder: &str) -> PathBuf {
    let up: PathBuf = from.canonicalize().expect("a folder").components().skip(1).map(|_| "..").collect();
    let target = package().join(folder).canonicalize().expect("a folder");
    up.join(target.strip_prefix("/").expect("an absolute path"))
}

/// Renders folders of `deploy/` together.
fn kustomize(bed: &TestBed, resources: &[&str], components: &[&str]) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let paths = |folders: &[&str]| folders.iter().map(|it| relative(folder.path(), it)).collect::<Vec<_>>();
    let kustomization = json!({
        "apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization",
        "resources": paths(resources), "components": paths(components),
    });
    fs::write(folder.path().join("kustomization.yaml"), kustomization.to_string()).expect("a file");
    bed.kubectl(&["kustomize", &folder.path().display().to_string()])
}

/// Renders `deploy/namespaced` with the documented manifest of each namespace.
fn kustomize_namespaced(bed: &TestBed, namespaces: &[&str]) -> String {
    let mut manifests = kustomize(bed, &["deploy/namespaced"], &[]);
    let rendered = kustomize(bed, &["deploy/namespaced/namespace"], &[]);
    for namespace in namespaces {
        let mut binding = helm::objects(&rendered).remove(0);
        binding["metadata"]["namespace"] = json!(namespace);
        manifests.push_str("---\n");
        manifests.push_str(&binding.to_string());
        manifests.push('\n');
    }
    manifests
}

fn compare(what: &str, chart: &str, kustomization: &str) {
    let (chart, kustomization) = (comparable(chart), comparable(kustomization));
    let names = |objects: &BTreeMap<String, Value>| objects.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&chart), names(&kustomization), "{what}: the objects of the chart and of deploy/");
    for (name, object) in &chart {
        assert_eq!(object, &kustomization[name], "{what}: {name} of the chart and of deploy/");
    }
    report(&format!("{what}: {} equal objects in the chart and in deploy/", chart.len()));
}

#[test]
fn the_chart_and_the_kustomizations_install_the_same_objects() {
    run_uninstalled(Setup { bindings: false, ..Setup::default() }, async |bed| {
        let render = |arguments: &[&str]| helm::render(arguments).unwrap_or_else(|error| panic!("{error}"));
        compare("all namespaces", &render(&[]), &kustomize(&bed, &["deploy"], &[]));
        compare(
            "single namespaces",
            &render(&["--set", "namespaces={team-a,team-b}"]),
            &kustomize_namespaced(&bed, &["team-a", "team-b"]),
        );
        compare(
            "all namespaces with both policies",
            &render(&["--set", "networkPolicy.enabled=true,admissionPolicy.enabled=true"]),
            &kustomize(&bed, &["deploy", "deploy/admission"], &["deploy/network-policy"]),
        );
        compare(
            "all namespaces with monitoring",
            &render(&["--set", "podMonitor.enabled=true,prometheusRule.enabled=true,grafanaDashboard.enabled=true"]),
            &kustomize(&bed, &["deploy", "deploy/monitoring"], &[]),
        );
    });
}
