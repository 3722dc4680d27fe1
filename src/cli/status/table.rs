//! The state as tables for people.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::api::DynamicObject;
use kube::{Resource, ResourceExt};

use super::listing::Listing;
use crate::api::tenant::{SlotState, SlotStatus};
use crate::api::{ALMServiceKey, ALMTenant};
use crate::cli::cluster::UNSEEN;
use crate::cli::text::{NONE, age, paragraph_of, table};
use crate::names::condition::{READY, SIGNED_IN};

/// The condition `Ready` of an object. It is unknown if the operator has not seen the object's last change.
struct Ready {
    status: String,
    reason: String,
    message: String,
}

/// Returns the state in tables of at most `width` columns, and the messages of objects that are not ready.
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

/// Returns the messages of the objects that are not ready: what was found, and what to do.
fn messages(listing: &Listing, width: u16) -> String {
    let tenants = listing.tenants.iter().flatten().map(|tenant| (tenant, "almtenant", tenant_ready(tenant)));
    let keys = listing.keys.iter().map(|key| (key, "almservicekey", key_ready(key)));
    let unready = tenants.chain(keys).filter(|(_, _, ready)| ready.status != "True");
    let message = |(object, kind, ready): (&DynamicObject, &str, Ready)| {
        let namespace = object.namespace().filter(|_| listing.namespace.is_none());
        let namespace = namespace.map(|namespace| format!(" -n {namespace}")).unwrap_or_default();
        format!("\n{kind}/{}{namespace}:\n{}", object.name_any(), paragraph_of(&ready.message, width))
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

/// Decodes an object; none if this program does not know its form.
fn parse<K: Resource<DynamicType = ()> + serde::de::DeserializeOwned>(object: &DynamicObject) -> Option<K> {
    object.clone().try_parse().ok()
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
