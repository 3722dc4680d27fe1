//! The status of an `ALMServiceKey`, field by field.

use kube::ResourceExt;
use reqwest::Method;
use serde_json::json;

use crate::scenarios::scenario;
use testkit::bed::key::{condition, message};

// proves: field ALMServiceKey status.source.kind, field ALMServiceKey status.source.name
// proves: field ALMServiceKey status.source.uid, field ALMServiceKey status.source.bindingID
// proves: field ALMServiceKey status.source.secretName, field ALMServiceKey status.conditions
// proves: field ALMServiceKey status.uploaded.clientID, field ALMServiceKey status.uploaded.credentialType
// proves: field ALMServiceKey status.uploaded.identityZone, field ALMServiceKey status.uploaded.revision
// proves: field ALMServiceKey status.uploaded.uploadedAt, field ALMServiceKey status.uploaded.provenAt
// proves: reason Uploaded, reason Valid, reason SignedIn
#[test]
fn the_status_of_an_uploaded_key_identifies_its_source_and_the_key() {
    scenario("identified", async |tenant| {
        let key = tenant.make_key().await;
        let binding = tenant.bind("plain", &key).await;
        let applied = tenant.apply_for_binding("calm", "plain").await;
        let object = tenant.await_ready("calm", "True", "Uploaded").await;
        for (kind, reason) in [("Valid", "Valid"), ("SignedIn", "SignedIn"), ("Uploaded", "Uploaded")] {
            assert_eq!(condition(&object, kind), ("True".into(), reason.into()));
        }

        let status = object.status.expect("a status");
        let source = status.source.expect("the source");
        assert_eq!((source.kind.as_str(), source.name.as_str()), ("ServiceBinding", "plain"));
        assert_eq!(Some(source.uid), binding.uid());
        assert_eq!(source.binding_id.as_deref(), Some("11111111-1111-1111-1111-111111111111"));
        assert_eq!(source.secret_name, "plain");
        let uploaded = status.uploaded.expect("the ledger");
        assert_eq!(uploaded.client_id, key["uaa"]["clientid"]);
        assert_eq!(uploaded.credential_type, "instance-secret");
        assert_eq!(uploaded.identity_zone, "identified");
        assert_eq!(tenant.slot().await["revision"], uploaded.revision);
        assert!(uploaded.proven_at <= uploaded.uploaded_at, "signed in before the upload");
        assert!(applied.creation_timestamp().is_some_and(|made| made <= uploaded.proven_at));
    });
}

// proves: field ALMServiceKey status.pending.operation, field ALMServiceKey status.pending.fingerprint
// proves: field ALMServiceKey status.pending.revision, field ALMServiceKey status.pending.startedAt
#[test]
fn a_write_is_recorded_as_pending_until_its_outcome_is_known() {
    scenario("pending", async |tenant| {
        let before = tenant.slot().await["revision"].clone();
        tenant.fail_once("Put", json!({ "hold": true })).await;
        let key = tenant.make_key().await;
        tenant.write_secret("pasted", &key).await;
        let applied = tenant.apply_for_secret("calm", "pasted").await;
        tenant.await_held().await;

        let object = tenant.keys().get("calm").await.expect("the object exists");
        let pending = object.status.and_then(|status| status.pending).expect("the write is recorded");
        assert_eq!(format!("{:?}", pending.operation), "Upload");
        assert_eq!(pending.fingerprint, Some(tenant.fingerprint(&key)));
        assert_eq!(before, pending.revision);
        assert!(applied.creation_timestamp().is_some_and(|made| made <= pending.started_at));
        tenant.release_held_calls().await;

        let object = tenant.await_ready("calm", "True", "Uploaded").await;
        assert_eq!(object.status.and_then(|status| status.pending), None);
    });
}

// proves: reason Progressing
#[test]
fn a_new_object_is_progressing_until_its_first_verdict() {
    scenario("progressing", async |tenant| {
        tenant.fail_once("SignIn", json!({ "hold": true })).await;
        tenant.write_secret("pasted", &tenant.make_key().await).await;
        tenant.apply_for_secret("calm", "pasted").await;
        tenant.await_held().await;

        let object = tenant.await_ready("calm", "Unknown", "Progressing").await;
        assert_eq!(condition(&object, "Reconciling").0, "True");
        tenant.release_held_calls().await;

        tenant.await_ready("calm", "True", "Uploaded").await;
    });
}

// proves: reason IdentityZoneNotFound, reason NotUploaded
#[test]
fn a_key_of_a_deleted_identity_zone_is_refused() {
    scenario("zone-gone", async |tenant| {
        // The simulator names the unknown zone as a UAA does: on a page, and only to a client that accepts one.
        let mut key = tenant.make_key().await;
        let url = key["uaa"]["url"].as_str().expect("a URL").replace("//zone-gone.", "//zone-that-is-gone.");
        key["uaa"]["url"] = json!(url);
        key["uaa"]["clientsecret"] = json!("made-up");
        tenant.write_secret("pasted", &key).await;
        tenant.apply_for_secret("calm", "pasted").await;

        let object = tenant.await_ready("calm", "False", "IdentityZoneNotFound").await;

        assert_eq!(condition(&object, "Uploaded"), ("False".into(), "NotUploaded".into()));
        assert!(tenant.writes().await.is_empty());
    });
}

// proves: reason RateLimited
#[test]
fn the_status_shows_a_rate_limit_of_landscape_management() {
    scenario("limited", async |tenant| {
        tenant.fail("ReadSlot", json!({ "status": 429, "headers": { "retry-after": "2" } })).await;
        tenant.write_secret("pasted", &tenant.make_key().await).await;
        tenant.apply_for_secret("calm", "pasted").await;

        let object = tenant.await_ready("calm", "Unknown", "RateLimited").await;
        assert!(message(&object, "Ready").contains("429"), "{}", message(&object, "Ready"));
        tenant.heal().await;

        tenant.await_ready("calm", "True", "Uploaded").await;
    });
}

// proves: reason SlotUnknown, reason InvalidJSON
#[test]
fn defects_of_a_key_are_reported_while_the_slot_cannot_be_read() {
    scenario("slot-unknown", async |tenant| {
        tenant.fail("ReadSlot", json!({ "status": 503 })).await;
        tenant.write_data("pasted", json!({ "key.json": "no key" })).await;
        tenant.apply_for_secret("calm", "pasted").await;

        let object = tenant.await_ready("calm", "False", "InvalidJSON").await;

        assert_eq!(condition(&object, "Uploaded"), ("Unknown".into(), "SlotUnknown".into()));
    });
}

// proves: field ALMTenant spec.landscapeManagement.http.timeout
#[test]
fn requests_to_landscape_management_have_the_timeout_of_the_tenant() {
    scenario("slow", async |tenant| {
        let timeout = async |timeout: &str| {
            tenant.patch_tenant(json!({ "spec": { "landscapeManagement": { "http": { "timeout": timeout } } } })).await
        };
        timeout("1s").await;
        tenant.admin(Method::PUT, "/latency", Some(json!({ "ms": 2000 }))).await;
        tenant.write_secret("pasted", &tenant.make_key().await).await;
        tenant.apply_for_secret("calm", "pasted").await;
        tenant.await_ready("calm", "Unknown", "LandscapeManagementUnavailable").await;

        timeout("30s").await;

        tenant.await_ready("calm", "True", "Uploaded").await;
    });
}
