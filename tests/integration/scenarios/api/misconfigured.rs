//! Defects of a tenant that pass admission: its conditions name the field.

use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use crate::scenarios::{RUNTIME, shared};
use testkit::bed::Tenant;

/// Text that passes the rules of the definition and holds no certificate.
const NO_CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";

/// Waits until the tenant is misconfigured; returns the message of `Ready` and the state of the slot.
fn await_misconfigured(tenant: &Tenant<'_>) -> (String, String) {
    let name = format!("almtenant/{}", tenant.name);
    tenant.bed.kubectl(&["wait", &name, "--for=condition=Ready=False", "--timeout=60s"]);
    let status = tenant.bed.kubectl(&["get", &name, "-o", "jsonpath={.status}"]);
    let status: Value = serde_json::from_str(&status).expect("JSON");
    let ready = &status["conditions"][0];
    assert_eq!(ready["reason"], "TenantMisconfigured", "{ready}");
    assert_eq!(status["conditions"][1]["type"], "Stalled", "a defect that a user must correct stalls: {status}");
    let message = ready["message"].as_str().expect("a message").to_owned();
    (message, status["slot"]["state"].as_str().unwrap_or_default().to_owned())
}

/// Creates a tenant with a defect made by `break_spec`, checks that it is reported, and corrects it by `corrected`.
async fn check_reported_and_corrected(
    name: &str,
    field: &str,
    state: &str,
    break_spec: fn(&mut Value),
    corrected: fn(&Tenant<'_>) -> Value,
) {
    let bed = shared().await;
    let tenant = Tenant::create_with(bed, name, bed.client.clone(), break_spec).await;
    let (message, slot) = await_misconfigured(&tenant);
    assert!(message.contains(field), "{message}");
    assert_eq!(slot, state);
    tenant.write_secret("pasted", &tenant.make_key().await).await;
    tenant.apply_for_secret("calm", "pasted").await;

    let patch = Patch::Merge(json!({ "spec": corrected(&tenant) }));
    tenant.tenants().patch(name, &PatchParams::default(), &patch).await.expect("the tenant can be changed");

    tenant.await_ready("calm", "True", "Uploaded").await;
    bed.kubectl(&["wait", &format!("almtenant/{name}"), "--for=condition=Ready=True", "--timeout=60s"]);
}

// proves: reason TenantMisconfigured, field ALMTenant spec.signIn.caBundle, condition ALMTenant Stalled
#[test]
fn an_unusable_ca_bundle_for_signing_in_makes_the_tenant_misconfigured() {
    RUNTIME.block_on(check_reported_and_corrected(
        "bad-ca-of-sign-in",
        "signIn.caBundle: the CA bundle is not PEM with at least one certificate",
        "Empty",
        |document| document["spec"]["signIn"]["caBundle"] = json!(NO_CERTIFICATE),
        |tenant| json!({ "signIn": { "caBundle": tenant.bed.simulator.ca } }),
    ));
}

// proves: reason TenantMisconfigured, field ALMTenant spec.landscapeManagement.http.caBundle
#[test]
fn an_unusable_ca_bundle_for_landscape_management_makes_it_misconfigured() {
    RUNTIME.block_on(check_reported_and_corrected(
        "bad-ca-of-landscape",
        "landscapeManagement.http.caBundle: the CA bundle is not PEM with at least one certificate",
        "Unknown",
        |document| document["spec"]["landscapeManagement"]["http"]["caBundle"] = json!(NO_CERTIFICATE),
        |tenant| json!({ "landscapeManagement": { "http": { "caBundle": tenant.bed.simulator.ca } } }),
    ));
}

// proves: reason TenantMisconfigured, field ALMTenant spec.landscapeManagement.http.url
#[test]
fn a_url_with_an_impossible_port_makes_the_tenant_misconfigured() {
    RUNTIME.block_on(check_reported_and_corrected(
        "bad-port",
        "landscapeManagement.http.url is no URL",
        "Unknown",
        |document| document["spec"]["landscapeManagement"]["http"]["url"] = json!("https://localhost:99999"),
        |tenant| {
            let host = format!("{}.landscape", tenant.name);
            json!({ "landscapeManagement": { "http": { "url": tenant.bed.simulator.url(&host) } } })
        },
    ));
}
