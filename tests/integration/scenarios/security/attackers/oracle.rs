//! Status and Events as an oracle for Secrets, rules or the slot that a user may not read.

use alm_key_operator::api::ALMServiceKey;
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use serde_json::{Value, json};

use crate::scenarios::scenario;
use testkit::bed::Tenant;
use testkit::bed::key::{condition, message};
use testkit::bed::tenant::{create, ensure_namespace};

/// Returns the status as JSON, without times and without the name of the source.
fn anonymous_status(object: &ALMServiceKey, source: &str) -> Value {
    let mut status = serde_json::to_value(&object.status).expect("JSON");
    for condition in status["conditions"].as_array_mut().into_iter().flatten() {
        condition["lastTransitionTime"].take();
    }
    let text = status.to_string().replace(&format!("\\\"{source}\\\""), "\\\"SOURCE\\\"");
    serde_json::from_str(&text).expect("still JSON")
}

/// Creates a Secret with a key in another namespace.
async fn create_secret_elsewhere(tenant: &Tenant<'_>, namespace: &str, name: &str, key: &Value) {
    ensure_namespace(&tenant.client, namespace).await;
    let secrets: Api<Secret> = Api::namespaced(tenant.client.clone(), namespace);
    create(&secrets, json!({ "metadata": { "name": name }, "stringData": { "key.json": key.to_string() } })).await;
}

#[test]
fn a_secret_in_another_namespace_looks_like_a_missing_one() {
    scenario("oracle", async |tenant| {
        create_secret_elsewhere(&tenant, "oracle-elsewhere", "theirs", &tenant.make_key().await).await;
        let mut answers = Vec::new();
        for source in ["theirs", "missing"] {
            tenant.apply_for_secret(source, source).await;
            let object = tenant.await_ready(source, "Unknown", "WaitingForSecret").await;
            let event = tenant.await_event(source, "WaitingForSecret").await;
            answers.push((anonymous_status(&object, source), event.note.map(|note| note.replace(source, "SOURCE"))));
        }
        assert_eq!(answers[0], answers[1]);
        assert_eq!(tenant.calls(&["SignIn", "Put"]).await, Vec::<Value>::new());
    });
}

#[test]
fn a_secret_name_with_a_path_does_not_leave_the_namespace() {
    scenario("traversal", async |tenant| {
        create_secret_elsewhere(&tenant, "traversal-elsewhere", "theirs", &tenant.make_key().await).await;
        let names = ["../../traversal-elsewhere/secrets/theirs", "theirs?watch=true", "theirs/status", ".."];
        for (number, secret) in names.iter().enumerate() {
            let name = format!("path-{number}");
            let binding = json!({
                "apiVersion": "services.cloud.sap.com/v1", "kind": "ServiceBinding",
                "metadata": { "name": name }, "spec": { "secretName": secret },
            });
            create(&tenant.bindings(), binding).await;
            tenant.mark_binding_ready(&name, "11111111-1111-1111-1111-111111111111").await;
            tenant.apply_for_binding(&name, &name).await;
            let object = tenant.await_ready(&name, "Unknown", "WaitingForBinding").await;
            let text = message(&object, "Ready");
            assert!(text.contains("spec.secretName is not a valid name of a Secret"), "{text}");
            assert!(!text.contains("theirs"), "{text}");
        }
        assert_eq!(tenant.calls(&["SignIn", "Put"]).await, Vec::<Value>::new());
    });
}

#[test]
fn an_unadmitted_namespace_learns_nothing_of_secrets_the_slot_or_the_tenant() {
    scenario("unadmitted", async |tenant| {
        let theirs = tenant.make_key().await;
        tenant.fill_slot(&theirs, Some(json!({ "clusterID": "other", "namespace": "hidden", "name": "owner" }))).await;
        tenant.patch_tenant(json!({ "spec": { "allowedNamespaces": ["other"] } })).await;
        tenant.write_secret("genuine", &tenant.make_key().await).await;
        let mut foreign = tenant.make_key().await;
        foreign["uaa"]["url"] = json!("https://evil.example");
        tenant.write_secret("foreign", &foreign).await;
        tenant.write_data("password", json!({ "password": "CANARY" })).await;

        let mut answers = Vec::new();
        for source in ["genuine", "foreign", "password", "missing"] {
            tenant.apply_for_secret(source, source).await;
            let object = tenant.await_ready(source, "False", "NamespaceNotAllowed").await;
            assert!(object.metadata.finalizers.is_none());
            answers.push(anonymous_status(&object, source));
        }
        for answer in &answers {
            assert_eq!(answer, &answers[0], "the status must not depend on the source");
        }
        let text = answers[0].to_string();
        for hidden in ["authentication.localhost", "hidden", "owner", "alm.cloud.sap", "instance-secret"] {
            assert!(!text.contains(hidden), "{hidden} in {text}");
        }
        assert_eq!(tenant.calls(&["SignIn", "Put"]).await, Vec::<Value>::new());

        // A terminating tenant reveals nothing either.
        tenant.begin_tenant_deletion().await;
        tenant.reconcile_now("missing", "again").await;
        let object = tenant.keys().get("missing").await.expect("the object exists");
        let ready = condition(&object, "Ready").1;
        assert!(["NamespaceNotAllowed", "WaitingForTenant"].contains(&ready.as_str()), "{ready}");
    });
}
