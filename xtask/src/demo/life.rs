//! The life of a key, step by step.

use std::time::Instant;

use reqwest::Method;
use serde_json::{Value, json};

use super::samples;
use super::session::Session;
use testkit::bed::Tenant;
use testkit::bed::key::{condition, message};

const KEY: &str = "calm";
const BINDING: &str = "calm-key";
const GET: [&str; 4] = ["get", "almkey", "-n", "team-a"];

/// Follows a key while its binding is created, rotated and deleted.
pub async fn follow_binding(session: &Session) {
    Session::headline("Part one: a key follows its binding");
    let new = json!({ "identityZone": "acme-calm" });
    let made = session.bed.simulator.admin(Method::POST, "/tenants", Some(new)).await;
    let landscape = &made["landscapeManagement"];
    let tenant = session.tenant();

    let began = Instant::now();
    samples::apply(&session.bed, "credentials.yaml", landscape).await;
    samples::apply(&session.bed, "tenant.yaml", landscape).await;
    session.bed.kubectl(&["wait", "almtenant/acme", "--for=condition=Ready", "--timeout=60s"]);
    session.done(
        began,
        "cluster admin: applied credentials.yaml and tenant.yaml of deploy/samples; the ALMTenant is Ready",
    );

    let began = Instant::now();
    samples::apply(&session.bed, "key.yaml", landscape).await;
    let waiting = tenant.await_ready(KEY, "Unknown", "WaitingForBinding").await;
    session.done(
        began,
        &format!("platform team: applied deploy/samples/key.yaml; the key waits: {}", message(&waiting, "Ready")),
    );
    session.kubectl(&GET);

    let first = tenant.make_key().await;
    give_credentials(&tenant, &first).await;
    let began = Instant::now();
    await_uploaded(&tenant, &first).await;
    session.done(
        began,
        "BTP: the binding has its credentials; the operator validated the key, signed in with it, and UPLOADED it",
    );
    session.kubectl(&GET);

    let second = tenant.make_key().await;
    let seen = tenant.journal().await.len();
    session.note("BTP: rotates the binding: Ready=False, new credentials in the same Secret, Ready=True");
    tenant.rotate_binding(BINDING, &second).await;
    let began = Instant::now();
    await_uploaded(&tenant, &second).await;
    session.done(began, "ROTATED, in this order, by the simulator's journal:");
    print_proof(session, &tenant.journal().await[seen..], &second);

    session.note("platform team: deletes the binding, and its credentials die with it");
    let began = Instant::now();
    tenant.unbind(BINDING, &second).await;
    tenant.await_ready(KEY, "False", "SourceGone").await;
    assert_eq!(tenant.slot_key().await, Value::Null, "the slot is empty");
    session.done(began, "DELETED from Landscape Management: no dead key is left behind");
    session.kubectl(&GET);
}

/// Follows a key whose credentials die in BTP while nothing changes in the cluster.
pub async fn lose_credentials(session: &Session) {
    Session::headline("Part two: the credentials die in BTP alone (with interval and deadKey.after set to 10s)");
    let tenant = session.tenant();
    let spec = json!({ "spec": { "interval": "10s", "deadKey": { "after": "10s" } } });
    tenant.patch(KEY, spec).await;
    let key = tenant.make_key().await;
    tenant.bind(BINDING, &key).await;
    let began = Instant::now();
    await_uploaded(&tenant, &key).await;
    session.done(began, "BTP: a new binding under the old name; the operator signed in with its key and UPLOADED it");

    session.note("BTP admin: deletes the credentials in the BTP cockpit; the binding and its Secret stay as they are");
    tenant.revoke(&key).await;
    let began = Instant::now();
    tenant.await_ready(KEY, "False", "CredentialsRefused").await;
    session.done(
        began,
        "the periodic sign-in was refused; one refusal proves nothing, so the operator tries three more times",
    );
    session.kubectl(&GET);
    let removed = ("False".to_owned(), "DeadKeyRemoved".to_owned());
    let object = tenant.await_key(KEY, "removed", |object| condition(object, "Uploaded") == removed).await;
    assert_eq!(tenant.slot_key().await, Value::Null, "the slot is empty");
    session.done(
        began,
        &format!("the key is proven dead, and DELETED from Landscape Management: {}", message(&object, "Uploaded")),
    );
    session.kubectl(&["describe", "almkey", "-n", "team-a", KEY]);
}

/// Checks that the operator wrote nothing but what the demo has shown.
pub async fn check_writes(session: &Session) {
    let writes = session.tenant().writes().await;
    session.note(&format!("all writes to the slot, by the journal (+ means it took effect): {}", writes.join(" ")));
    assert_eq!(writes, ["+Put", "+Put", "+Delete", "+Put", "+Delete"], "no other write");
}

/// Gives the binding of the samples its credentials, as the SAP BTP service operator does.
pub async fn give_credentials(tenant: &Tenant<'_>, key: &Value) {
    let binding = tenant.accept_binding(BINDING).await;
    tenant.write_binding_secret(&binding, key, &json!({})).await;
    tenant.mark_binding_ready(BINDING, "44444444-4444-4444-4444-444444444444").await;
}

async fn await_uploaded(tenant: &Tenant<'_>, key: &Value) {
    tenant.await_uploaded(KEY, key).await;
    tenant.await_ready(KEY, "True", "Uploaded").await;
    assert_eq!(tenant.slot_key().await, *key, "the slot holds the key");
}

/// Prints the calls that prove the new key and then replace the old one with it.
fn print_proof(session: &Session, calls: &[Value], key: &Value) {
    let is_shown = |call: &&Value| call["kind"] == "SignIn" || call["kind"] == "Put";
    let ours: Vec<_> =
        calls.iter().filter(is_shown).filter(|call| call["clientid"] == key["uaa"]["clientid"]).collect();
    for call in &ours {
        let what = if call["kind"] == "SignIn" { "signed in with the new key" } else { "replaced the old key" };
        session
            .note(&format!("    {what}: {} {} -> {}", call["method"], call["path"], call["status"]).replace('"', ""));
    }
    let kinds: Vec<_> = ours.iter().filter_map(|call| call["kind"].as_str()).collect();
    assert_eq!(kinds, ["SignIn", "Put"], "one sign-in, then one upload");
}
