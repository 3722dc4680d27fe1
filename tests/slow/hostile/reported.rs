//! Objects that the API server admits and the operator reports: unusable sources, and unusable tenants.

use k8s_openapi::api::core::v1::Secret;
use kube::api::{Patch, PatchParams};
use kube::{Api, ResourceExt};
use serde_json::{Value, json};

use testkit::bed::{Tenant, TestBed};
use testkit::names::NAMESPACE;

/// A change of a document, with a value for it.
type Change = fn(&mut Value, &str);

/// An `ALMServiceKey`, with the expected status, reason and part of the message of `Ready`.
pub(super) struct Reported {
    pub(super) name: String,
    pub(super) status: &'static str,
    pub(super) reason: &'static str,
    pub(super) message: &'static str,
}

fn unknown(name: &str, reason: &'static str, message: &'static str) -> Reported {
    Reported { name: name.into(), status: "Unknown", reason, message }
}

/// Applies objects whose source or tenant does not exist, under names of the maximal length.
pub(super) async fn apply_absent(tenant: &Tenant<'_>) -> Vec<Reported> {
    let long = "n".repeat(253);
    tenant.apply("no-secret", json!({ "source": { "secretRef": { "name": long } } })).await;
    tenant.apply("no-binding", json!({ "source": { "serviceBindingRef": { "name": long } } })).await;
    let absent = Tenant {
        bed: tenant.bed,
        name: long.clone(),
        namespace: tenant.namespace.clone(),
        client: tenant.client.clone(),
    };
    absent.apply_for_secret("no-tenant", "pasted").await;
    vec![
        unknown("no-secret", "WaitingForSecret", "does not exist"),
        unknown("no-binding", "WaitingForBinding", "does not exist"),
        unknown("no-tenant", "WaitingForTenant", "spec.tenantRef"),
    ]
}

/// Applies objects whose keys need a sign-in, and returns each with the client of its key.
pub(super) async fn apply_signing_in(tenant: &Tenant<'_>) -> Vec<(Reported, String)> {
    let mut reported = Vec::new();
    let mut dead = tenant.make_key().await;
    for (name, client) in [
        ("bidi", "sb-\u{202e}mlac\u{202c}\0".to_owned()),
        ("injection", "sb&client_id=admin&scope=*\r\nHost: evil".into()),
        ("long-client", "c".repeat(60_000)),
    ] {
        dead["uaa"]["clientid"] = json!(client);
        tenant.write_secret(name, &dead).await;
        let refused =
            Reported { name: name.into(), status: "False", reason: "CredentialsRefused", message: "refused the key" };
        reported.push((refused, client));
    }
    let analytics = tenant.make_key_for("uaa.resource sapcloudalm!b1.calm-api.analytics.read").await;
    tenant.write_secret("analytics", &analytics).await;
    let has_scope = Reported {
        name: "analytics".into(),
        status: "False",
        reason: "ForbiddenScope",
        message: "spec.forbiddenScopes",
    };
    reported.push((has_scope, analytics["uaa"]["clientid"].as_str().expect("a client").to_owned()));
    for (object, _) in &reported {
        tenant.apply_for_secret(&object.name, &object.name).await;
    }
    reported
}

/// Text in a binding that must not be repeated. The canary of keys would be found in the binding itself.
pub(super) const QUOTED: &str = "QUOTED";

/// Applies bindings as no operator writes them, and an object for each.
pub(super) async fn apply_bindings(tenant: &Tenant<'_>, key: &Value) -> Vec<Reported> {
    let shape = "is malformed";
    let named = "its spec.secretName is not a valid name of a Secret";
    let cases = [
        ("path", json!({ "secretName": "../../kube-system/secrets/x" }), json!({ "bindingID": "1" }), named),
        ("question", json!({ "secretName": "x?watch=true" }), json!({ "bindingID": "1" }), named),
        ("escape", json!({ "secretName": "x%2f..%2f" }), json!({ "bindingID": "1" }), named),
        ("long-name", json!({ "secretName": "s".repeat(300_000) }), json!({ "bindingID": "1" }), named),
        ("capitals", json!({ "secretName": QUOTED }), json!({ "bindingID": "1" }), named),
        ("number", json!({ "secretName": 7 }), json!({ "bindingID": "1" }), shape),
        ("long-id", json!({}), json!({ "bindingID": "i".repeat(300_000) }), shape),
        ("id-of-a-number", json!({}), json!({ "bindingID": 7 }), shape),
        ("conditions", json!({}), json!({ "bindingID": "1", "conditions": [QUOTED] }), shape),
        ("no-credentials", json!({}), json!({ "bindingID": "" }), "has no credentials"),
    ];
    let mut reported = Vec::new();
    for (name, spec, status, message) in cases {
        let name = format!("binding-{name}");
        tenant.apply_binding(&name).await;
        let spec = Patch::Merge(json!({ "spec": spec }));
        tenant.bindings().patch(&name, &PatchParams::default(), &spec).await.expect("a binding can be changed");
        tenant.patch_binding_status(&name, status).await;
        tenant.apply_for_binding(&name, &name).await;
        reported.push(unknown(&name, "WaitingForBinding", message));
    }
    let stolen = tenant.apply_binding("binding-stolen").await;
    tenant.write_secret(&stolen.name_any(), key).await;
    tenant.mark_binding_ready("binding-stolen", "1").await;
    tenant.apply_for_binding("binding-stolen", "binding-stolen").await;
    reported.push(unknown("binding-stolen", "SourceNotOwned", "is not controlled by"));
    reported
}

/// An unusable `ALMTenant`, and a part of the message of `Ready`.
pub(super) struct Misconfigured {
    pub(super) name: String,
    pub(super) message: &'static str,
    /// True if only a change of its spec helps. A Secret is read again, ever more rarely, without a remote call.
    pub(super) is_stalled: bool,
}

/// Applies unusable tenants.
pub(super) async fn apply_tenants(bed: &TestBed) -> Vec<Misconfigured> {
    let no_pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let http: [(&str, Change, &str); 4] = [
        ("bundle", |http, no_pem| http["caBundle"] = json!(no_pem), "landscapeManagement.http.caBundle"),
        ("port", |http, _| http["url"] = json!("https://localhost:99999"), "landscapeManagement.http.url"),
        ("token-port", |http, _| http["oauth2"]["tokenUrl"] = json!("https://localhost:99999"), "oauth2.tokenUrl"),
        ("no-secret", |http, _| http["oauth2"]["secretRef"]["name"] = json!("s".repeat(253)), "oauth2.secretRef"),
    ];
    let mut reported = Vec::new();
    for (name, change, message) in http {
        let name = format!("tenant-{name}");
        let change = |tenant: &mut Value| change(&mut tenant["spec"]["landscapeManagement"]["http"], no_pem);
        Tenant::create_with(bed, &name, bed.client.clone(), change).await;
        reported.push(Misconfigured { is_stalled: !name.ends_with("no-secret"), name, message });
    }
    let change = |tenant: &mut Value| tenant["spec"]["signIn"]["caBundle"] = json!(no_pem);
    Tenant::create_with(bed, "tenant-sign-in", bed.client.clone(), change).await;
    reported.push(Misconfigured { name: "tenant-sign-in".into(), message: "signIn.caBundle", is_stalled: true });
    for (name, data, message) in [
        ("tenant-no-entry", json!({ "clientId": null }), "\"clientId\""),
        ("tenant-empty-entry", json!({ "clientSecret": "" }), "\"clientSecret\""),
        ("tenant-no-text", json!({ "clientSecret": "//79" }), "\"clientSecret\""),
    ] {
        Tenant::create(bed, name, bed.client.clone()).await;
        let secrets: Api<Secret> = Api::namespaced(bed.client.clone(), NAMESPACE);
        let patch = Patch::Merge(json!({ "data": data }));
        secrets.patch(name, &PatchParams::default(), &patch).await.expect("its Secret can be changed");
        reported.push(Misconfigured { name: name.into(), message, is_stalled: false });
    }
    reported
}
