//! The state as tables for people.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::api::DynamicObject;
use kube::{Resource, ResourceExt};

use super::actions;
use super::listing::{Listing, parse};
use crate::api::slot::{SlotState, SlotStatus};
use crate::api::{ALMServiceKey, ALMTenant};
use crate::cli::cluster::{Kind, UNSEEN};
use crate::cli::text::{NONE, age, paragraph_of, table};
use crate::domain::reason::Reason;
use crate::names::condition::{READY, SIGNED_IN};

/// The condition `Ready` of an object. It is unknown if the operator has not seen the object's last change.
struct Ready {
    status: String,
    reason: String,
    message: String,
}

/// Returns the state in tables of at most `width` columns, and the messages of objects that need attention.
pub(super) fn text(listing: &Listing, now: Timestamp, width: u16) -> String {
    tables(listing, now, Some(width)) + &messages(listing, width)
}

/// Returns the state in tables with more columns. Only the messages are wrapped.
pub(super) fn wide(listing: &Listing, now: Timestamp, width: u16) -> String {
    tables(listing, now, None) + &messages(listing, width)
}

/// Returns the tables; without a width, those with all columns.
fn tables(listing: &Listing, now: Timestamp, width: Option<u16>) -> String {
    let mut parts = Vec::new();
    let is_wide = width.is_none();
    if let Some(tenants) = listing.tenants.as_ref().filter(|tenants| !tenants.is_empty()) {
        let mut header = vec!["TENANT", "READY", "STATUS", "SLOT", "AGE"];
        header.extend(is_wide.then_some("IDENTITY ZONE"));
        let rows = tenants.iter().map(|tenant| tenant_row(tenant, now, is_wide));
        parts.push(table(&header, rows, width));
    }
    if !listing.keys.is_empty() {
        let mut header = vec!["NAME", "TENANT", "READY", "STATUS", "UPLOADED", "AGE"];
        if listing.namespace.is_none() {
            header.insert(0, "NAMESPACE");
        }
        if is_wide {
            header.extend(["SIGNED IN", "SOURCE", "FINGERPRINT"]);
        }
        let with_namespace = listing.namespace.is_none();
        let rows = listing.keys.iter().map(|key| key_row(key, now, with_namespace, is_wide));
        parts.push(table(&header, rows, width));
    }
    parts.extend(actions::table_of(listing, now, width));
    parts.join("\n")
}

fn tenant_row(object: &DynamicObject, now: Timestamp, is_wide: bool) -> Vec<String> {
    let tenant: Option<ALMTenant> = parse(object);
    let status = tenant.as_ref().and_then(|tenant| tenant.status.as_ref());
    let Ready { status: ready, reason, .. } = tenant_ready(object);
    let slot = status.and_then(|status| status.slot.as_ref()).map(|slot| describe_slot(slot, now));
    let mut row = vec![object.name_any(), ready, reason, slot.unwrap_or(NONE.into()), created(object, now)];
    row.extend(is_wide.then(|| tenant.map_or(NONE.into(), |tenant| tenant.spec.identity_zone)));
    row
}

fn key_row(object: &DynamicObject, now: Timestamp, with_namespace: bool, is_wide: bool) -> Vec<String> {
    let key: Option<ALMServiceKey> = parse(object);
    let status = key.as_ref().and_then(|key| key.status.as_ref());
    let uploaded = status.and_then(|status| status.uploaded.as_ref());
    let Ready { status: ready, reason, .. } = key_ready(object);
    let tenant = object.data["spec"]["tenantRef"]["name"].as_str().unwrap_or(NONE);
    let mut row = vec![
        object.name_any(),
        tenant.to_owned(),
        ready,
        reason,
        uploaded.map_or(NONE.into(), |uploaded| age(uploaded.uploaded_at.0, now)),
        created(object, now),
    ];
    if with_namespace {
        row.insert(0, object.namespace().unwrap_or_default());
    }
    if is_wide {
        let signed_in = status.and_then(|status| condition(&status.conditions, SIGNED_IN));
        let source = status.and_then(|status| status.source.as_ref());
        row.push(signed_in.map_or(NONE.into(), |signed_in| signed_in.status.clone()));
        row.push(source.map_or(NONE.into(), |source| format!("{}/{}", source.kind, source.name)));
        row.push(uploaded.map_or(NONE.into(), |uploaded| uploaded.fingerprint.clone()));
    }
    row
}

/// Returns the messages of the objects that are not ready, or that a person must act for: what was found, and what to do.
fn messages(listing: &Listing, width: u16) -> String {
    let tenants = listing.tenants.iter().flatten().map(|tenant| (tenant, Kind::Tenants, tenant_ready(tenant)));
    let keys = listing.keys.iter().map(|key| (key, Kind::Keys, key_ready(key)));
    let needs_action = |ready: &Ready| ready.status != "True" || ready.reason == Reason::ActionRequired.as_str();
    let unready = tenants.chain(keys).filter(|(_, _, ready)| needs_action(ready));
    let message = |(object, kind, ready): (&DynamicObject, Kind, Ready)| {
        format!("\n{}:\n{}", listing.name_of(object, kind), paragraph_of(&ready.message, width))
    };
    unready.map(message).collect()
}

fn tenant_ready(object: &DynamicObject) -> Ready {
    ready(object, |tenant: ALMTenant| tenant.status.map(|status| (status.observed_generation, status.conditions)))
}

fn key_ready(object: &DynamicObject) -> Ready {
    ready(object, |key: ALMServiceKey| key.status.map(|status| (status.observed_generation, status.conditions)))
}

/// Returns the condition `Ready` of an object. An object whose last change the operator has not seen is never ready.
fn ready<K: Resource<DynamicType = ()> + serde::de::DeserializeOwned>(
    object: &DynamicObject,
    status: impl FnOnce(K) -> Option<(i64, Vec<Condition>)>,
) -> Ready {
    let unknown = |reason: &str, message: &str| Ready {
        status: "Unknown".into(),
        reason: reason.into(),
        message: message.into(),
    };
    let Some(typed) = parse(object) else {
        return unknown("Undecodable", "this version of almkey cannot decode the object: use that of the operator");
    };
    let observed = status(typed);
    let ready = observed.as_ref().and_then(|(_, conditions)| condition(conditions, READY));
    let is_current = observed.as_ref().map(|(generation, _)| *generation) == object.metadata.generation;
    match ready {
        Some(Condition { status, reason, message, .. }) if is_current => {
            Ready { status: status.clone(), reason: reason.clone(), message: message.clone() }
        }
        Some(_) | None => unknown("Progressing", UNSEEN),
    }
}

fn condition<'a>(conditions: &'a [Condition], name: &str) -> Option<&'a Condition> {
    conditions.iter().find(|condition| condition.type_ == name)
}

/// Describes what is in a slot, and for how long.
pub(in crate::cli) fn describe_slot(slot: &SlotStatus, now: Timestamp) -> String {
    let content = match (&slot.state, &slot.key_ref) {
        (SlotState::Ours, Some(key)) => format!("{}/{}", key.namespace, key.name),
        (SlotState::Ours, None) => "a key of this cluster".into(),
        (SlotState::Empty, _) => "empty".into(),
        (SlotState::Foreign, _) => "a foreign key".into(),
        (SlotState::Unknown, _) => "unknown".into(),
    };
    format!("{content}, for {}", age(slot.since.0, now))
}

fn created(object: &DynamicObject, now: Timestamp) -> String {
    object.metadata.creation_timestamp.as_ref().map_or(NONE.into(), |created| age(created.0, now))
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use serde_json::{Value, json};

    use super::*;

    fn now() -> Timestamp {
        "2026-05-01T12:00:00Z".parse().expect("a time")
    }

    fn object(value: Value) -> DynamicObject {
        serde_json::from_value(value).expect("an object")
    }

    fn status(ready: &str, reason: &str, message: &str) -> Value {
        let condition = json!({
            "type": "Ready", "status": ready, "reason": reason, "message": message,
            "lastTransitionTime": "2026-05-01T11:00:00Z",
        });
        json!({ "observedGeneration": 1, "conditions": [condition] })
    }

    fn tenant(name: &str, mut status: Value, slot: Value) -> DynamicObject {
        status["slot"] = slot;
        object(json!({
            "apiVersion": "almkey.dev/v1alpha1", "kind": "ALMTenant",
            "metadata": { "name": name, "generation": 1, "creationTimestamp": "2026-04-01T12:00:00Z" },
            "spec": {
                "identityZone": format!("{name}-calm"), "allowedNamespaces": ["team-a"],
                "landscapeManagement": { "http": {
                    "url": "https://lm.example",
                    "oauth2": { "tokenUrl": "https://lm.example/token", "secretRef": { "name": "lm" } },
                } },
            },
            "status": status,
        }))
    }

    fn key(namespace: &str, name: &str, generation: i64, status: &Value) -> DynamicObject {
        object(json!({
            "apiVersion": "almkey.dev/v1alpha1", "kind": "ALMServiceKey",
            "metadata": {
                "namespace": namespace, "name": name, "generation": generation,
                "creationTimestamp": "2026-05-01T09:00:00Z",
            },
            "spec": { "tenantRef": { "name": "acme" }, "source": { "serviceBindingRef": { "name": "calm" } } },
            "status": status,
        }))
    }

    fn uploaded(mut status: Value) -> Value {
        status["uploaded"] = json!({
            "origin": "Uploaded", "revision": "\"7\"", "fingerprint": format!("2:{}", "0123456789abcdef".repeat(2)),
            "identityZone": "acme-calm", "credentialType": "instance-secret", "clientID": "sb-x",
            "uploadedAt": "2026-05-01T11:40:00Z", "provenAt": "2026-05-01T11:40:00Z",
        });
        status["source"] = json!({ "kind": "ServiceBinding", "name": "calm", "uid": "u", "secretName": "calm" });
        status
    }

    fn listing(namespace: Option<&str>) -> Listing {
        let slot = json!({
            "state": "Ours", "keyRef": { "namespace": "team-a", "name": "calm" }, "since": "2026-04-28T12:00:00Z",
        });
        let denied = status(
            "False",
            "LandscapeManagementUnauthorized",
            "the credentials are not accepted (401): correct the Secret \"globex\"",
        );
        let tenants = vec![
            tenant("acme", status("True", "Connected", "connected"), slot),
            tenant("globex", denied, json!({ "state": "Unknown", "since": "2026-05-01T11:59:30Z" })),
        ];
        let waiting = "the ServiceBinding \"calm\" does not exist yet: apply it, or check the conditions of the binding if it is there";
        let keys = vec![
            key("team-a", "calm", 1, &uploaded(status("True", "Uploaded", "in the slot"))),
            key("team-a", "changed", 2, &uploaded(status("True", "Uploaded", "in the slot"))),
            key("team-b", "calm", 1, &status("Unknown", "WaitingForBinding", waiting)),
            key("team-b", "new", 1, &Value::Null),
            key(
                "team-b",
                "integration-landscape-of-europe-and-asia",
                1,
                &json!({ "observedGeneration": "of another version" }),
            ),
        ];
        Listing::new(Some(tenants), keys, namespace)
    }

    /// Returns what is listed of a tenant in manual mode: a removal, and an action of each kind.
    fn in_manual_mode() -> Listing {
        let mut tenant =
            tenant("acme", status("Unknown", "ActionRequired", "delete the key of team-a/gone"), Value::Null);
        tenant.data["status"]["slot"] = json!({ "state": "Unknown", "since": "2026-05-01T11:00:00Z", "revision": "r" });
        tenant.data["spec"]["landscapeManagement"] = json!({ "manual": {} });
        tenant.data["status"]["pendingRemovals"] = json!([{
            "id": "bcdfg-hjkmn", "keyRef": { "namespace": "team-a", "name": "gone" }, "fingerprints": ["2:00"],
            "requestedAt": "2026-05-01T11:00:00Z", "steps": ["open the app"],
        }]);
        let key = |name: &str, ready: &str, operation: &str, deadline: Option<&str>| {
            let message = format!("act in the app: almkey explain {name} -n team-a --steps");
            let mut status = status(ready, "ActionRequired", &message);
            status["action"] = json!({
                "id": "bcdfg-hjkmn", "operation": operation, "revision": "r", "requestedAt": "2026-05-01T10:00:00Z",
                "deadline": deadline,
            });
            key("team-a", name, 1, &status)
        };
        let keys = vec![
            key("first", "Unknown", "Upload", None),
            key("integration-landscape-of-europe-and-asia", "True", "Replace", Some("2026-05-03T11:59:59Z")),
            key("late", "False", "Delete", Some("2026-05-01T09:00:00Z")),
        ];
        Listing::new(Some(vec![tenant]), keys, None)
    }

    #[test]
    fn what_persons_must_do_is_shown_with_the_time_that_is_left() {
        assert_snapshot!(text(&in_manual_mode(), now(), 100));
    }

    #[test]
    fn what_persons_must_do_fits_into_eighty_columns() {
        let text = text(&in_manual_mode(), now(), 80);
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        assert_snapshot!(text);
    }

    #[test]
    fn the_state_fits_into_a_hundred_columns_and_names_what_to_do() {
        assert_snapshot!(text(&listing(None), now(), 100));
    }

    #[test]
    fn long_cells_are_wrapped_on_a_terminal_of_eighty_columns() {
        assert_snapshot!(text(&listing(Some("team-a")), now(), 80));
    }

    #[test]
    fn more_columns_are_shown_in_lines_of_any_length() {
        assert_snapshot!(wide(&listing(None), now(), 100));
    }
}
