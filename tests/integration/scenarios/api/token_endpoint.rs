//! The token endpoint of Landscape Management, which the customer operates: its scope, its parameters, and the forms of
//! the operator's credentials.

use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::{Patch, PatchParams};
use reqwest::Method;
use serde_json::{Value, json};

use crate::scenarios::scenario;
use testkit::bed::Tenant;
use testkit::bed::almtenant::{tenant_condition, tenant_message};
use testkit::names::NAMESPACE;

const SCOPE: &str = "api://landscape-management/.default";

/// Sets fields of `oauth2`, and waits until the token endpoint has refused the request; returns the message.
async fn await_refusal(tenant: &Tenant<'_>, oauth2: Value) -> String {
    tenant.patch_tenant(json!({ "spec": { "landscapeManagement": { "http": { "oauth2": oauth2 } } } })).await;
    let found = tenant.await_tenant(&tenant.name, "False", "LandscapeManagementUnauthorized").await;
    tenant_message(&found, "Ready")
}

// proves: field ALMTenant spec.landscapeManagement.http.oauth2.scope
// proves: field ALMTenant spec.landscapeManagement.http.oauth2.parameters
#[test]
fn a_token_endpoint_gets_exactly_the_scope_and_parameters_that_it_requires() {
    scenario("entra", async |tenant| {
        let parameters = json!([
            { "name": "resource", "value": "https://landscape-management.example/?a=1&b=\u{e4} %" },
            { "name": "token_format", "value": "opaque" },
        ]);
        let value = |index: usize| parameters[index]["value"].clone();
        let fields = json!({ "scope": SCOPE, "resource": value(0), "token_format": value(1) });
        tenant.admin(Method::PUT, "/tokens/fields", Some(fields)).await;

        let message = await_refusal(&tenant, json!({ "parameters": parameters })).await;
        assert!(message.contains("(400, invalid_scope); check oauth2.scope and oauth2.parameters"), "{message}");
        let message = await_refusal(&tenant, json!({ "scope": SCOPE, "parameters": [parameters[0]] })).await;
        assert!(message.contains("(400, invalid_request); check oauth2.scope and oauth2.parameters"), "{message}");
        let fields = json!({ "oauth2": { "scope": SCOPE, "parameters": parameters } });
        tenant.patch_tenant(json!({ "spec": { "landscapeManagement": { "http": fields } } })).await;

        tenant.await_tenant("entra", "True", "Connected").await;
        tenant.write_secret("pasted", &tenant.make_key().await).await;
        tenant.apply_for_secret("calm", "pasted").await;
        tenant.await_ready("calm", "True", "Uploaded").await;
    });
}

#[test]
fn without_scope_and_parameters_a_token_request_has_the_credentials_only() {
    scenario("plain-token", async |tenant| {
        // The simulator refuses each field that it does not expect.
        tenant.await_tenant("plain-token", "True", "Connected").await;
    });
}

/// Writes the entries of the Secret with the operator's credentials; null removes one.
async fn write_credentials(tenant: &Tenant<'_>, entries: Value) {
    let secrets: Api<Secret> = Api::namespaced(tenant.client.clone(), NAMESPACE);
    let patch = Patch::Merge(json!({ "stringData": entries }));
    secrets.patch(&tenant.name, &PatchParams::default(), &patch).await.expect("the Secret can be changed");
}

/// Removes entries of the Secret with the operator's credentials.
async fn remove_entries(tenant: &Tenant<'_>, entries: Value) {
    let secrets: Api<Secret> = Api::namespaced(tenant.client.clone(), NAMESPACE);
    let patch = Patch::Merge(json!({ "data": entries }));
    secrets.patch(&tenant.name, &PatchParams::default(), &patch).await.expect("the Secret can be changed");
}

// proves: field ALMTenant spec.landscapeManagement.http.oauth2.secretRef.name
#[test]
fn credentials_are_read_as_the_btp_operator_writes_them() {
    scenario("btp-credentials", async |tenant| {
        tenant.await_tenant("btp-credentials", "True", "Connected").await;
        let made = tenant.admin(Method::GET, "", None).await;
        let credential = |field: &str| made["landscapeManagement"][field].clone();
        remove_entries(&tenant, json!({ "clientId": null, "clientSecret": null })).await;
        let found = tenant.await_tenant("btp-credentials", "Unknown", "TenantMisconfigured").await;
        let message = tenant_message(&found, "Ready");
        assert!(message.contains("no text in its entry \"clientId\", nor in \"clientid\""), "{message}");

        let entries = json!({ "clientid": credential("clientId"), "clientsecret": credential("clientSecret") });
        write_credentials(&tenant, entries).await;
        tenant.await_tenant("btp-credentials", "True", "Connected").await;

        write_credentials(&tenant, json!({ "clientId": "former-client" })).await;
        let found = tenant.await_tenant("btp-credentials", "False", "TenantMisconfigured").await;
        let message = tenant_message(&found, "Ready");
        assert!(message.contains("different texts in its entries \"clientId\" and \"clientid\""), "{message}");
        assert!(!message.contains("former-client"), "a value is never shown: {message}");
        assert_eq!(tenant_condition(&found, "Stalled").0, "True");
        remove_entries(&tenant, json!({ "clientId": null })).await;
        tenant.await_tenant("btp-credentials", "True", "Connected").await;
    });
}
