//! The Secret that each tool writes, with the metadata that it sets: none of it keeps a key from being uploaded.
//!
//! The facts are those of the tools' own sources: `ConnectionSecretFor` of crossplane-runtime and the connection details of
//! crossplane-provider-btp; the controller of external-secrets (v1) and its `dataFrom.extract`; `Unseal` of sealed-secrets;
//! the attribute `credentials` of `btp_subaccount_service_binding` and `kubernetes_secret_v1` of Terraform's providers;
//! kubectl. The forms of the SAP BTP service operator are in `layouts.rs`, and recorded in `tests/data`.

use k8s_openapi::api::core::v1::Secret;
use kube::api::{DeleteParams, PostParams};
use serde_json::{Value, json};

use crate::scenarios::scenario;
use testkit::bed::Tenant;
use testkit::bed::tenant::from_json;

/// A tool: its name, and the Secret that it writes for a key.
type Tool = (&'static str, fn(&Value) -> Value);

const TOOLS: [Tool; 7] = [
    ("crossplane-provider-btp", |key| {
        json!({
            "metadata": { "ownerReferences": [owner("account.btp.sap.crossplane.io/v1alpha1", "ServiceBinding")] },
            "type": "connection.crossplane.io/v1alpha1",
            "stringData": {
                "__raw": text(key), "uaa": text(&key["uaa"]), "endpoints": text(&key["endpoints"]),
            },
        })
    }),
    ("External Secrets, data", |key| external_secret(&json!({ "key.json": text(key) }))),
    ("External Secrets, dataFrom", |key| {
        external_secret(&json!({ "uaa": text(&key["uaa"]), "endpoints": text(&key["endpoints"]) }))
    }),
    ("Sealed Secrets", |key| {
        json!({
            "metadata": { "ownerReferences": [owner("bitnami.com/v1alpha1", "SealedSecret")] },
            "type": "Opaque",
            "stringData": { "key.json": text(key) },
        })
    }),
    (
        "Terraform",
        |key| json!({ "metadata": {}, "type": "Opaque", "immutable": false, "stringData": { "key.json": text(key) } }),
    ),
    (
        "kubectl create secret generic --from-file",
        |key| json!({ "metadata": {}, "type": "Opaque", "stringData": { "downloaded.txt": format!("{key:#}\n") } }),
    ),
    ("kubectl apply, with the values in an annotation", |key| {
        let applied = json!({ "stringData": { "key.json": text(key) } }).to_string();
        json!({
            "metadata": { "annotations": { "kubectl.kubernetes.io/last-applied-configuration": applied } },
            "type": "Opaque",
            "stringData": { "key.json": text(key) },
        })
    }),
];

fn text(value: &Value) -> String {
    value.to_string()
}

/// Returns the Secret of an `ExternalSecret` with `creationPolicy: Owner`.
fn external_secret(data: &Value) -> Value {
    json!({
        "metadata": {
            "ownerReferences": [owner("external-secrets.io/v1", "ExternalSecret")],
            "labels": { "reconcile.external-secrets.io/managed": "true" },
            "annotations": { "reconcile.external-secrets.io/data-hash": "cf5e81eb0924f811a703af219be28c97" },
        },
        "type": "Opaque",
        "immutable": false,
        "stringData": data,
    })
}

/// Returns a reference to the object of another tool that controls the Secret.
fn owner(api_version: &str, kind: &str) -> Value {
    json!({
        "apiVersion": api_version, "kind": kind, "name": "calm", "uid": "55555555-5555-5555-5555-555555555555",
        "controller": true, "blockOwnerDeletion": true,
    })
}

/// Writes the Secret as the tool does: anew for the first key, and in place for the next one.
async fn write(tenant: &Tenant<'_>, name: &str, mut secret: Value) {
    secret["metadata"]["name"] = json!(name);
    let secrets = tenant.secrets();
    let present = secrets.get_opt(name).await.expect("secrets can be read");
    let mut secret: Secret = from_json(secret);
    if let Some(present) = present {
        secret.metadata.resource_version = present.metadata.resource_version;
        secrets.replace(name, &PostParams::default(), &secret).await.expect("secrets can be replaced");
    } else {
        secrets.create(&PostParams::default(), &secret).await.expect("secrets can be created");
    }
}

#[test]
fn the_key_in_the_secret_of_each_documented_tool_is_uploaded_and_rotated() {
    scenario("tools", async |tenant| {
        for (number, (tool, form)) in TOOLS.into_iter().enumerate() {
            let name = format!("tool-{number}");
            for _ in ["first", "rotated"] {
                let key = tenant.make_key().await;
                write(&tenant, &name, form(&key)).await;
                if number == 0 && tenant.keys().get_opt("calm").await.expect("objects can be read").is_none() {
                    tenant.apply_for_secret("calm", &name).await;
                }
                tenant.patch("calm", json!({ "spec": { "source": { "secretRef": { "name": name } } } })).await;
                tenant.await_uploaded("calm", &key).await;
                assert_eq!(tenant.slot_key().await, key, "{tool}");
            }
            if number > 0 {
                let before = format!("tool-{}", number - 1);
                tenant.secrets().delete(&before, &DeleteParams::default()).await.expect("secrets can be deleted");
            }
        }
        let writes = tenant.writes().await;
        assert!(writes.iter().all(|write| write == "+Put"), "each upload replaces the one before: {writes:?}");
    });
}
