//! A `ServiceBinding` as the source.

use alm_key_operator::api::ALMServiceKey;
use kube::api::{DeleteParams, DynamicObject};
use serde_json::{Value, json};

use crate::scenarios::scenario;
use testkit::bed::key::{condition, message};
use testkit::bed::tenant::create;

#[test]
fn the_key_of_a_binding_is_uploaded() {
    scenario("bound", async |tenant| {
        let key = tenant.make_key().await;
        tenant.bind("plain", &key).await;
        tenant.apply_for_binding("calm", "plain").await;

        let object = tenant.await_ready("calm", "True", "Uploaded").await;

        assert_eq!(tenant.slot_key().await, key);
        let source = object.status.and_then(|status| status.source).expect("a source");
        assert_eq!((source.kind.as_str(), source.secret_name.as_str()), ("ServiceBinding", "plain"));
        assert!(source.binding_id.is_some());
    });
}

// proves: reason WaitingForBinding
#[test]
fn an_object_waits_for_its_binding_and_for_the_credentials() {
    scenario("not-yet-bound", async |tenant| {
        tenant.apply_for_binding("calm", "plain").await;
        let object = tenant.await_ready("calm", "Unknown", "WaitingForBinding").await;
        assert!(message(&object, "Ready").contains("does not exist"));
        let binding = tenant.apply_binding("plain").await;
        tenant
            .await_key("calm", "waiting for credentials", |object| {
                message(object, "Ready").contains("has no credentials")
            })
            .await;

        let key = tenant.make_key().await;
        tenant.write_binding_secret(&binding, &key, &json!({})).await;
        tenant.mark_binding_ready("plain", "id").await;

        tenant.await_ready("calm", "True", "Uploaded").await;
        assert_eq!(tenant.slot_key().await, key);
    });
}

#[test]
fn a_rotation_is_exactly_one_upload_and_no_deletion() {
    scenario("rotation", async |tenant| {
        let (old, new) = (tenant.make_key().await, tenant.make_key().await);
        tenant.bind("plain", &old).await;
        tenant.apply_for_binding("calm", "plain").await;
        tenant.await_ready("calm", "True", "Uploaded").await;

        tenant.rotate_binding("plain", &new).await;
        let object = tenant.await_uploaded("calm", &new).await;

        assert_eq!(condition(&object, "Ready"), ("True".into(), "Uploaded".into()));
        assert_eq!(tenant.slot_key().await, new);
        assert_eq!(tenant.writes().await, ["+Put", "+Put"]);
    });
}

#[test]
fn a_rotation_that_changes_only_the_client_secret_is_uploaded() {
    scenario("same-client", async |tenant| {
        let old = tenant.make_key().await;
        tenant.bind("plain", &old).await;
        tenant.apply_for_binding("calm", "plain").await;
        tenant.await_ready("calm", "True", "Uploaded").await;
        let new = tenant
            .admin(reqwest::Method::POST, "/keys/rotate", Some(json!({ "clientid": old["uaa"]["clientid"] })))
            .await;

        tenant.rotate_binding("plain", &new).await;
        tenant
            .await_call("the second upload", |call| {
                call["kind"] == "Put"
                    && call["effect"] == true
                    && call["seq"].as_u64() > Some(4)
                    && call["ifMatch"] != Value::Null
            })
            .await;
        tenant
            .await_key("calm", "settled", |object| {
                object.status.as_ref().is_some_and(|status| {
                    status.pending.is_none()
                        && status.source.as_ref().is_some_and(|source| {
                            source.binding_id.as_deref() == Some("33333333-3333-3333-3333-333333333333")
                        })
                })
            })
            .await;

        assert_eq!(tenant.slot_key().await, new);
    });
}

#[test]
fn the_key_of_a_deleted_binding_is_deleted_and_that_of_a_new_one_uploaded() {
    scenario("unbound", async |tenant| {
        let (old, new) = (tenant.make_key().await, tenant.make_key().await);
        tenant.bind("plain", &old).await;
        tenant.apply_for_binding("calm", "plain").await;
        tenant.await_ready("calm", "True", "Uploaded").await;

        tenant.unbind("plain", &old).await;
        let object = tenant.await_ready("calm", "False", "SourceGone").await;
        assert_eq!(tenant.slot_key().await, Value::Null);
        assert_eq!(condition(&object, "Stalled").0, "True");
        assert_eq!(tenant.writes().await, ["+Put", "+Delete"]);

        tenant.bind("plain", &new).await;
        tenant.await_ready("calm", "True", "Uploaded").await;
        assert_eq!(tenant.slot_key().await, new);
    });
}

#[test]
fn a_key_is_deleted_once_its_binding_is_terminating_even_if_it_signs_in() {
    scenario("deletion-seen", async |tenant| {
        let key = tenant.make_key().await;
        tenant.bind("plain", &key).await;
        tenant.apply_for_binding("calm", "plain").await;
        tenant.await_ready("calm", "True", "Uploaded").await;

        // The finalizer of the BTP operator keeps the binding: it is terminating.
        tenant.bindings().delete("plain", &DeleteParams::default()).await.expect("the object is deleted");
        tenant.await_ready("calm", "False", "SourceGone").await;

        assert_eq!(tenant.slot_key().await, Value::Null);
        tenant.remove_binding_finalizer("plain").await;
    });
}

// proves: reason WaitingForSecret
#[test]
fn a_missing_secret_of_an_existing_binding_deletes_no_key() {
    scenario("secret-missing", async |tenant| {
        let key = tenant.make_key().await;
        tenant.bind("plain", &key).await;
        let spec = json!({ "source": { "serviceBindingRef": { "name": "plain" } }, "gracePeriod": "0s" });
        tenant.apply("calm", spec).await;
        tenant.await_ready("calm", "True", "Uploaded").await;

        tenant.delete_secret("plain").await;
        let object = tenant.await_ready("calm", "Unknown", "WaitingForSecret").await;

        assert!(message(&object, "Ready").contains("touch the binding"), "{}", message(&object, "Ready"));
        assert_eq!(condition(&object, "Uploaded").0, "True");
        assert_eq!(condition(&object, "SignedIn").0, "True", "the key in the slot is still tested");
        assert_eq!(tenant.slot_key().await, key);
        assert_eq!(tenant.writes().await, ["+Put"]);
    });
}

#[test]
fn a_secret_with_the_stale_label_is_not_uploaded() {
    scenario("stale", async |tenant| {
        let (current, stale) = (tenant.make_key().await, tenant.make_key().await);
        let binding = tenant.bind("plain", &current).await;
        tenant.apply_for_binding("calm", "plain").await;
        tenant.await_ready("calm", "True", "Uploaded").await;

        tenant.write_binding_secret(&binding, &stale, &json!({ "services.cloud.sap.com/stale": "id" })).await;
        tenant.await_ready("calm", "Unknown", "SourceNotOwned").await;

        assert_eq!(tenant.slot_key().await, current);
        assert_eq!(tenant.writes().await, ["+Put"]);
    });
}

// proves: reason SourceNotOwned
#[test]
fn a_secret_that_the_binding_does_not_own_is_not_used() {
    scenario("not-owned", async |tenant| {
        let key = tenant.make_key().await;
        tenant.apply_binding("plain").await;
        tenant.write_data("plain", json!({ "uaa": key["uaa"].to_string() })).await;
        tenant.mark_binding_ready("plain", "id").await;
        tenant.apply_for_binding("calm", "plain").await;

        tenant.await_ready("calm", "Unknown", "SourceNotOwned").await;

        assert!(tenant.writes().await.is_empty());
        assert!(tenant.calls(&["SignIn"]).await.is_empty());
    });
}

// proves: reason SourceNotOwned
#[test]
fn a_binding_cannot_use_or_probe_a_secret_that_it_does_not_control() {
    scenario("someone-elses", async |tenant| {
        let living = tenant.make_key().await;
        let theirs = tenant.bind("theirs", &living).await;
        let mine = json!({
            "apiVersion": "services.cloud.sap.com/v1", "kind": "ServiceBinding", "metadata": { "name": "mine" },
            "spec": { "serviceInstanceName": "calm", "secretName": "elses" },
        });
        let mine = create(&tenant.bindings(), mine).await;
        let owned = |by: &DynamicObject, controller: bool| {
            json!([{
                "apiVersion": "services.cloud.sap.com/v1", "kind": "ServiceBinding", "name": "mine",
                "uid": by.metadata.uid, "controller": controller,
            }])
        };
        let stale = json!({ "services.cloud.sap.com/stale": "id" });
        tenant.write_secret("elses", &living).await;
        tenant.mark_binding_ready("mine", "id").await;
        tenant.apply_for_binding("calm", "mine").await;
        let first = tenant.await_ready("calm", "Unknown", "SourceNotOwned").await;
        assert!(message(&first, "Ready").contains("is not controlled by ServiceBinding \"mine\""));

        // A Secret of another binding, one whose owner is not its controller, a stale copy, and one without a key: the
        // status must look the same for all of them.
        let uaa = json!({ "uaa": living["uaa"].to_string() });
        for (word, metadata, data) in [
            ("theirs", json!({ "ownerReferences": owned(&theirs, true) }), &uaa),
            ("referred", json!({ "ownerReferences": owned(&mine, false) }), &uaa),
            ("stale", json!({ "labels": stale }), &uaa),
            ("no-key", json!({ "ownerReferences": owned(&theirs, true) }), &json!({ "uaa": "{" })),
        ] {
            tenant.delete_secret("elses").await;
            let mut secret = json!({ "metadata": metadata, "stringData": data });
            secret["metadata"]["name"] = json!("elses");
            create(&tenant.secrets(), secret).await;
            let next = tenant.reconcile_now("calm", word).await;
            let conditions = |object: &ALMServiceKey| {
                ["Ready", "Valid", "SignedIn", "Uploaded"].map(|kind| (condition(object, kind), message(object, kind)))
            };
            assert_eq!(conditions(&next), conditions(&first), "{word}");
            assert!(next.status.is_some_and(|status| status.source.is_none()), "{word}");
        }
        assert!(tenant.writes().await.is_empty());
        assert!(tenant.calls(&["SignIn"]).await.is_empty());
    });
}

#[test]
fn a_binding_that_btp_no_longer_knows_has_its_key_tested_at_once() {
    scenario("lost", async |tenant| {
        let key = tenant.make_key().await;
        tenant.bind("plain", &key).await;
        tenant.apply_for_binding("calm", "plain").await;
        tenant.await_ready("calm", "True", "Uploaded").await;
        tenant.revoke(&key).await;

        tenant.mark_binding_lost("plain").await;
        let object = tenant.await_ready("calm", "False", "CredentialsRefused").await;

        assert_eq!(condition(&object, "SignedIn").0, "False");
        assert_eq!(tenant.slot_key().await, key, "one refusal does not prove it dead");
    });
}
