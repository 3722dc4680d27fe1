//! CA certificates in a `ConfigMap` or Secret of the operator's namespace: awaited, checked, and followed.

use almkey_simulator::certificates::Authority;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair};
use serde_json::{Value, json};

use crate::scenarios::{alone, scenario};
use testkit::bed::almtenant::{tenant_condition, tenant_message};
use testkit::bed::key::message;
use testkit::bed::request;
use testkit::bed::{Setup, Tenant, TestBed};
use testkit::control_plane::service_account_user;
use testkit::names::NAMESPACE;

/// The entry that OpenShift fills.
const ENTRY: &str = "ca-bundle.crt";

/// Returns the certificate of an authority that has issued no certificate of the simulator.
fn foreign_ca() -> String {
    Authority::generate().expect("an authority").pem()
}

/// Returns the certificate of an authority of this name.
fn named_ca(name: &str) -> String {
    let mut parameters = CertificateParams::new(Vec::new()).expect("parameters");
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters.distinguished_name.push(DnType::CommonName, name);
    parameters.self_signed(&KeyPair::generate().expect("a key")).expect("a certificate").pem()
}

/// Returns a bundle as OpenShift writes it: a comment before each certificate, and far more than a hundred of them.
fn openshift_bundle(ca: &str) -> String {
    let names = (0..140).map(|number| format!("Root CA {number} \u{2013} G2"));
    let others = names.map(|name| format!("# {name}\n{}\n", named_ca(&name).trim()));
    others.chain([format!("# Corporate CA\n{}\n", ca.trim())]).collect()
}

/// Creates or changes an object of the operator's namespace.
async fn apply(tenant: &Tenant<'_>, kind: &str, entries: Value) {
    let parameters = PatchParams::apply("test").force();
    let labels = json!({ "config.openshift.io/inject-trusted-cabundle": "true" });
    let metadata = json!({ "name": tenant.name, "labels": labels });
    let mut object = json!({ "apiVersion": "v1", "kind": kind, "metadata": metadata });
    if kind == "ConfigMap" {
        object["data"] = entries;
        let api: Api<ConfigMap> = Api::namespaced(tenant.client.clone(), NAMESPACE);
        api.patch(&tenant.name, &parameters, &Patch::Apply(&object)).await.expect("the ConfigMap is written");
    } else {
        object["metadata"]["name"] = json!(secret_name(tenant));
        let entries = entries.as_object().expect("entries").iter();
        let encoded = |text: &Value| ByteString(text.as_str().expect("a text").as_bytes().to_vec());
        object["data"] = entries.map(|(name, text)| (name.clone(), json!(encoded(text)))).collect();
        let api: Api<Secret> = Api::namespaced(tenant.client.clone(), NAMESPACE);
        api.patch(&secret_name(tenant), &parameters, &Patch::Apply(&object)).await.expect("the Secret is written");
    }
}

/// Returns the name of a Secret with CA certificates. That of the tenant is taken by the operator's credentials.
fn secret_name(tenant: &Tenant<'_>) -> String {
    format!("{}-ca", tenant.name)
}

/// Lets Landscape Management be trusted by an entry of an object instead of the tenant's own certificates.
async fn refer_to_landscape_ca(tenant: &Tenant<'_>, kind: &str, name: &str) {
    let reference = json!({ "kind": kind, "name": name, "key": ENTRY });
    let http = json!({ "caBundle": null, "caBundleRef": reference });
    tenant.patch_tenant(json!({ "spec": { "landscapeManagement": { "http": http } } })).await;
}

/// Lets token endpoints be trusted by an entry of an object instead of the tenant's own certificates.
async fn refer_to_sign_in_ca(tenant: &Tenant<'_>, kind: &str, name: &str) {
    let reference = json!({ "kind": kind, "name": name, "key": ENTRY });
    tenant.patch_tenant(json!({ "spec": { "signIn": { "caBundle": null, "caBundleRef": reference } } })).await;
}

/// Waits until the tenant waits for its certificates for this reason.
async fn await_waiting(tenant: &Tenant<'_>, words: &str) {
    let found = tenant
        .await_tenant_as(&tenant.name, words, |found| {
            tenant_condition(found, "Ready") == ("Unknown".into(), "TenantMisconfigured".into())
                && tenant_message(found, "Ready").contains(words)
        })
        .await;
    assert_eq!(tenant_condition(&found, "Reconciling").0, "True");
}

// proves: field ALMTenant spec.landscapeManagement.http.caBundleRef.kind
// proves: field ALMTenant spec.landscapeManagement.http.caBundleRef.name
// proves: field ALMTenant spec.landscapeManagement.http.caBundleRef.key
#[test]
fn a_tenant_waits_for_the_ca_bundle_that_openshift_fills_and_then_becomes_ready() {
    scenario("openshift", async |tenant| {
        refer_to_landscape_ca(&tenant, "ConfigMap", "openshift").await;
        let object = format!("ConfigMap \"openshift\" in namespace \"{NAMESPACE}\"");
        let field = "the ALMTenant's landscapeManagement.http.caBundleRef";
        await_waiting(&tenant, &format!("{object}, named in {field}, does not exist")).await;
        apply(&tenant, "ConfigMap", json!({})).await;
        await_waiting(&tenant, &format!("{field}: entry \"{ENTRY}\" of {object} does not exist or is empty")).await;
        tenant.write_secret("pasted", &tenant.make_key().await).await;
        tenant.apply_for_secret("calm", "pasted").await;
        tenant.await_ready("calm", "Unknown", "TenantMisconfigured").await;

        apply(&tenant, "ConfigMap", json!({ ENTRY: openshift_bundle(&tenant.bed.simulator.ca) })).await;

        tenant.await_tenant("openshift", "True", "Connected").await;
        tenant.await_ready("calm", "True", "Uploaded").await;
        assert_eq!(tenant.writes().await, ["+Put"]);
    });
}

// proves: field ALMTenant spec.signIn.caBundleRef.kind, field ALMTenant spec.signIn.caBundleRef.name
// proves: field ALMTenant spec.signIn.caBundleRef.key
#[test]
fn keys_sign_in_by_the_ca_bundle_of_a_secret_and_follow_its_rotation() {
    scenario("rotated-ca", async |tenant| {
        let trust = async |ca: String| apply(&tenant, "Secret", json!({ ENTRY: ca })).await;
        trust(foreign_ca()).await;
        refer_to_sign_in_ca(&tenant, "Secret", "rotated-ca-ca").await;
        tenant.write_secret("pasted", &tenant.make_key().await).await;
        tenant.apply_for_secret("calm", "pasted").await;
        tenant.await_ready("calm", "Unknown", "SignInUnknown").await;

        trust(tenant.bed.simulator.ca.clone()).await;
        tenant.await_ready("calm", "True", "Uploaded").await;

        let secrets: Api<Secret> = Api::namespaced(tenant.client.clone(), NAMESPACE);
        secrets.delete("rotated-ca-ca", &DeleteParams::default()).await.expect("the Secret is deleted");
        await_waiting(&tenant, "no key can sign in: Secret \"rotated-ca-ca\"").await;
        trust(foreign_ca()).await;
        tenant.await_tenant("rotated-ca", "True", "Connected").await;
        let new = tenant.make_key().await;
        tenant.write_secret("pasted", &new).await;
        tenant
            .await_key("calm", "without a trusted certificate", |object| {
                message(object, "SignedIn").contains("could not connect")
            })
            .await;
        assert_ne!(tenant.slot_key().await, new, "a key that has not signed in is not uploaded");

        trust(tenant.bed.simulator.ca.clone()).await;
        tenant.await_uploaded("calm", &new).await;
    });
}

#[test]
fn landscape_management_is_trusted_by_the_latest_ca_bundle_only() {
    scenario("latest-ca", async |tenant| {
        tenant.await_tenant("latest-ca", "True", "Connected").await;
        for kind in ["ConfigMap", "Secret"] {
            let name = if kind == "Secret" { secret_name(&tenant) } else { tenant.name.clone() };
            apply(&tenant, kind, json!({ ENTRY: foreign_ca() })).await;
            refer_to_landscape_ca(&tenant, kind, &name).await;
            tenant.await_tenant("latest-ca", "Unknown", "LandscapeManagementUnavailable").await;
            apply(&tenant, kind, json!({ ENTRY: tenant.bed.simulator.ca })).await;
            tenant.await_tenant("latest-ca", "True", "Connected").await;
            apply(&tenant, kind, json!({ ENTRY: foreign_ca() })).await;
            tenant.await_tenant("latest-ca", "Unknown", "LandscapeManagementUnavailable").await;
        }
    });
}

/// Checks that a lasting defect of the certificates is reported by its place, and ends with their correction.
async fn check_reported_until_corrected(tenant: &Tenant<'_>, kind: &str, place: &str) {
    let found = tenant.await_tenant(&tenant.name, "False", "TenantMisconfigured").await;
    let text = tenant_message(&found, "Ready");
    let problem = "the CA bundle is not PEM with at least one certificate";
    assert!(text.ends_with(&format!("the ALMTenant's {place} in namespace \"{NAMESPACE}\": {problem}")), "{text}");
    assert_eq!(tenant_condition(&found, "Stalled").0, "True");
    apply(tenant, kind, json!({ ENTRY: tenant.bed.simulator.ca })).await;
    tenant.await_tenant(&tenant.name, "True", "Connected").await;
}

#[test]
fn an_entry_without_a_certificate_is_reported_by_its_place_until_it_is_corrected() {
    scenario("no-certificate", async |tenant| {
        let no_certificate = json!({ ENTRY: "# to be filled\n" });
        apply(&tenant, "ConfigMap", no_certificate.clone()).await;
        refer_to_landscape_ca(&tenant, "ConfigMap", "no-certificate").await;
        let place = format!("landscapeManagement.http.caBundleRef: entry \"{ENTRY}\" of ConfigMap \"no-certificate\"");
        check_reported_until_corrected(&tenant, "ConfigMap", &place).await;

        apply(&tenant, "Secret", no_certificate).await;
        refer_to_sign_in_ca(&tenant, "Secret", "no-certificate-ca").await;
        let place = format!("signIn.caBundleRef: entry \"{ENTRY}\" of Secret \"no-certificate-ca\"");
        check_reported_until_corrected(&tenant, "Secret", &place).await;
    });
}

#[test]
fn the_largest_ca_bundle_that_the_api_server_admits_is_used() {
    scenario("large-ca", async |tenant| {
        let ca = &tenant.bed.simulator.ca;
        let largest = format!("{}\n{ca}", "#".repeat(1024 * 1024 - ca.len() - 1));
        apply(&tenant, "ConfigMap", json!({ ENTRY: largest })).await;
        refer_to_landscape_ca(&tenant, "ConfigMap", "large-ca").await;
        tenant.await_tenant("large-ca", "True", "Connected").await;

        let larger = json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "larger-ca" },
            "data": { ENTRY: format!("#{largest}") },
        });
        let path = format!("/api/v1/namespaces/{NAMESPACE}/configmaps");
        let answer = request::create(&tenant.client, &path, &larger).await;
        assert_eq!(answer.status, 422, "{}", answer.body["message"]);
    });
}

/// Returns the number of reads of `ConfigMap`s by the operator, watches and lists apart.
fn count_reads(bed: &TestBed) -> usize {
    let log = std::fs::read_to_string(bed.control_plane.audit_log().expect("the bed is audited")).expect("the log");
    let operator = service_account_user(NAMESPACE, NAMESPACE).name;
    let is_read = |line: &&str| {
        [r#""resource":"configmaps""#, r#""verb":"get""#, operator.as_str()].iter().all(|part| line.contains(part))
    };
    log.lines().filter(is_read).count()
}

#[test]
fn a_ca_bundle_that_does_not_change_is_not_read_again() {
    alone(Setup { audit: true, ..Setup::default() }, async |bed| {
        let tenant = Tenant::create(&bed, "settled-ca", bed.client.clone()).await;
        apply(&tenant, "ConfigMap", json!({})).await;
        refer_to_landscape_ca(&tenant, "ConfigMap", "settled-ca").await;
        refer_to_sign_in_ca(&tenant, "ConfigMap", "settled-ca").await;
        await_waiting(&tenant, "does not exist or is empty").await;
        apply(&tenant, "ConfigMap", json!({ ENTRY: bed.simulator.ca })).await;
        tenant.await_tenant("settled-ca", "True", "Connected").await;
        tenant.write_secret("pasted", &tenant.make_key().await).await;
        tenant.apply_for_secret("calm", "pasted").await;
        tenant.await_ready("calm", "True", "Uploaded").await;
        let before = count_reads(&bed);
        assert!(before > 0, "the reads are counted");

        for request in ["first", "second", "third"] {
            tenant.reconcile_now("calm", request).await;
        }

        assert_eq!(count_reads(&bed), before);
        assert!(tenant.calls(&["SignIn"]).await.len() > 1, "the key has signed in again");
    });
}
