//! The recording of the real SAP BTP service operator, replayed.

use serde_json::{Value, json};

use crate::scenarios::scenario;
use testkit::bed::Tenant;
use testkit::bed::replay::{Pace, Replay};

/// What the slot is to hold when the recording comes to each of its marks, for a key that follows the binding `plain`.
async fn follows(tenant: &Tenant<'_>, pace: Pace) {
    let patch = json!({ "spec": { "acceptedCredentialTypes": ["instance-secret", "binding-secret"] } });
    let patch = kube::api::Patch::Merge(patch);
    let accepted = tenant.tenants().patch(&tenant.name, &kube::api::PatchParams::default(), &patch).await;
    accepted.expect("the tenant can be changed");
    tenant.apply_for_binding("calm", "plain").await;
    let mut replay = Replay::new(tenant, pace);
    let mut last_key = Value::Null;
    while let Some(next) = replay.next_mark().await {
        let expected = match next.as_str() {
            "an instance and five bindings are applied, one per Secret layout" | "end" => Value::Null,
            _ => replay.key("plain").clone(),
        };
        await_slot(tenant, &expected, &next).await;
        if next == "waiting for the stale bindings to expire" {
            assert_eq!(tenant.writes().await, ["+Put", "+Put"], "a rotation is one upload and no deletion");
        }
        last_key = expected;
    }
    assert_eq!(last_key, Value::Null, "the recording has come to its end");
    let writes = tenant.writes().await;
    assert!(writes.iter().all(|write| write.starts_with('+')), "{writes:?}");
    assert_eq!(writes.iter().filter(|write| *write == "+Put").count(), 3, "three keys, each uploaded once: {writes:?}");
}

/// Waits until the slot holds this key, and the status says so.
async fn await_slot(tenant: &Tenant<'_>, expected: &Value, before: &str) {
    // A rotation may keep the client and change the secret alone.
    let fingerprint = if expected.is_null() { Value::Null } else { json!(tenant.fingerprint(expected)) };
    let secret = expected["uaa"]["clientsecret"].clone();
    tenant
        .await_key("calm", &format!("as it is to be before {before:?}"), |object| {
            let status = object.status.clone().unwrap_or_default();
            let uploaded = status.uploaded.map_or(Value::Null, |uploaded| json!(uploaded.fingerprint));
            status.pending.is_none() && uploaded == fingerprint
        })
        .await;
    let held = tenant.slot_key().await;
    assert_eq!(held["uaa"]["clientsecret"], secret, "before {before:?}");
}

#[test]
fn the_slot_follows_the_recorded_operator_at_full_speed() {
    scenario("recorded-fast", async |tenant| follows(&tenant, Pace::Fast).await);
}

#[test]
fn the_slot_follows_the_recorded_operator_at_its_own_pace() {
    scenario("recorded-pace", async |tenant| follows(&tenant, Pace::Recorded).await);
}
