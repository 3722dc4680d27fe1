//! Forged status fields, annotations and finalizers, written to have a key deleted, kept or uploaded.

use kube::ResourceExt;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use crate::scenarios::scenario;
use testkit::bed::Tenant;
use testkit::bed::key::condition;
use testkit::bed::tenant::create;

/// Writes fields of the status that only the operator should write.
async fn forge(tenant: &Tenant<'_>, name: &str, status: Value) {
    let patch = Patch::Merge(json!({ "status": status }));
    tenant.keys().patch_status(name, &PatchParams::default(), &patch).await.expect("the write succeeds");
}

#[test]
fn a_forged_ledger_deletes_no_foreign_key_and_uploads_nothing() {
    scenario("forged", async |tenant| {
        let theirs = tenant.make_key().await;
        let owner = json!({ "clusterID": "other-cluster", "namespace": "theirs", "name": "theirs" });
        tenant.fill_slot(&theirs, Some(owner)).await;
        let mine = tenant.make_key().await;
        tenant.write_secret("pasted", &mine).await;
        tenant.apply_for_secret("calm", "pasted").await;
        tenant.await_ready("calm", "False", "SlotOccupied").await;
        let before = tenant.slot().await;

        for operation in ["Upload", "Delete", "Adopt", "Release"] {
            let revision = tenant.slot().await["revision"].clone();
            forge(
                &tenant,
                "calm",
                json!({
                    "uploaded": {
                        "origin": "Uploaded", "revision": revision, "fingerprint": tenant.fingerprint(&mine),
                        "identityZone": "forged", "credentialType": "instance-secret", "clientID": "forged",
                        "uploadedAt": "2026-01-01T00:00:00Z", "provenAt": "2026-01-01T00:00:00Z",
                    },
                    "pending": {
                        "operation": operation, "revision": revision, "fingerprint": tenant.fingerprint(&theirs),
                        "startedAt": "2026-01-01T00:00:00Z",
                    },
                }),
            )
            .await;
            tenant.reconcile_now("calm", operation).await;
            tenant
                .await_key("calm", "without the forged entry", |object| {
                    let status = object.status.as_ref();
                    let has_ledger = status.is_some_and(|status| status.uploaded.is_some());
                    condition(object, "Ready") == ("False".into(), "SlotOverwritten".into()) && !has_ledger
                })
                .await;
        }
        tenant.delete("calm").await;

        let slot = tenant.slot().await;
        assert_eq!((&slot["key"], &slot["owner"]), (&before["key"], &before["owner"]));
        let writes = tenant.writes().await;
        assert!(writes.iter().all(|write| write == "+Patch"), "a fence leaves every key as it is: {writes:?}");
    });
}

#[test]
fn a_forged_source_uid_deletes_no_key_whose_source_exists() {
    scenario("forged-uid", async |tenant| {
        let key = tenant.make_key().await;
        let binding = tenant.bind("plain", &key).await;
        tenant.apply_for_binding("calm", "plain").await;
        tenant.await_ready("calm", "True", "Uploaded").await;

        forge(&tenant, "calm", json!({ "source": { "uid": "00000000-0000-0000-0000-000000000000" } })).await;
        tenant.reconcile_now("calm", "now").await;

        let object = tenant.await_ready("calm", "True", "Uploaded").await;
        let source = object.status.and_then(|status| status.source).expect("a source");
        assert_eq!(Some(source.uid), binding.uid());
        assert_eq!(tenant.slot_key().await, key);
        assert_eq!(tenant.writes().await, ["+Put"]);
    });
}

#[test]
fn a_status_or_abandon_annotation_in_a_manifest_has_no_effect() {
    scenario("manifest", async |tenant| {
        let key = tenant.make_key().await;
        tenant.write_secret("pasted", &key).await;
        let former = tenant.apply_for_secret("calm", "pasted").await.uid().expect("a uid");
        tenant.await_ready("calm", "True", "Uploaded").await;
        tenant.delete("calm").await;
        let document = json!({
            "apiVersion": "almkey.dev/v1alpha1", "kind": "ALMServiceKey",
            "metadata": { "name": "calm", "annotations": { "almkey.dev/abandon": former } },
            "spec": { "tenantRef": { "name": "manifest" }, "source": { "secretRef": { "name": "pasted" } } },
            "status": {
                "observedGeneration": 1,
                "conditions": [{
                    "type": "Ready", "status": "True", "reason": "Uploaded", "message": "forged",
                    "lastTransitionTime": "2026-01-01T00:00:00Z",
                }],
            },
        });
        let made = create(&tenant.keys(), document).await;
        assert_eq!(made.status.map(|status| status.conditions.len()), Some(0));
        tenant.await_ready("calm", "True", "Uploaded").await;

        tenant.delete("calm").await;

        assert_eq!(tenant.slot_key().await, Value::Null, "the key is deleted with its object");
        assert_eq!(tenant.writes().await, ["+Put", "+Delete", "+Put", "+Delete"]);
        let events = tenant.events("calm").await;
        assert!(!events.iter().any(|event| event.reason.as_deref() == Some("KeyAbandoned")));
    });
}

#[test]
fn our_finalizer_in_a_manifest_costs_at_most_one_read_of_the_slot() {
    scenario("finalized", async |tenant| {
        tenant.patch_tenant(json!({ "spec": { "allowedNamespaces": ["other"] } })).await;
        tenant
            .await_tenant_as("finalized", "seen", |found| {
                found.status.as_ref().map(|status| status.observed_generation) == found.metadata.generation
            })
            .await;
        let document = json!({
            "apiVersion": "almkey.dev/v1alpha1", "kind": "ALMServiceKey",
            "metadata": { "name": "calm", "finalizers": ["almkey.dev/landscape-management"] },
            "spec": { "tenantRef": { "name": "finalized" }, "source": { "secretRef": { "name": "pasted" } } },
        });
        create(&tenant.keys(), document).await;
        tenant.await_ready("calm", "False", "NamespaceNotAllowed").await;
        let before = tenant.journal().await.len();

        tenant.delete("calm").await;

        let since = tenant.journal().await.split_off(before);
        let reads = since.iter().filter(|call| call["kind"] == "ReadSlot").count();
        assert!(reads <= 1 && since.iter().all(|call| call["kind"] != "SignIn"), "{since:#?}");
    });
}
