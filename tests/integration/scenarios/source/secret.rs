//! A plain Secret as the source of a key.

use serde_json::json;

use crate::scenarios::scenario;
use testkit::bed::key::{condition, message};

#[test]
fn a_valid_key_is_uploaded_after_it_has_signed_in() {
    scenario("uploads", async |tenant| {
        let key = tenant.make_key().await;
        tenant.write_secret("pasted", &key).await;
        tenant.apply_for_secret("calm", "pasted").await;

        let object = tenant.await_ready("calm", "True", "Uploaded").await;

        assert_eq!(tenant.slot_key().await, key);
        let calls = tenant.calls(&["SignIn", "ReadSlot", "Put"]).await;
        let kinds: Vec<_> = calls.iter().map(|call| call["kind"].as_str().expect("a kind")).collect();
        assert_eq!(kinds.iter().filter(|kind| **kind == "Put").count(), 1);
        assert!(kinds.iter().position(|kind| *kind == "SignIn") < kinds.iter().position(|kind| *kind == "Put"));
        let put = calls.iter().find(|call| call["kind"] == "Put").expect("an upload");
        assert!(put["ifMatch"].is_string(), "the upload has no If-Match: {put}");
        for kind in ["Ready", "Valid", "SignedIn", "Uploaded"] {
            assert_eq!(condition(&object, kind).0, "True", "{kind}");
        }
        for kind in ["Reconciling", "Stalled"] {
            assert_eq!(condition(&object, kind).0, "", "{kind} must not be set unless True");
        }
        let status = object.status.expect("a status");
        let uploaded = status.uploaded.expect("the ledger");
        assert_eq!(uploaded.client_id, key["uaa"]["clientid"]);
        assert_eq!(uploaded.identity_zone, "uploads");
        assert!(status.pending.is_none());
        assert_eq!(status.source.expect("a source").name, "pasted");
    });
}

#[test]
fn a_secret_without_content_is_waited_for_and_never_counts_as_invalid() {
    scenario("no-content", async |tenant| {
        tenant.write_data("pasted", json!({})).await;
        tenant.apply_for_secret("calm", "pasted").await;
        let object = tenant.await_ready("calm", "Unknown", "WaitingForSecret").await;
        assert!(message(&object, "Ready").contains("has no content yet"), "{}", message(&object, "Ready"));
        assert_eq!(
            (condition(&object, "Reconciling").0.as_str(), condition(&object, "Stalled").0.as_str()),
            ("True", "")
        );

        let key = tenant.make_key().await;
        tenant.write_secret("pasted", &key).await;
        tenant.await_ready("calm", "True", "Uploaded").await;

        // The tool that fills the Secret writes it anew.
        tenant.write_data("pasted", json!({})).await;
        tenant.await_ready("calm", "Unknown", "WaitingForSecret").await;
        assert_eq!(tenant.slot_key().await, key);
        tenant.write_secret("pasted", &key).await;
        tenant.await_ready("calm", "True", "Uploaded").await;
        assert_eq!(tenant.writes().await, ["+Put"]);
    });
}

#[test]
fn the_slot_says_whose_key_it_holds() {
    scenario("owner", async |tenant| {
        tenant.write_secret("pasted", &tenant.make_key().await).await;
        tenant.apply_for_secret("calm", "pasted").await;
        tenant.await_ready("calm", "True", "Uploaded").await;

        let owner = tenant.slot().await["owner"].clone();

        assert_eq!((&owner["namespace"], &owner["name"]), (&json!("owner"), &json!("calm")));
        assert!(owner["clusterID"].as_str().is_some_and(|id| !id.is_empty()), "{owner}");
    });
}

#[test]
fn a_changed_secret_signs_in_before_it_replaces_the_old_key() {
    scenario("rotates", async |tenant| {
        let (old, new) = (tenant.make_key().await, tenant.make_key().await);
        tenant.write_secret("pasted", &old).await;
        tenant.apply_for_secret("calm", "pasted").await;
        tenant.await_ready("calm", "True", "Uploaded").await;
        let before = tenant.journal().await.len();

        tenant.write_secret("pasted", &new).await;
        tenant.await_uploaded("calm", &new).await;

        assert_eq!(tenant.slot_key().await, new);
        let calls = &tenant.journal().await[before..];
        let sign_in = calls.iter().position(|call| call["kind"] == "SignIn" && call["status"] == 200);
        let put = calls.iter().position(|call| call["kind"] == "Put");
        assert!(sign_in.is_some() && sign_in < put, "{calls:#?}");
        assert_eq!(calls[sign_in.expect("there")]["clientid"], new["uaa"]["clientid"]);
        assert_eq!(tenant.writes().await, ["+Put", "+Put"]);
    });
}

#[test]
fn a_new_key_that_is_refused_does_not_replace_the_old_one() {
    scenario("refused-rotation", async |tenant| {
        let (old, new) = (tenant.make_key().await, tenant.make_key().await);
        tenant.revoke(&new).await;
        tenant.write_secret("pasted", &old).await;
        tenant.apply_for_secret("calm", "pasted").await;
        tenant.await_ready("calm", "True", "Uploaded").await;

        tenant.write_secret("pasted", &new).await;
        let object = tenant.await_ready("calm", "False", "CredentialsRefused").await;

        assert_eq!(tenant.slot_key().await, old);
        assert_eq!(condition(&object, "Uploaded").0, "True");
        assert_eq!(condition(&object, "Stalled").0, "True");
        assert_eq!(tenant.writes().await, ["+Put"]);
    });
}

#[test]
fn an_object_waits_for_its_secret_and_uploads_once_it_exists() {
    scenario("waits-for-secret", async |tenant| {
        tenant.apply_for_secret("calm", "pasted").await;
        let object = tenant.await_ready("calm", "Unknown", "WaitingForSecret").await;
        assert!(message(&object, "Ready").contains("\"pasted\""), "{}", message(&object, "Ready"));
        assert_eq!(condition(&object, "Reconciling").0, "True");

        tenant.write_secret("pasted", &tenant.make_key().await).await;

        tenant.await_ready("calm", "True", "Uploaded").await;
    });
}

#[test]
fn an_entry_of_the_secret_can_be_named() {
    scenario("named-entry", async |tenant| {
        let key = tenant.make_key().await;
        tenant.write_data("pasted", json!({ "note": "not this one", "mine": key.to_string() })).await;
        tenant.apply("calm", json!({ "source": { "secretRef": { "name": "pasted", "key": "mine" } } })).await;

        tenant.await_ready("calm", "True", "Uploaded").await;

        assert_eq!(tenant.slot_key().await, key);
    });
}

#[test]
fn a_new_object_is_ready_after_at_most_four_writes_to_it() {
    scenario("writes", async |tenant| {
        use futures::{StreamExt, TryStreamExt};
        use kube::runtime::{WatchStreamExt, watcher};
        let mut seen = watcher(tenant.keys(), watcher::Config::default()).applied_objects().boxed();
        tenant.write_secret("pasted", &tenant.make_key().await).await;
        tenant.apply_for_secret("calm", "pasted").await;

        let mut versions = std::collections::BTreeSet::new();
        while let Some(object) = seen.try_next().await.expect("the watch works") {
            versions.insert(object.metadata.resource_version.clone());
            if condition(&object, "Ready") == ("True".into(), "Uploaded".into()) {
                break;
            }
        }

        let writes = versions.len() - 1;
        assert!(writes <= 4, "{writes} writes after the creation");
    });
}

#[test]
fn an_object_with_the_longest_allowed_name_is_uploaded_and_deleted() {
    scenario("long-names", async |tenant| {
        let long = "n".repeat(253);
        tenant.write_secret(&long, &tenant.make_key().await).await;
        tenant.apply_for_secret(&long, &long).await;
        tenant.await_ready(&long, "True", "Uploaded").await;
        tenant.delete(&long).await;
        assert!(tenant.slot_key().await.is_null());
    });
}
