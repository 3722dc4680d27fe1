//! The supported versions of Kubernetes: one statement in the documentation, the code and the test kit.

use std::fs;

use testkit::bed::cluster::package;

fn read(path: &str) -> String {
    fs::read_to_string(package().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Returns the version of Kubernetes in a module of the test kit, such as `1.33.13`.
pub(crate) fn version(module: &str) -> String {
    let text = read(&format!("testkit/go/{module}/go.mod"));
    let (_, rest) = text.split_once("k8s.io/kubernetes v").expect("a version of Kubernetes");
    rest.split_whitespace().next().expect("a version").to_owned()
}

/// Returns a version without its last number.
fn minor(version: &str) -> &str {
    version.rsplit_once('.').expect("three numbers").0
}

#[test]
fn the_documented_versions_are_those_that_are_tested() {
    let page = read("docs/operations.md");
    let (_, section) = page.split_once("\n## Supported Kubernetes versions\n").expect("the section");
    let section = section.split("\n## ").next().expect("its text");
    for version in [version("controlplane-oldest"), version("controlplane")] {
        assert!(section.contains(&version), "the section does not name {version}");
    }
}

#[test]
fn the_types_of_kubernetes_are_those_of_the_oldest_supported_version() {
    let oldest = version("controlplane-oldest");
    let feature = format!("\"v{}\"", minor(&oldest).replace('.', "_"));
    assert!(read("Cargo.toml").contains(&feature), "k8s-openapi must have the feature {feature}");
}

#[test]
fn each_control_plane_reports_the_version_that_it_was_built_from() {
    let code = read("testkit/src/control_plane/kubernetes.rs");
    for version in [version("controlplane-oldest"), version("controlplane")] {
        let (major, number) = minor(&version).split_once('.').expect("two numbers");
        let flags = format!("gitMajor={major} -X k8s.io/component-base/version.gitMinor={number}");
        assert!(code.contains(&format!("gitVersion=v{version} ")) && code.contains(&flags), "no flags for {version}");
    }
}
