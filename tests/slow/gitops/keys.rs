//! Turning points of `ALMServiceKey`s whose Landscape Management has an endpoint.

use alm_key_operator::api::ALMServiceKey;
use serde_json::{Value, json};

use super::recording::{Point, Recording, keys};
use testkit::bed::key::condition;
use testkit::bed::{Tenant, TestBed, request};

/// Creates an object with this spec, and returns it as the API server stores it.
async fn create(tenant: &Tenant<'_>, name: &str, spec: Value) -> Value {
    let object = json!({
        "apiVersion": "almkey.dev/v1alpha1", "kind": "ALMServiceKey", "metadata": { "name": name }, "spec": spec,
    });
    request::create(&tenant.client, &keys(tenant), &object).await.expect("the object is created")
}

/// Returns a spec whose source is the Secret `pasted`, checked often.
fn spec(tenant: &Tenant<'_>) -> Value {
    json!({
        "tenantRef": { "name": tenant.name }, "source": { "secretRef": { "name": "pasted" } },
        "interval": "10s", "gracePeriod": "0s", "deadKey": { "after": "10s" },
    })
}

/// Creates a tenant, and waits until it is connected.
async fn connect<'a>(bed: &'a TestBed, name: &str) -> Tenant<'a> {
    let tenant = Tenant::create(bed, name, bed.client.clone()).await;
    tenant.await_tenant(name, "True", "Connected").await;
    tenant
}

/// Creates a tenant, and uploads the key of the Secret `pasted` for the object `calm`.
async fn upload<'a>(bed: &'a TestBed, name: &str) -> (Tenant<'a>, Value) {
    let tenant = connect(bed, name).await;
    let key = tenant.make_key().await;
    tenant.write_secret("pasted", &key).await;
    create(&tenant, "calm", spec(&tenant)).await;
    tenant.await_ready("calm", "True", "Uploaded").await;
    (tenant, key)
}

/// Records a key from its creation to its deletion, with a rotation and an outage in between.
pub async fn life(bed: &TestBed) -> Vec<Point> {
    let mut recording = Recording::default();
    let tenant = connect(bed, "life").await;
    recording.add("new, before any status", create(&tenant, "calm", spec(&tenant)).await);
    tenant.await_ready("calm", "Unknown", "WaitingForSecret").await;
    recording.key("the Secret does not exist yet", &tenant, "calm").await;
    tenant.fail_once("SignIn", json!({ "hold": true })).await;
    tenant.write_secret("pasted", &tenant.make_key().await).await;
    tenant.await_held().await;
    recording.key("the key is being tried for the first time", &tenant, "calm").await;
    tenant.fail_once("Put", json!({ "hold": true })).await;
    tenant.release_held_calls().await;
    tenant.await_key("calm", "about to upload", is_pending).await;
    recording.key("the first upload is under way", &tenant, "calm").await;
    tenant.await_held().await;
    tenant.release_held_calls().await;
    tenant.await_ready("calm", "True", "Uploaded").await;
    recording.key("uploaded, and it signs in", &tenant, "calm").await;

    tenant.fail_once("SignIn", json!({ "hold": true })).await;
    let new = tenant.make_key().await;
    tenant.write_secret("pasted", &new).await;
    tenant.await_held().await;
    recording.key("rotation: the new key is being tried", &tenant, "calm").await;
    tenant.fail_once("Put", json!({ "hold": true })).await;
    tenant.release_held_calls().await;
    tenant.await_key("calm", "about to upload", is_pending).await;
    recording.key("rotation: the upload is under way", &tenant, "calm").await;
    tenant.await_held().await;
    tenant.release_held_calls().await;
    tenant.await_uploaded("calm", &new).await;
    tenant.await_ready("calm", "True", "Uploaded").await;
    recording.key("rotation: done", &tenant, "calm").await;

    let path = format!("{}/calm", keys(&tenant));
    let change = json!({ "spec": { "deletionPolicy": "Delete" } });
    let changed = request::merge(&tenant.client, &path, &change).await.expect("the object is changed");
    recording.add("the spec was changed, and not reconciled yet", changed);
    tenant.await_ready("calm", "True", "Uploaded").await;

    for call in ["SignIn", "ReadSlot"] {
        tenant.fail(call, json!({ "status": 503 })).await;
    }
    tenant.reconcile_now("calm", "in the outage").await;
    recording.key("an outage of SAP, shorter than three intervals", &tenant, "calm").await;
    tenant.await_ready("calm", "Unknown", "NotVerifiedLately").await;
    recording.key("an outage of SAP, longer than three intervals", &tenant, "calm").await;
    tenant.heal().await;
    tenant.reconcile_now("calm", "after the outage").await;
    tenant.await_ready("calm", "True", "Uploaded").await;

    tenant.fail("Delete", json!({ "status": 503 })).await;
    tenant.begin_deletion("calm").await;
    tenant.await_ready("calm", "Unknown", "Removing").await;
    recording.key("being deleted, while SAP does not answer", &tenant, "calm").await;
    tenant.heal().await;
    tenant.await_gone("calm").await;
    recording.points
}

fn is_pending(object: &ALMServiceKey) -> bool {
    object.status.as_ref().is_some_and(|status| status.pending.is_some())
}

/// Records keys that cannot be uploaded yet, and one whose source is gone.
pub async fn waiting(bed: &TestBed) -> Vec<Point> {
    let mut recording = Recording::default();
    let tenant = connect(bed, "waiting").await;
    let mut elsewhere = spec(&tenant);
    elsewhere["tenantRef"]["name"] = json!("nowhere");
    create(&tenant, "no-tenant", elsewhere).await;
    tenant.await_ready("no-tenant", "Unknown", "WaitingForTenant").await;
    recording.key("the tenant does not exist yet", &tenant, "no-tenant").await;
    let binding = json!({ "tenantRef": { "name": "waiting" }, "source": { "serviceBindingRef": { "name": "none" } } });
    create(&tenant, "no-binding", binding).await;
    tenant.await_ready("no-binding", "Unknown", "WaitingForBinding").await;
    recording.key("the ServiceBinding does not exist yet", &tenant, "no-binding").await;
    tenant.delete("no-binding").await;

    tenant.fail("SignIn", json!({ "status": 503 })).await;
    tenant.write_secret("pasted", &tenant.make_key().await).await;
    create(&tenant, "calm", spec(&tenant)).await;
    tenant.await_ready("calm", "Unknown", "SignInUnknown").await;
    recording.key("a new key, and the token endpoint does not answer", &tenant, "calm").await;
    tenant.heal().await;
    tenant.await_ready("calm", "True", "Uploaded").await;

    tenant.patch("calm", json!({ "spec": { "gracePeriod": "5m" } })).await;
    tenant.await_ready("calm", "True", "Uploaded").await;
    tenant.delete_secret("pasted").await;
    tenant.await_ready("calm", "Unknown", "RemovalPending").await;
    recording.key("the source is gone, and the grace period runs", &tenant, "calm").await;
    tenant.patch("calm", json!({ "spec": { "gracePeriod": "0s" } })).await;
    tenant.await_ready("calm", "False", "SourceGone").await;
    recording.key("the source is gone, and its key was removed", &tenant, "calm").await;
    recording.points
}

/// Records keys that break a rule, or that are dead.
pub async fn refused(bed: &TestBed) -> Vec<Point> {
    let mut recording = Recording::default();
    let (tenant, key) = upload(bed, "refused").await;
    tenant.write_data("pasted", json!({ "key.json": "no JSON" })).await;
    tenant.await_ready("calm", "False", "InvalidJSON").await;
    recording.key("the key breaks a rule", &tenant, "calm").await;
    tenant.write_secret("pasted", &key).await;
    tenant.await_ready("calm", "True", "Uploaded").await;
    tenant.revoke(&key).await;
    tenant.await_ready("calm", "False", "CredentialsRefused").await;
    recording.key("the key is refused, and not removed yet", &tenant, "calm").await;
    let is_removed = |object: &ALMServiceKey| condition(object, "Uploaded").1 == "DeadKeyRemoved";
    tenant.await_key("calm", "removed", is_removed).await;
    recording.key("the dead key was removed", &tenant, "calm").await;
    recording.points
}

/// Records keys whose slot holds the key of another client or object.
pub async fn slot_of_another(bed: &TestBed) -> Vec<Point> {
    let mut recording = Recording::default();
    let tenant = connect(bed, "slot").await;
    let theirs = tenant.make_key().await;
    tenant.fill_slot(&theirs, None).await;
    tenant.write_secret("pasted", &tenant.make_key().await).await;
    create(&tenant, "calm", spec(&tenant)).await;
    tenant.await_ready("calm", "False", "SlotOccupied").await;
    recording.key("another client's key is in the slot", &tenant, "calm").await;
    tenant.empty_slot().await;
    tenant.reconcile_now("calm", "after the slot was emptied").await;
    tenant.await_ready("calm", "True", "Uploaded").await;
    create(&tenant, "second", spec(&tenant)).await;
    tenant.await_ready("second", "False", "NotSlotOwner").await;
    recording.key("another ALMServiceKey owns the slot", &tenant, "second").await;
    tenant.delete("second").await;
    tenant.fill_slot(&theirs, None).await;
    tenant.await_ready("calm", "False", "SlotOverwritten").await;
    recording.key("another client overwrote the key", &tenant, "calm").await;
    recording.points
}

/// Records a key that its tenant does not admit.
pub async fn not_admitted(bed: &TestBed) -> Vec<Point> {
    let mut recording = Recording::default();
    let (tenant, _) = upload(bed, "admission").await;
    tenant.patch_tenant(json!({ "spec": { "allowedNamespaces": ["other"] } })).await;
    tenant.await_ready("calm", "False", "NamespaceNotAllowed").await;
    recording.key("the tenant does not admit the namespace", &tenant, "calm").await;
    tenant.patch_tenant(json!({ "spec": { "allowedNamespaces": ["*"] } })).await;
    tenant.await_ready("calm", "True", "Uploaded").await;
    tenant.begin_tenant_deletion().await;
    tenant.await_ready("calm", "False", "TenantTerminating").await;
    recording.key("the tenant is being deleted", &tenant, "calm").await;
    tenant.await_tenant("admission", "False", "TenantTerminating").await;
    recording.tenant("ALMTenant: being deleted, while a key is in its slot", &tenant, "admission").await;
    recording.points
}

/// Records keys that are suspended, or only observed.
pub async fn observed_and_suspended(bed: &TestBed) -> Vec<Point> {
    let mut recording = Recording::default();
    let (tenant, key) = upload(bed, "modes").await;
    tenant.patch("calm", json!({ "spec": { "suspend": true } })).await;
    tenant.await_ready("calm", "True", "Suspended").await;
    recording.key("suspended, and the source has the uploaded key", &tenant, "calm").await;
    tenant.write_secret("pasted", &tenant.make_key().await).await;
    tenant.await_ready("calm", "False", "Suspended").await;
    recording.key("suspended, and the source has another key", &tenant, "calm").await;
    tenant.write_secret("pasted", &key).await;
    tenant.patch("calm", json!({ "spec": { "suspend": false, "mode": "Observe" } })).await;
    tenant.await_ready("calm", "True", "Observed").await;
    recording.key("`Observe`, and `Enforce` would change nothing", &tenant, "calm").await;
    tenant.write_secret("pasted", &tenant.make_key().await).await;
    tenant.await_ready("calm", "True", "WouldChange").await;
    recording.key("`Observe`, and `Enforce` would upload a key", &tenant, "calm").await;
    tenant.delete_secret("pasted").await;
    tenant.await_ready("calm", "False", "SourceGone").await;
    recording.key("`Observe`, and `Enforce` would remove the key", &tenant, "calm").await;
    let mut suspended = spec(&tenant);
    suspended["suspend"] = json!(true);
    create(&tenant, "never-checked", suspended).await;
    tenant.await_ready("never-checked", "Unknown", "Suspended").await;
    recording.key("suspended from the beginning", &tenant, "never-checked").await;
    recording.points
}
