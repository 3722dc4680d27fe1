//! References of our kinds after kustomize has renamed objects, with the configuration that is shipped for it.

use std::fs;

use serde_json::Value;

use crate::scenarios::scenario;
use testkit::bed::cluster::package;

const MANIFESTS: &str = "
apiVersion: almkey.dev/v1alpha1
kind: ALMTenant
metadata: {name: acme}
spec:
  identityZone: acme-calm
  landscapeManagement:
    http:
      url: https://a.example
      oauth2: {tokenUrl: https://b.example, secretRef: {name: landscape}}
      caBundleRef: {kind: ConfigMap, name: trusted, key: ca.crt}
  signIn: {caBundleRef: {kind: Secret, name: authority, key: ca.crt}}
---
apiVersion: almkey.dev/v1alpha1
kind: ALMServiceKey
metadata: {name: pasted}
spec: {tenantRef: {name: acme}, source: {secretRef: {name: calm}}}
---
apiVersion: almkey.dev/v1alpha1
kind: ALMServiceKey
metadata: {name: bound}
spec: {tenantRef: {name: acme}, source: {serviceBindingRef: {name: binding}}}
---
apiVersion: services.cloud.sap.com/v1
kind: ServiceBinding
metadata: {name: binding}
spec: {serviceInstanceName: calm}
";

const KUSTOMIZATION: &str = "
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namePrefix: test-
resources: [manifests.yaml]
configurations: [name-reference.yaml]
secretGenerator:
  - {name: calm, literals: [key.json=invented]}
  - {name: landscape, literals: [client_id=invented]}
  - {name: authority, literals: [ca.crt=invented]}
configMapGenerator:
  - {name: trusted, literals: [ca.crt=invented]}
";

#[test]
fn kustomize_renames_every_reference_of_our_kinds_with_the_shipped_configuration() {
    scenario("kustomize", async |tenant| {
        let folder = tempfile::tempdir().expect("a folder");
        let configuration = fs::read_to_string(package().join("deploy/kustomize/name-reference.yaml"));
        for (name, text) in [
            ("manifests.yaml", MANIFESTS),
            ("kustomization.yaml", KUSTOMIZATION),
            ("name-reference.yaml", &configuration.expect("the shipped configuration")),
        ] {
            fs::write(folder.path().join(name), text).expect("a file");
        }

        let rendered = tenant.bed.kubectl(&["kustomize", &folder.path().display().to_string()]);

        check(&rendered);
    });
}

/// Checks that each reference names the renamed object.
fn check(rendered: &str) {
    let objects: Vec<Value> =
        rendered.split("\n---\n").map(|object| serde_yaml_ng::from_str(object).expect("YAML")).collect();
    let named = |kind: &str, name: &str| {
        let found = objects.iter().find(|object| {
            let found = object["metadata"]["name"].as_str().unwrap_or_default();
            object["kind"] == kind && found.starts_with(&format!("test-{name}"))
        });
        found.unwrap_or_else(|| panic!("no {kind} {name}"))
    };
    let name = |kind: &str, of: &str| &named(kind, of)["metadata"]["name"];
    assert_ne!(*name("Secret", "calm"), "test-calm", "kustomize has added a hash");
    let pasted = &named("ALMServiceKey", "pasted")["spec"];
    assert_eq!(pasted["source"]["secretRef"]["name"], *name("Secret", "calm"));
    assert_eq!(pasted["tenantRef"]["name"], "test-acme");
    let bound = &named("ALMServiceKey", "bound")["spec"];
    assert_eq!(bound["source"]["serviceBindingRef"]["name"], "test-binding");
    let tenant = &named("ALMTenant", "acme")["spec"];
    let credentials = &tenant["landscapeManagement"]["http"]["oauth2"]["secretRef"]["name"];
    assert_eq!(credentials, name("Secret", "landscape"));
    assert_eq!(tenant["landscapeManagement"]["http"]["caBundleRef"]["name"], *name("ConfigMap", "trusted"));
    assert_eq!(tenant["signIn"]["caBundleRef"]["name"], *name("Secret", "authority"));
}
