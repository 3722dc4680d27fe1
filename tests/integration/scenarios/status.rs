//! What the status of an `ALMServiceKey` tells, field by field.

use kube::ResourceExt;
use reqwest::Method;
use serde_json::json;

use super::scenario;
use testkit::bed::key::{condition, message};

// proves: field ALMServiceKey status.source.kind, field ALMServiceKey status.source.name
// proves: field ALMServiceKey status.source.uid, field ALMServiceKey status.source.bindingID
// proves: field ALMServiceKey status.source.secretName, field ALMServiceKey status.conditions
// proves: field ALMServiceKey status.uploaded.clientID, field ALMServiceKey status.uploaded.credentialType
// proves: field ALMServiceKey status.uploaded.identityZone, field ALMServiceKey status.uploaded.revision
// proves: field ALMServiceKey status.uploaded.uploadedAt, field ALMServiceKey status.uploaded.provenAt
// proves: reason Uploaded, reason Valid, reason SignedIn
#[test]
fn an_uploaded_key_is_told_with_its_source_and_with_all_that_names_it() {
    scenario("told", async |tenant| {
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
        assert_eq!(uploaded.identity_zone, "told");
        assert_eq!(tenant.slot().await["revision"], uploaded.revision);
        assert!(uploaded.proven_at <= uploaded.uploaded_at, "proven before it was put");
        assert!(applied.creation_timestamp().is_some_and(|made| made <= uploaded.proven_at));
    });
}

// proves: field ALMServiceKey status.pending.operation, field ALMServiceKey status.pending.fingerprint
// proves: field ALMServiceKey status.pending.revision, field ALMServiceKey status.pending.startedAt
#[test]
fn a_write_is_told_before_it_is_sent_and_no_longer_once_its_end_is_known() {
    scenario("pending", async |tenant| {
        let before = tenant.slot().await["revision"].clone();
        tenant.fail_once("Put", json!({ "hold": true })).await;
        let key = tenant.make_key().await;
        tenant.write_secret("pasted", &key).await;
        let applied = tenant.apply_for_secret("calm", "pasted").await;
        tenant.await_held().await;

        let object = tenant.keys().get("calm").await.expect("it is there");
        let pending = object.status.and_then(|status| status.pending).expect("it was told");
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
fn a_first_verdict_stands_before_anything_is_known() {
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
fn a_key_of_a_tenant_that_is_no_more_is_dead() {
    scenario("zone-gone", async |tenant| {
        let page = "<html><body><h1>Cannot find identity zone for subdomain zone-gone</h1></body></html>";
        tenant.fail("SignIn", json!({ "status": 404, "body": page, "contentType": "text/html" })).await;
        tenant.write_secret("pasted", &tenant.make_key().await).await;
        tenant.apply_for_secret("calm", "pasted").await;

        let object = tenant.await_ready("calm", "False", "IdentityZoneNotFound").await;

        assert_eq!(condition(&object, "Uploaded"), ("False".into(), "NotUploaded".into()));
        assert!(tenant.writes().await.is_empty());
    });
}

// proves: reason RateLimited
#[test]
fn a_limit_of_landscape_management_is_told_to_those_who_wait_for_it() {
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
fn what_is_wrong_with_a_key_is_told_also_while_the_slot_cannot_be_looked_at() {
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
fn landscape_management_is_waited_for_as_long_as_its_tenant_says() {
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
