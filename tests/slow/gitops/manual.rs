//! Turning points in manual mode, where a person changes the key in SAP's app.

use alm_key_operator::api::action::ActionOperation::{Delete, Replace, Upload};
use serde_json::{Value, json};

use super::recording::{Point, Recording};
use testkit::bed::manual::{act, await_action, in_manual_mode};
use testkit::bed::{Tenant, TestBed};

async fn create<'a>(bed: &'a TestBed, name: &str) -> Tenant<'a> {
    Tenant::create_with(bed, name, bed.client.clone(), in_manual_mode).await
}

/// Records a key from the first request to the removal that it leaves behind.
pub async fn life(bed: &TestBed) -> Vec<Point> {
    let mut recording = Recording::default();
    let tenant = create(bed, "by-hand").await;
    let key = tenant.make_key().await;
    tenant.write_secret("pasted", &key).await;
    let spec = json!({
        "source": { "secretRef": { "name": "pasted" } }, "interval": "10s", "gracePeriod": "0s",
        "deadKey": { "after": "10s" },
    });
    tenant.apply("calm", spec).await;
    await_action(&tenant, "calm", Upload, &key).await;
    tenant.await_ready("calm", "Unknown", "ActionRequired").await;
    recording.key("manual mode: an upload is asked for", &tenant, "calm").await;
    act(&tenant, "calm", &key).await;
    tenant.await_ready("calm", "True", "Uploaded").await;
    recording.key("manual mode: the upload is confirmed", &tenant, "calm").await;

    let next = tenant.make_key().await;
    tenant.write_secret("pasted", &next).await;
    await_action(&tenant, "calm", Replace, &next).await;
    tenant.await_ready("calm", "Unknown", "ActionRequired").await;
    recording
        .key("manual mode: a replacement is asked for, and the old key can no longer be tested", &tenant, "calm")
        .await;
    act(&tenant, "calm", &next).await;
    tenant.await_ready("calm", "True", "Uploaded").await;

    tenant.delete_secret("pasted").await;
    await_action(&tenant, "calm", Delete, &next).await;
    tenant.await_ready("calm", "Unknown", "ActionRequired").await;
    recording.key("manual mode: the deletion of the key is asked for", &tenant, "calm").await;
    tenant.write_secret("pasted", &next).await;
    tenant.await_ready("calm", "True", "Uploaded").await;
    tenant.revoke(&next).await;
    await_action(&tenant, "calm", Delete, &next).await;
    tenant.await_ready("calm", "False", "CredentialsRefused").await;
    recording.key("manual mode: the deletion of a dead key is asked for", &tenant, "calm").await;
    tenant.delete("calm").await;
    tenant.await_tenant("by-hand", "Unknown", "ActionRequired").await;
    recording.tenant("ALMTenant: manual mode, the key of a deleted object is to be removed", &tenant, "by-hand").await;
    recording.points
}

/// Records the rotation of a binding, with its deadline.
pub async fn rotation(bed: &TestBed) -> Vec<Point> {
    let mut recording = Recording::default();
    for (name, lifetime, ready, point) in [
        ("in-time", "48h", "True", "manual mode: a replacement is asked for, and the old key signs in"),
        ("too-late", "2s", "False", "manual mode: a replacement is overdue"),
    ] {
        let tenant = create(bed, name).await;
        let (first, second): (Value, Value) = (tenant.make_key().await, tenant.make_key().await);
        tenant.bind("calm", &first).await;
        tenant.apply_for_binding("calm", "calm").await;
        await_action(&tenant, "calm", Upload, &first).await;
        act(&tenant, "calm", &first).await;
        tenant.await_ready("calm", "True", "Uploaded").await;
        tenant.keep_stale_copy("calm", &first, lifetime).await;
        tenant.rotate_binding("calm", &second).await;
        await_action(&tenant, "calm", Replace, &second).await;
        tenant.await_ready("calm", ready, "ActionRequired").await;
        recording.key(point, &tenant, "calm").await;
    }
    recording.points
}
