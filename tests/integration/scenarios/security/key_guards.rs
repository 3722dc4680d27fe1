//! Guards around a key that is valid in form: scopes, endpoints, certificates, redirects.

use serde_json::{Value, json};

use crate::scenarios::scenario;
use testkit::bed::Tenant;
use testkit::bed::key::{condition, message};

// proves: field ALMTenant spec.forbiddenScopes, reason ForbiddenScope
#[test]
fn a_key_with_a_forbidden_scope_is_not_uploaded() {
    scenario("scopes", async |tenant| {
        let key = tenant.make_key_for("uaa.resource alm!b1.calm-api.analytics.read").await;
        tenant.write_secret("pasted", &key).await;
        tenant.apply_for_secret("calm", "pasted").await;

        let object = tenant.await_ready("calm", "False", "ForbiddenScope").await;
        assert_eq!(condition(&object, "Valid"), ("False".into(), "ForbiddenScope".into()));
        let text = message(&object, "Valid");
        assert!(text.contains("calm-api.analytics.read") && text.contains("spec.forbiddenScopes"), "{text}");
        assert!(tenant.writes().await.is_empty());

        tenant.patch_tenant(json!({ "spec": { "forbiddenScopes": [] } })).await;
        tenant.await_ready("calm", "True", "Uploaded").await;
        assert_eq!(tenant.slot_key().await, key);
    });
}

// proves: field ALMTenant spec.endpointHosts, reason EndpointNotAllowed
#[test]
fn a_key_with_a_foreign_endpoint_is_refused_before_any_sign_in() {
    scenario("endpoints", async |tenant| {
        let mut key = tenant.make_key().await;
        key["endpoints"]["Api"] = json!("https://alm.example.org/api");
        tenant.write_secret("pasted", &key).await;
        tenant.apply_for_secret("calm", "pasted").await;

        let object = tenant.await_ready("calm", "False", "EndpointNotAllowed").await;
        let text = message(&object, "Valid");
        assert!(text.contains("$.endpoints.Api") && text.contains("spec.endpointHosts"), "{text}");
        assert_eq!(tenant.calls(&["SignIn", "Put"]).await, Vec::<Value>::new());

        tenant.patch_tenant(json!({ "spec": { "endpointHosts": ["alm.example.org"] } })).await;
        tenant.await_ready("calm", "True", "Uploaded").await;
    });
}

// proves: field ALMTenant spec.signIn.caBundle
#[test]
fn a_key_is_not_sent_to_a_token_endpoint_with_an_untrusted_certificate() {
    scenario("untrusted", async |tenant| {
        tenant.patch_tenant(json!({ "spec": { "signIn": { "caBundle": null } } })).await;
        let key = tenant.make_key().await;
        tenant.write_secret("pasted", &key).await;
        tenant.apply_for_secret("calm", "pasted").await;

        tenant.await_ready("calm", "Unknown", "SignInUnknown").await;
        assert_eq!(tenant.calls(&["SignIn"]).await, Vec::<Value>::new());

        trust_the_simulator(&tenant).await;
        tenant.await_ready("calm", "True", "Uploaded").await;
    });
}

async fn trust_the_simulator(tenant: &Tenant<'_>) {
    let bundle = tenant.bed.simulator.ca.clone();
    tenant.patch_tenant(json!({ "spec": { "signIn": { "caBundle": bundle } } })).await;
}

// proves: field ALMTenant spec.landscapeManagement.http.caBundle, reason TenantMisconfigured
#[test]
fn a_ca_bundle_that_cannot_be_parsed_is_reported_by_its_field() {
    scenario("no-pem", async |tenant| {
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----";
        let patch = json!({ "spec": { "landscapeManagement": { "http": { "caBundle": broken } } } });
        tenant.patch_tenant(patch).await;

        let found = tenant.await_tenant("no-pem", "False", "TenantMisconfigured").await;
        let text = testkit::bed::almtenant::tenant_message(&found, "Ready");
        assert!(text.contains("landscapeManagement.http.caBundle"), "{text}");
    });
}

#[test]
fn a_redirect_of_a_sign_in_is_not_followed() {
    scenario("redirect", async |tenant| {
        let elsewhere = tenant.bed.simulator.url("redirect.landscape");
        let fault = json!({ "status": 307, "headers": { "location": format!("{elsewhere}/oauth/token") } });
        tenant.fail("SignIn", fault).await;
        tenant.write_secret("pasted", &tenant.make_key().await).await;
        tenant.apply_for_secret("calm", "pasted").await;

        tenant.await_ready("calm", "Unknown", "SignInUnknown").await;

        assert_eq!(tenant.calls(&["LandscapeToken"]).await.iter().filter(|call| call["status"] == 401).count(), 0);
        assert!(tenant.writes().await.is_empty());
    });
}
