//! The objects that the commands are shown on.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::bed::Tenant;
use testkit::bed::tenant::{create, ensure_namespace};

use crate::demo::life::give_credentials;
use crate::demo::samples;
use crate::demo::session::Session;

/// The namespace of the tenant whose slot the operator writes.
pub const TEAM_A: &str = "team-a";
/// The namespace of the tenant in manual mode.
pub const TEAM_B: &str = "team-b";
/// The tenant in manual mode.
pub const MANUAL_TENANT: &str = "acme-manual";

/// Returns the tenant in manual mode, and its namespace.
pub fn manual_tenant(session: &Session) -> Tenant<'_> {
    let client = session.bed.client.clone();
    Tenant { bed: &session.bed, name: MANUAL_TENANT.into(), namespace: TEAM_B.into(), client }
}

/// Creates both tenants, a key that is uploaded, a key that a person is asked to upload, and four objects in trouble.
pub async fn prepare(session: &Session) {
    let tenant = session.tenant();
    let landscape = create_tenant(session, &tenant.name).await;
    samples::apply(&session.bed, "credentials.yaml", &landscape).await;
    samples::apply(&session.bed, "tenant.yaml", &landscape).await;
    samples::apply(&session.bed, "key.yaml", &landscape).await;
    give_credentials(&tenant, &tenant.make_key().await).await;
    tenant.await_ready("calm", "True", "Uploaded").await;

    apply_for_key(&tenant, "second", &tenant.make_key().await).await;
    tenant.await_ready("second", "False", "NotSlotOwner").await;
    let dead = tenant.make_key().await;
    tenant.revoke(&dead).await;
    apply_for_key(&tenant, "revoked", &dead).await;
    tenant.await_ready("revoked", "False", "CredentialsRefused").await;
    apply_for_key(&tenant, "other-tenants", &other_tenants_key(&tenant.make_key().await)).await;
    tenant.await_ready("other-tenants", "False", "WrongTenant").await;
    apply_for_binding(&tenant, "unbound", "missing").await;
    tenant.await_ready("unbound", "Unknown", "WaitingForBinding").await;

    let landscape = create_tenant(session, MANUAL_TENANT).await;
    let manual = manual_tenant(session);
    ensure_namespace(&manual.client, TEAM_B).await;
    samples::apply(&session.bed, "manual.yaml", &landscape).await;
    manual.bind("calm-key", &manual.make_key().await).await;
    manual.apply_for_binding("calm", "calm-key").await;
    manual.await_ready("calm", "Unknown", "ActionRequired").await;
}

/// Returns the hosts of the simulator's token endpoints, as the option `--allow-host` takes them.
pub fn token_hosts(session: &Session) -> String {
    format!("*.authentication.localhost:{}", session.bed.simulator.port)
}

/// Returns the key as one of another tenant.
pub fn other_tenants_key(key: &Value) -> Value {
    let mut key = key.clone();
    key["uaa"]["identityzone"] = json!("globex-calm");
    key
}

async fn create_tenant(session: &Session, zone: &str) -> Value {
    let made = session.bed.simulator.admin(Method::POST, "/tenants", Some(json!({ "identityZone": zone }))).await;
    made["landscapeManagement"].clone()
}

/// Creates an object for the ALMTenant `acme` and a binding.
pub async fn apply_for_binding(tenant: &Tenant<'_>, name: &str, binding: &str) {
    apply(tenant, name, json!({ "serviceBindingRef": { "name": binding } })).await;
}

/// Creates a Secret with a key, and an object for it and the ALMTenant `acme`, both named `name`.
async fn apply_for_key(tenant: &Tenant<'_>, name: &str, key: &Value) {
    tenant.write_secret(name, key).await;
    apply(tenant, name, json!({ "secretRef": { "name": name } })).await;
}

async fn apply(tenant: &Tenant<'_>, name: &str, source: Value) {
    let object = json!({
        "apiVersion": "almkey.dev/v1alpha1", "kind": "ALMServiceKey",
        "metadata": { "name": name }, "spec": { "tenantRef": { "name": "acme" }, "source": source },
    });
    create(&tenant.keys(), object).await;
}
