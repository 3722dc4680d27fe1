//! What the API server lets through and the operator answers: sources that are none, and tenants that cannot be used.

use k8s_openapi::api::core::v1::Secret;
use kube::api::{Patch, PatchParams};
use kube::{Api, ResourceExt};
use serde_json::{Value, json};

use testkit::bed::{Tenant, TestBed};
use testkit::names::NAMESPACE;

/// What is changed of a document, for a name.
type Change = fn(&mut Value, &str);

/// An `ALMServiceKey` that is answered: its name, the reason of `Ready`, and what it says.
pub(super) struct Answered {
    pub(super) name: String,
    pub(super) status: &'static str,
    pub(super) reason: &'static str,
    pub(super) says: &'static str,
}

fn unknown(name: &str, reason: &'static str, says: &'static str) -> Answered {
    Answered { name: name.into(), status: "Unknown", reason, says }
}

/// Sources and tenants that are not there, under names as long as they may be.
pub(super) async fn absent(tenant: &Tenant<'_>) -> Vec<Answered> {
    let long = "n".repeat(253);
    tenant.apply("no-secret", json!({ "source": { "secretRef": { "name": long } } })).await;
    tenant.apply("no-binding", json!({ "source": { "serviceBindingRef": { "name": long } } })).await;
    let nowhere = Tenant {
        bed: tenant.bed,
        name: long.clone(),
        namespace: tenant.namespace.clone(),
        client: tenant.client.clone(),
    };
    nowhere.apply_for_secret("no-tenant", "pasted").await;
    vec![
        unknown("no-secret", "WaitingForSecret", "does not exist"),
        unknown("no-binding", "WaitingForBinding", "does not exist"),
        unknown("no-tenant", "WaitingForTenant", "spec.tenantRef"),
    ]
}

/// Living keys, and what the token endpoint says of them: those of the first are named by their clients.
pub(super) async fn signed_in(tenant: &Tenant<'_>) -> Vec<(Answered, String)> {
    let mut answered = Vec::new();
    let mut dead = tenant.make_key().await;
    for (name, client) in [
        ("bidi", "sb-\u{202e}mlac\u{202c}\0".to_owned()),
        ("injection", "sb&client_id=admin&scope=*\r\nHost: evil".into()),
        ("long-client", "c".repeat(60_000)),
    ] {
        dead["uaa"]["clientid"] = json!(client);
        tenant.write_secret(name, &dead).await;
        let refused =
            Answered { name: name.into(), status: "False", reason: "CredentialsRefused", says: "refused the key" };
        answered.push((refused, client));
    }
    let analytics = tenant.make_key_for("uaa.resource sapcloudalm!b1.calm-api.analytics.read").await;
    tenant.write_secret("analytics", &analytics).await;
    let scope =
        Answered { name: "analytics".into(), status: "False", reason: "ForbiddenScope", says: "spec.forbiddenScopes" };
    answered.push((scope, analytics["uaa"]["clientid"].as_str().expect("a client").to_owned()));
    for (object, _) in &answered {
        tenant.apply_for_secret(&object.name, &object.name).await;
    }
    answered
}

/// What a binding says that nobody may repeat. The marker of keys would be found in the binding itself.
pub(super) const QUOTED: &str = "QUOTED";

/// Bindings as no operator writes them.
pub(super) async fn bindings(tenant: &Tenant<'_>, key: &Value) -> Vec<Answered> {
    let shape = "is not shaped like one";
    let named = "its spec.secretName cannot be the name of a Secret";
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
    let mut answered = Vec::new();
    for (name, spec, status, says) in cases {
        let name = format!("binding-{name}");
        tenant.apply_binding(&name).await;
        let spec = Patch::Merge(json!({ "spec": spec }));
        tenant.bindings().patch(&name, &PatchParams::default(), &spec).await.expect("a binding can be changed");
        tenant.patch_binding_status(&name, status).await;
        tenant.apply_for_binding(&name, &name).await;
        answered.push(unknown(&name, "WaitingForBinding", says));
    }
    let stolen = tenant.apply_binding("binding-stolen").await;
    tenant.write_secret(&stolen.name_any(), key).await;
    tenant.mark_binding_ready("binding-stolen", "1").await;
    tenant.apply_for_binding("binding-stolen", "binding-stolen").await;
    answered.push(unknown("binding-stolen", "SourceNotOwned", "is not controlled by"));
    answered
}

/// An `ALMTenant` that cannot be used, and what it says.
pub(super) struct Misconfigured {
    pub(super) name: String,
    pub(super) says: &'static str,
    /// Only a change of its spec can mend it. A Secret is looked at again, ever more rarely: nobody outside is asked.
    pub(super) by_its_spec: bool,
}

/// Tenants that cannot be used.
pub(super) async fn tenants(bed: &TestBed) -> Vec<Misconfigured> {
    let no_pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let http: [(&str, Change, &str); 4] = [
        ("bundle", |http, no_pem| http["caBundle"] = json!(no_pem), "landscapeManagement.http.caBundle"),
        ("port", |http, _| http["url"] = json!("https://localhost:99999"), "landscapeManagement.http.url"),
        ("token-port", |http, _| http["oauth2"]["tokenUrl"] = json!("https://localhost:99999"), "oauth2.tokenUrl"),
        ("no-secret", |http, _| http["oauth2"]["secretRef"]["name"] = json!("s".repeat(253)), "oauth2.secretRef"),
    ];
    let mut answered = Vec::new();
    for (name, change, says) in http {
        let name = format!("tenant-{name}");
        let change = |tenant: &mut Value| change(&mut tenant["spec"]["landscapeManagement"]["http"], no_pem);
        Tenant::create_with(bed, &name, bed.client.clone(), change).await;
        answered.push(Misconfigured { by_its_spec: !name.ends_with("no-secret"), name, says });
    }
    let change = |tenant: &mut Value| tenant["spec"]["signIn"]["caBundle"] = json!(no_pem);
    Tenant::create_with(bed, "tenant-sign-in", bed.client.clone(), change).await;
    answered.push(Misconfigured { name: "tenant-sign-in".into(), says: "signIn.caBundle", by_its_spec: true });
    for (name, data, says) in [
        ("tenant-no-entry", json!({ "clientId": null }), "\"clientId\""),
        ("tenant-empty-entry", json!({ "clientSecret": "" }), "\"clientSecret\""),
        ("tenant-no-text", json!({ "clientSecret": "//79" }), "\"clientSecret\""),
    ] {
        Tenant::create(bed, name, bed.client.clone()).await;
        let secrets: Api<Secret> = Api::namespaced(bed.client.clone(), NAMESPACE);
        let patch = Patch::Merge(json!({ "data": data }));
        secrets.patch(name, &PatchParams::default(), &patch).await.expect("its Secret can be changed");
        answered.push(Misconfigured { name: name.into(), says, by_its_spec: false });
    }
    answered
}
