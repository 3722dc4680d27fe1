//! The third part: SAP's app as it is today, in which a person alone can change the key.

use std::fs;
use std::time::Instant;

use alm_key_operator::api::action::{ActionOperation, ActionStatus};
use reqwest::Method;
use serde_json::{Value, json};

use super::samples;
use super::session::Session;
use testkit::bed::Tenant;
use testkit::bed::tenant::ensure_namespace;

const KEY: &str = "calm";
const BINDING: &str = "calm-key";
const NAMESPACE: &str = "team-b";
const TENANT: &str = "acme-manual";

/// Shows a key's life in manual mode: the slot of the simulator is what the app holds, and the demo is the person at the app.
pub async fn ask_a_person(session: &Session) {
    Session::headline("Part three: SAP's app as it is today, in which a person alone can change the key (manual mode)");
    let new = json!({ "identityZone": TENANT });
    let made = session.bed.simulator.admin(Method::POST, "/tenants", Some(new)).await;
    let tenant = Tenant {
        bed: &session.bed,
        name: TENANT.into(),
        namespace: NAMESPACE.into(),
        client: session.bed.client.clone(),
    };
    ensure_namespace(&tenant.client, NAMESPACE).await;
    let began = Instant::now();
    samples::apply(&session.bed, "manual.yaml", &made["landscapeManagement"]).await;
    let first = tenant.make_key().await;
    tenant.bind(BINDING, &first).await;
    tenant.apply_for_binding(KEY, BINDING).await;
    tenant.await_ready(KEY, "Unknown", "ActionRequired").await;
    session.done(began, "the operator has validated the key and signed in with it, and ASKS a person to upload it");
    session.kubectl(&["get", "almkey", "-n", NAMESPACE]);

    upload(session, &tenant, &first).await;
    let second = rotate(session, &tenant, &first).await;
    delete(session, &tenant, &second).await;
    let calls = tenant.calls(&["ReadSlot", "ReadContent", "Put", "Patch", "Delete"]).await;
    assert_eq!(calls, Vec::<Value>::new(), "Landscape Management is never called in manual mode");
}

/// Follows the first upload: the steps, the person at the app, the confirmation of the ID.
async fn upload(session: &Session, tenant: &Tenant<'_>, key: &Value) {
    session.note("platform team: prints the steps, and sends them to the person with access to the app");
    session.almkey(&["explain", KEY, "-n", NAMESPACE, "--steps"], 0);
    session.note("the person: finds no key in the app, uploads the one from the BTP cockpit, and sends the ID back");
    tenant.fill_slot(key, None).await;
    let ActionStatus { id, .. } = action(tenant).await;
    let began = Instant::now();
    session.almkey(&["done", KEY, &id, "-n", NAMESPACE], 0);
    tenant.await_ready(KEY, "True", "Uploaded").await;
    session.done(began, "CONFIRMED: the operator follows that key from now on, as in the other parts");
}

/// Follows a rotation: the deadline, a wrong file, and the right one as evidence. Returns the new key.
async fn rotate(session: &Session, tenant: &Tenant<'_>, first: &Value) -> Value {
    let second = tenant.make_key().await;
    session.note("BTP: rotates the binding; the old credentials stay valid for 48 hours");
    tenant.keep_stale_copy(BINDING, first, "48h").await;
    tenant.rotate_binding(BINDING, &second).await;
    let began = Instant::now();
    tenant.await_ready(KEY, "True", "ActionRequired").await;
    assert_eq!(action(tenant).await.operation, ActionOperation::Replace);
    session.done(began, "the key in the app still signs in: Ready stays True, and there is a DEADLINE");
    session.almkey(&["status", "-n", NAMESPACE], 0);

    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("downloaded.txt");
    let file_name = file.display().to_string();
    session.note("the person: forgets to replace the key, and downloads the one in the app to confirm it");
    fs::write(&file, first.to_string()).expect("the file");
    session.almkey(&["done", KEY, "-n", NAMESPACE, "--file", &file_name], 4);
    tenant.await_ready(KEY, "True", "ActionRequired").await;
    session.note("the person: deletes the old key in the app, uploads the new one, and downloads it again");
    tenant.fill_slot(&second, None).await;
    fs::write(&file, second.to_string()).expect("the file");
    session.almkey(&["done", KEY, "-n", NAMESPACE, "--file", &file_name], 0);
    tenant.await_ready(KEY, "True", "Uploaded").await;
    session.done(began, "PROVEN by the file: the app holds the new key");
    second
}

/// Follows the deletion of the object, which does not wait for a person.
async fn delete(session: &Session, tenant: &Tenant<'_>, key: &Value) {
    session.note("platform team: deletes the ALMServiceKey");
    let began = Instant::now();
    tenant.delete(KEY).await;
    assert_eq!(tenant.slot_key().await, *key, "nobody has deleted it in the app yet");
    session.done(began, "the object is gone at once; what is left to do is a request to the cluster admin");
    session.almkey(&["explain", "--tenant", TENANT, "--steps"], 0);
    let status = tenant.tenant_object().await.status.expect("a status");
    let id = status.pending_removals.first().expect("a removal").id.clone();
    tenant.empty_slot().await;
    session.almkey(&["done", "--tenant", TENANT, &id], 0);
    session.kubectl(&["get", "almtenant", TENANT]);
}

async fn action(tenant: &Tenant<'_>) -> ActionStatus {
    let object = tenant.keys().get(KEY).await.expect("the object exists");
    object.status.and_then(|status| status.action).expect("an action")
}
