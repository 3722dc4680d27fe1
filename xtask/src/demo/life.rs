//! What happens on the stage.

use std::time::Instant;

use reqwest::Method;
use serde_json::{Value, json};

use super::samples;
use super::stage::Stage;
use testkit::bed::Tenant;
use testkit::bed::key::{condition, message};

const KEY: &str = "calm";
const BINDING: &str = "calm-key";
const GET: [&str; 4] = ["get", "almkey", "-n", "team-a"];

/// A binding appears, rotates, and is deleted.
pub async fn act_one(stage: &Stage) {
    Stage::act("Act one: a binding and its key");
    let new = json!({ "identityZone": "acme-calm" });
    let made = stage.bed.simulator.admin(Method::POST, "/tenants", Some(new)).await;
    let landscape = &made["landscapeManagement"];
    let tenant = stage.tenant();

    let began = Instant::now();
    samples::apply(&stage.bed, "credentials.yaml", landscape).await;
    samples::apply(&stage.bed, "tenant.yaml", landscape).await;
    stage.bed.kubectl(&["wait", "almtenant/acme", "--for=condition=Ready", "--timeout=60s"]);
    stage.done(began, "cluster admin: applied deploy/samples/credentials.yaml and tenant.yaml (pointed at the simulator); it is Ready");

    let began = Instant::now();
    samples::apply(&stage.bed, "key.yaml", landscape).await;
    let waiting = tenant.await_ready(KEY, "Unknown", "WaitingForBinding").await;
    stage.done(
        began,
        &format!("platform team: applied deploy/samples/key.yaml; it waits: {}", message(&waiting, "Ready")),
    );
    stage.kubectl(&GET);

    let first = tenant.make_key().await;
    give_credentials(&tenant, &first).await;
    let began = Instant::now();
    await_uploaded(&tenant, &first).await;
    stage.done(began, "BTP: the binding got its credentials; the key was validated, proven to sign in, and UPLOADED");
    stage.kubectl(&GET);

    let second = tenant.make_key().await;
    let seen = tenant.journal().await.len();
    stage.says("BTP: rotates the binding: Ready=False, the Secret changes in place, Ready=True");
    tenant.rotate_binding(BINDING, &second).await;
    let began = Instant::now();
    await_uploaded(&tenant, &second).await;
    stage.done(began, "ROTATED: in this order, as the simulator's journal has it:");
    tell_proof(stage, &tenant.journal().await[seen..], &second);

    stage.says("BTP: the binding is deleted, and its credentials die with it");
    let began = Instant::now();
    tenant.unbind(BINDING, &second).await;
    tenant.await_ready(KEY, "False", "SourceGone").await;
    assert_eq!(tenant.slot_key().await, Value::Null, "the slot is empty");
    stage.done(began, "DELETED from Landscape Management: no dead key stays behind");
    stage.kubectl(&GET);
}

/// The credentials die in BTP, and nothing in the cluster tells of it.
pub async fn act_two(stage: &Stage) {
    Stage::act("Act two: the credentials die in BTP alone (interval and deadKey.after truncated to 10s)");
    let tenant = stage.tenant();
    let spec = json!({ "spec": { "interval": "10s", "deadKey": { "after": "10s" } } });
    tenant.patch(KEY, spec).await;
    let key = tenant.make_key().await;
    tenant.bind(BINDING, &key).await;
    let began = Instant::now();
    await_uploaded(&tenant, &key).await;
    stage.done(began, "BTP: a new binding under the old name; its key was proven and UPLOADED");

    stage.says("a person deletes the credentials in the BTP cockpit; binding and Secret still stand");
    tenant.revoke(&key).await;
    let began = Instant::now();
    tenant.await_ready(KEY, "False", "CredentialsRefused").await;
    stage.done(began, "the periodic sign-in was refused; one refusal proves nothing, so it is tried three times more");
    stage.kubectl(&GET);
    let removed = ("False".to_owned(), "DeadKeyRemoved".to_owned());
    let object = tenant.await_key(KEY, "removed", |object| condition(object, "Uploaded") == removed).await;
    assert_eq!(tenant.slot_key().await, Value::Null, "the slot is empty");
    stage.done(began, &format!("proven dead and DELETED from Landscape Management: {}", message(&object, "Uploaded")));
    stage.kubectl(&["describe", "almkey", "-n", "team-a", KEY]);
}

/// Nothing but what was shown has been written.
pub async fn check_the_journal(stage: &Stage) {
    let writes = stage.tenant().writes().await;
    stage.says(&format!("the journal's writes to the slot, + took effect: {}", writes.join(" ")));
    assert_eq!(writes, ["+Put", "+Put", "+Delete", "+Put", "+Delete"], "and no write besides those");
}

async fn give_credentials(tenant: &Tenant<'_>, key: &Value) {
    let binding = tenant.accept_binding(BINDING).await;
    tenant.write_binding_secret(&binding, key, &json!({})).await;
    tenant.mark_binding_ready(BINDING, "44444444-4444-4444-4444-444444444444").await;
}

async fn await_uploaded(tenant: &Tenant<'_>, key: &Value) {
    tenant.await_uploaded(KEY, key).await;
    tenant.await_ready(KEY, "True", "Uploaded").await;
    assert_eq!(tenant.slot_key().await, *key, "the slot holds it");
}

/// The new key was proven before it replaced the old one.
fn tell_proof(stage: &Stage, calls: &[Value], key: &Value) {
    let shown = |call: &&Value| call["kind"] == "SignIn" || call["kind"] == "Put";
    let ours: Vec<_> = calls.iter().filter(shown).filter(|call| call["clientid"] == key["uaa"]["clientid"]).collect();
    for call in &ours {
        let what =
            if call["kind"] == "SignIn" { "signed in with the new key" } else { "put it in the old one's place" };
        stage.says(&format!("    {what}: {} {} -> {}", call["method"], call["path"], call["status"]).replace('"', ""));
    }
    let kinds: Vec<_> = ours.iter().filter_map(|call| call["kind"].as_str()).collect();
    assert_eq!(kinds, ["SignIn", "Put"], "proven, then put, once");
}
