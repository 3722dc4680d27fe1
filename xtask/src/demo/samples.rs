//! `deploy/samples`, applied with the address and the credentials of the simulator.

use kube::api::{DynamicObject, Patch, PatchParams};
use kube::core::GroupVersionKind;
use kube::discovery::pinned_kind;
use kube::{Api, Client};
use serde::Deserialize;
use serde_json::{Value, json};

use testkit::bed::TestBed;
use testkit::bed::cluster::package;

/// Applies a file of `deploy/samples`. `landscape` is what the simulator says about the tenant.
pub async fn apply(bed: &TestBed, file: &str, landscape: &Value) {
    for document in documents(bed, file, landscape) {
        apply_document(&bed.client, &document).await;
    }
}

/// Returns the objects of a file of `deploy/samples`, with the address and the credentials of the simulator.
pub fn documents(bed: &TestBed, file: &str, landscape: &Value) -> Vec<Value> {
    let path = package().join("deploy/samples").join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let adapt = |document| {
        let mut document = Value::deserialize(document).expect("YAML");
        match document["kind"].as_str() {
            Some("ALMTenant") => connect(&mut document, bed, landscape),
            Some("Secret") => {
                document["stringData"] =
                    json!({ "clientId": landscape["clientId"], "clientSecret": landscape["clientSecret"] });
            }
            _ => {}
        }
        document
    };
    serde_yaml_ng::Deserializer::from_str(&text).map(adapt).collect()
}

/// Points the tenant of the samples at the simulator.
fn connect(tenant: &mut Value, bed: &TestBed, landscape: &Value) {
    if let Some(http) = tenant["spec"]["landscapeManagement"].get_mut("http") {
        http["url"] = landscape["url"].clone();
        http["oauth2"]["tokenUrl"] = landscape["tokenUrl"].clone();
        http["caBundle"] = json!(bed.simulator.ca);
    }
    tenant["spec"]["signIn"] = json!({
        "hosts": [format!("*.authentication.localhost:{}", bed.simulator.port)],
        "caBundle": bed.simulator.ca,
        "allowPrivateNetworks": true,
    });
}

async fn apply_document(client: &Client, document: &Value) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (version, kind) = (text(&document["apiVersion"]), text(&document["kind"]));
    let (group, version) = version.rsplit_once('/').unwrap_or(("", &version));
    let (resource, _) = pinned_kind(client, &GroupVersionKind::gvk(group, version, &kind))
        .await
        .expect("a kind that the API server knows");
    let api: Api<DynamicObject> = match document["metadata"]["namespace"].as_str() {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    };
    let name = text(&document["metadata"]["name"]);
    let parameters = PatchParams::apply("demo").force();
    api.patch(&name, &parameters, &Patch::Apply(document))
        .await
        .unwrap_or_else(|error| panic!("{kind} {name}: {error}"));
}
