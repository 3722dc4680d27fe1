//! Keys that break a rule, and tenants that do not admit them.

use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use crate::scenarios::scenario;
use testkit::bed::Tenant;
use testkit::bed::key::{condition, message};

/// Applies a key changed by `change`; expects a refusal with this reason and these paths, and no remote call.
async fn expect_refused(tenant: &Tenant<'_>, reason: &str, paths: &[&str], change: impl FnOnce(&mut Value)) {
    let mut key = tenant.make_key().await;
    change(&mut key);
    tenant.write_secret("pasted", &key).await;
    tenant.apply_for_secret("calm", "pasted").await;

    let object = tenant.await_ready("calm", "False", reason).await;

    let message = message(&object, "Valid");
    for path in paths {
        assert!(message.contains(path), "{message}");
    }
    let secret = key["uaa"]["clientsecret"].as_str().unwrap_or("CANARY");
    assert!(!message.contains(secret) && !message.contains("CANARY"), "{message}");
    assert_eq!(condition(&object, "Valid"), ("False".into(), reason.into()));
    assert_eq!(condition(&object, "Stalled").0, "True");
    assert_eq!(tenant.calls(&["SignIn", "Put"]).await, Vec::<Value>::new());
}

#[test]
fn text_that_is_not_json_is_refused_with_its_position() {
    scenario("rule-1", async |tenant| {
        tenant.write_data("pasted", json!({ "key.json": "{\"uaa\": CANARY" })).await;
        tenant.apply_for_secret("calm", "pasted").await;

        let object = tenant.await_ready("calm", "False", "InvalidJSON").await;

        let message = message(&object, "Valid");
        assert!(message.contains("line 1") && !message.contains("CANARY"), "{message}");
        assert_eq!(tenant.calls(&["SignIn", "Put"]).await, Vec::<Value>::new());
    });
}

// proves: reason WrongTenant, field ALMTenant spec.identityZone
#[test]
fn a_key_of_another_tenant_is_refused() {
    scenario("rule-2", async |tenant| {
        expect_refused(&tenant, "WrongTenant", &["$.uaa.identityzone"], |key| {
            key["uaa"]["identityzone"] = json!("other");
        })
        .await;
    });
}

// proves: reason WrongService, field ALMTenant spec.acceptedServices
#[test]
fn a_key_of_another_service_is_refused_unless_the_tenant_accepts_that_service() {
    scenario("other-service", async |tenant| {
        // Cloud Transport Management, subscribed in the same subaccount: the zone is the same, the endpoints are missing.
        let mut key = tenant.make_key().await;
        key.as_object_mut().expect("an object").remove("endpoints");
        key["uri"] = json!("https://alm-ts.cfapps.eu10.hana.ondemand.com");
        let genuine = key["uaa"]["clientid"].clone();
        key["uaa"]["clientid"] = json!("sb-a1b2!b77|alm-ts-backend!b88");
        tenant.write_secret("pasted", &key).await;
        tenant.apply_for_secret("calm", "pasted").await;

        let object = tenant.await_ready("calm", "False", "WrongService").await;
        let text = message(&object, "Valid");
        assert!(text.contains("$.uaa.clientid") && text.contains("spec.acceptedServices"), "{text}");
        assert!(!text.contains("alm-ts") && !text.contains("CANARY"), "{text}");
        assert_eq!(tenant.calls(&["SignIn", "Put"]).await, Vec::<Value>::new());

        tenant.patch_tenant(json!({ "spec": { "acceptedServices": ["alm-ts-backend"] } })).await;
        tenant.await_ready("calm", "False", "CredentialsRefused").await;

        // A key of Cloud ALM without an endpoint is valid, and the message says what is missing.
        key["uaa"]["clientid"] = genuine;
        tenant.write_secret("pasted", &key).await;
        let object = tenant.await_ready("calm", "True", "Uploaded").await;
        assert!(message(&object, "Valid").contains("no endpoints.Api"), "{}", message(&object, "Valid"));
    });
}

#[test]
fn a_key_without_client_id_or_secret_is_refused() {
    scenario("rule-3", async |tenant| {
        expect_refused(&tenant, "MissingCredentials", &["$.uaa.clientid", "$.uaa.clientsecret"], |key| {
            key["uaa"]["clientid"] = json!("");
            key["uaa"]["clientsecret"] = Value::Null;
        })
        .await;
    });
}

// proves: reason UnsupportedCredentialType, field ALMTenant spec.acceptedCredentialTypes
#[test]
fn a_refused_credential_type_is_reported_with_the_field_that_admits_it() {
    scenario("rule-4", async |tenant| {
        let places = ["$.uaa.credential-type", "spec.acceptedCredentialTypes"];
        expect_refused(&tenant, "UnsupportedCredentialType", &places, |key| {
            key["uaa"]["credential-type"] = json!("binding-secret");
        })
        .await;
    });
}

#[test]
fn all_defects_of_a_key_are_reported_at_once() {
    scenario("all-findings", async |tenant| {
        let paths = ["$.uaa.identityzone", "$.uaa.clientid", "$.uaa.credential-type"];
        expect_refused(&tenant, "WrongTenant", &paths, |key| {
            key["uaa"]["identityzone"] = json!("other");
            key["uaa"]["clientid"] = json!(7);
            key["uaa"]["credential-type"] = json!("x509");
        })
        .await;
    });
}

// proves: reason TokenHostNotAllowed, field ALMTenant spec.signIn.hosts
#[test]
fn a_key_with_a_foreign_token_host_is_refused() {
    scenario("elsewhere", async |tenant| {
        expect_refused(&tenant, "TokenHostNotAllowed", &["$.uaa.url", "spec.signIn.hosts"], |key| {
            key["uaa"]["url"] = json!("https://attacker.example");
        })
        .await;
    });
}

#[test]
fn a_key_that_does_not_sign_in_is_not_uploaded() {
    scenario("dead-at-birth", async |tenant| {
        let key = tenant.make_key().await;
        tenant.revoke(&key).await;
        tenant.write_secret("pasted", &key).await;
        tenant.apply_for_secret("calm", "pasted").await;

        let object = tenant.await_ready("calm", "False", "CredentialsRefused").await;

        assert_eq!(condition(&object, "SignedIn"), ("False".into(), "CredentialsRefused".into()));
        assert_eq!(condition(&object, "Uploaded").0, "False");
        assert!(tenant.writes().await.is_empty());
    });
}

// proves: field ALMTenant spec.signIn.allowPrivateNetworks
#[test]
fn no_sign_in_at_a_private_address_unless_the_tenant_allows_it() {
    scenario("private", async |tenant| {
        let patch = json!({ "spec": { "signIn": { "allowPrivateNetworks": false } } });
        tenant
            .tenants()
            .patch("private", &PatchParams::default(), &Patch::Merge(&patch))
            .await
            .expect("the object is changed");
        tenant.write_secret("pasted", &tenant.make_key().await).await;
        tenant.apply_for_secret("calm", "pasted").await;

        let object = tenant.await_ready("calm", "Unknown", "SignInUnknown").await;

        assert!(message(&object, "SignedIn").contains("is not public"), "{}", message(&object, "SignedIn"));
        assert_eq!(tenant.calls(&["SignIn", "Put"]).await, Vec::<Value>::new());
    });
}

#[test]
fn an_unadmitted_namespace_uploads_nothing_until_it_is_admitted() {
    scenario("not-admitted", async |tenant| {
        let allow = |names: Value| json!({ "spec": { "allowedNamespaces": names } });
        let tenants = tenant.tenants();
        let params = PatchParams::default();
        tenants
            .patch("not-admitted", &params, &Patch::Merge(&allow(json!(["other"]))))
            .await
            .expect("the object is changed");
        tenant.write_secret("pasted", &tenant.make_key().await).await;
        tenant.apply_for_secret("calm", "pasted").await;
        tenant.await_ready("calm", "False", "NamespaceNotAllowed").await;
        assert!(tenant.writes().await.is_empty());

        tenants
            .patch("not-admitted", &params, &Patch::Merge(&allow(json!(["*"]))))
            .await
            .expect("the object is changed");

        tenant.await_ready("calm", "True", "Uploaded").await;
    });
}

// proves: field ALMServiceKey spec.tenantRef.name
#[test]
fn an_object_without_its_tenant_waits_and_can_be_deleted() {
    scenario("waits-for-tenant", async |tenant| {
        tenant.write_secret("pasted", &tenant.make_key().await).await;
        let document = json!({
            "apiVersion": "almkey.dev/v1alpha1", "kind": "ALMServiceKey", "metadata": { "name": "calm" },
            "spec": { "tenantRef": { "name": "nobody" }, "source": { "secretRef": { "name": "pasted" } } },
        });
        testkit::bed::tenant::create(&tenant.keys(), document).await;

        let object = tenant.await_ready("calm", "Unknown", "WaitingForTenant").await;

        assert!(message(&object, "Ready").contains("\"nobody\""));
        tenant.delete("calm").await;
    });
}
