//! Follows a replay of the recorded SAP BTP service operator, and checks the slot at each of its marks.

use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

use super::Tenant;
use super::replay::{Pace, Replay};

/// Replays the recording at this pace, and checks that the slot follows the binding `plain`.
///
/// # Panics
/// The slot does not hold the current key of the binding at a mark, or a key was uploaded twice.
pub async fn follow_recording(tenant: &Tenant<'_>, pace: Pace) {
    let patch = Patch::Merge(json!({ "spec": { "acceptedCredentialTypes": ["instance-secret", "binding-secret"] } }));
    let patched = tenant.tenants().patch(&tenant.name, &PatchParams::default(), &patch).await;
    patched.expect("the tenant can be changed");
    tenant.apply_for_binding("calm", "plain").await;
    let mut replay = Replay::new(tenant, pace);
    let mut last_key = Value::Null;
    while let Some(mark) = replay.next_mark().await {
        let expected = match mark.as_str() {
            "an instance and five bindings are applied, one per Secret layout" | "end" => Value::Null,
            _ => replay.key("plain").clone(),
        };
        await_slot(tenant, &expected, &mark).await;
        if mark == "waiting for the stale bindings to expire" {
            assert_eq!(tenant.writes().await, ["+Put", "+Put"], "a rotation is one upload and no deletion");
        }
        last_key = expected;
    }
    assert_eq!(last_key, Value::Null, "the recording ends with an empty slot");
    let writes = tenant.writes().await;
    assert!(writes.iter().all(|write| write.starts_with('+')), "{writes:?}");
    assert_eq!(writes.iter().filter(|write| *write == "+Put").count(), 3, "three keys, each uploaded once: {writes:?}");
}

/// Waits until the status reports this key as uploaded, and checks the slot.
async fn await_slot(tenant: &Tenant<'_>, expected: &Value, mark: &str) {
    // A rotation may keep the client id and change only the secret, so the fingerprints are compared.
    let fingerprint = if expected.is_null() { Value::Null } else { json!(tenant.fingerprint(expected)) };
    tenant
        .await_key("calm", &format!("settled before {mark:?}"), |object| {
            let status = object.status.clone().unwrap_or_default();
            let uploaded = status.uploaded.map_or(Value::Null, |uploaded| json!(uploaded.fingerprint));
            status.pending.is_none() && uploaded == fingerprint
        })
        .await;
    let found = tenant.slot_key().await;
    assert_eq!(found["uaa"]["clientsecret"], expected["uaa"]["clientsecret"], "before {mark:?}");
}
