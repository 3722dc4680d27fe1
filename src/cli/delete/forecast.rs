//! The forecast of a deletion.

use kube::ResourceExt;

use super::made_secret::MadeSecret;
use crate::api::resolve::admits;
use crate::api::{ALMServiceKey, ALMTenant};
use crate::cli::cluster::{Tenant, qualified};
use crate::cli::deletion::{effect_of_deletion, empties_the_slot};
use crate::cli::evidence::{Evidence, Siblings};
use crate::cli::text::item;
use crate::controller::service_key::siblings::is_ready_to_upload;

/// Returns the forecast in lines of at most `width` columns.
pub(super) fn text(evidence: &Evidence, secret: &MadeSecret, width: u16) -> String {
    let Evidence { key, tenant, siblings } = evidence;
    let head = format!("{} -n {}", qualified(&key.name_any()), key.namespace().unwrap_or_default());
    let state = if key.metadata.deletion_timestamp.is_some() { ", which is being deleted already" } else { "" };
    let lines = [
        Some(evidence.other_key_in_app().map_or_else(|| uploaded(key), reported)),
        Some(effect_of_deletion(key, tenant)),
        empties_the_slot(key).then(|| next(siblings, tenant)),
        waits_for_tenant(evidence),
        secret.forecast(),
    ];
    let lines: String = lines.into_iter().flatten().map(|line| item(&line, width)).collect();
    format!("Deletion of {head}{state}:\n{lines}")
}

/// Says what the operator has recorded as uploaded.
fn uploaded(key: &ALMServiceKey) -> String {
    let Some(status) = &key.status else { return "The operator has not seen the object yet.".into() };
    match (&status.uploaded, &status.pending) {
        (_, Some(pending)) => {
            format!(
                "A write to Landscape Management ({:?}) is under way; the operator completes it first.",
                pending.operation
            )
        }
        (Some(uploaded), None) => format!(
            "Its key is in Landscape Management, as far as the operator knows: client {}, fingerprint {}.",
            uploaded.client_id, uploaded.fingerprint
        ),
        (None, None) if status.unconfirmed.is_some() => {
            "A person was asked to upload its key, and may have done so.".into()
        }
        (None, None) => "No key of it is in Landscape Management, as far as the operator knows.".into(),
    }
}

fn reported(fingerprint: &str) -> String {
    format!("A key of it is in Landscape Management, as a person has reported: fingerprint {fingerprint}.")
}

/// Names the object whose key follows in the slot.
fn next(siblings: &Siblings, tenant: &Tenant) -> String {
    let (scope, siblings) = match siblings {
        Siblings::All(siblings) => ("", siblings),
        Siblings::OfNamespace(siblings) => (" in this namespace (you may not list those of others)", siblings),
        Siblings::Forbidden => return "You may not list the other keys of the tenant (role almkey-view).".into(),
    };
    let tenant = if let Tenant::Found(tenant) = tenant { Some(tenant.as_ref()) } else { None };
    let ready = siblings.iter().filter(|other| is_ready_to_upload(other) && is_admitted(other, tenant));
    match ready.min_by_key(|other| (other.creation_timestamp(), other.namespace(), other.name_any())) {
        Some(next) => {
            let (namespace, name) = (next.namespace().unwrap_or_default(), next.name_any());
            format!("Next is the key of {namespace}/{name}, the oldest other one of the tenant that is ready{scope}.")
        }
        None => format!("No other key of the tenant is ready to follow{scope}."),
    }
}

/// Returns true unless the tenant is known not to admit the namespace of an object.
fn is_admitted(key: &ALMServiceKey, tenant: Option<&ALMTenant>) -> bool {
    tenant.is_none_or(|tenant| admits(&tenant.spec, &key.namespace().unwrap_or_default()))
}

/// Says that the deletion waits, if the operator cannot clean up without the tenant.
fn waits_for_tenant(Evidence { key, tenant, .. }: &Evidence) -> Option<String> {
    let may_hold = key.status.as_ref().is_some_and(|status| status.uploaded.is_some() || status.pending.is_some());
    let name = &key.spec.tenant_ref.name;
    let text = || format!("The ALMTenant \"{name}\" does not exist: the deletion waits until it is created anew.");
    (matches!(tenant, Tenant::Missing) && may_hold).then(text)
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use kube::api::ObjectMeta;
    use serde_json::{Value, json};

    use super::*;

    fn key(name: &str, change: impl FnOnce(&mut Value)) -> ALMServiceKey {
        let condition = |name: &str| {
            json!({
                "type": name, "status": "True", "reason": name, "message": "",
                "lastTransitionTime": "2026-05-01T11:00:00Z",
            })
        };
        let mut object = json!({
            "apiVersion": "almkey.dev/v1alpha1", "kind": "ALMServiceKey",
            "metadata": {
                "namespace": "team-a", "name": name, "uid": name, "generation": 1,
                "creationTimestamp": "2026-05-01T09:00:00Z",
            },
            "spec": { "tenantRef": { "name": "acme" }, "source": { "secretRef": { "name": name } } },
            "status": { "observedGeneration": 1, "conditions": [condition("Valid"), condition("SignedIn")] },
        });
        change(&mut object);
        serde_json::from_value(object).expect("a key")
    }

    fn uploaded(origin: &str) -> ALMServiceKey {
        key("calm", |object| {
            object["status"]["uploaded"] = json!({
                "origin": origin, "revision": "\"7\"", "fingerprint": format!("2:{}", "0123456789abcdef".repeat(2)),
                "identityZone": "acme-calm", "credentialType": "instance-secret",
                "clientID": "sb-acme-calm!b1234|sapcloudalm!b16907",
                "uploadedAt": "2026-05-01T10:00:00Z", "provenAt": "2026-05-01T10:00:00Z",
            });
        })
    }

    fn forecast(key: ALMServiceKey, tenant: Tenant, siblings: Siblings, secret: &MadeSecret, width: u16) -> String {
        let text = text(&Evidence { key, tenant, siblings }, secret, width);
        assert!(text.lines().all(|line| line.chars().count() <= width.into()), "{text}");
        text
    }

    #[test]
    fn the_forecast_of_a_deletion_names_the_next_key_and_the_secret() {
        let siblings = [
            key("suspended", |object| object["spec"]["suspend"] = true.into()),
            key("younger", |object| object["metadata"]["creationTimestamp"] = "2026-05-01T10:00:00Z".into()),
            key("older", |_| ()),
        ];
        let secret = MadeSecret::Goes(Box::new(ObjectMeta { name: Some("calm".into()), ..ObjectMeta::default() }));
        let siblings = Siblings::All(siblings.to_vec());
        assert_snapshot!(forecast(uploaded("Uploaded"), Tenant::Forbidden, siblings, &secret, 100));
    }

    #[test]
    fn the_forecast_of_a_deletion_fits_into_eighty_columns() {
        let secret = MadeSecret::Stays("Secret \"pasted\"".into(), "almkey upload has not made it");
        let siblings = Siblings::OfNamespace(Vec::new());
        assert_snapshot!(forecast(uploaded("Uploaded"), Tenant::Missing, siblings, &secret, 80));
    }

    /// Returns a tenant in manual mode whose slot holds a key of `calm`.
    fn tenant_with_key_in_app(fingerprint: &str) -> Tenant {
        let tenant = json!({
            "apiVersion": "almkey.dev/v1alpha1", "kind": "ALMTenant", "metadata": { "name": "acme" },
            "spec": {
                "identityZone": "acme-calm", "landscapeManagement": { "manual": {} }, "allowedNamespaces": ["team-a"],
            },
            "status": { "observedGeneration": 1, "conditions": [], "slot": {
                "state": "Ours", "keyRef": { "namespace": "team-a", "name": "calm" }, "since": "2026-05-01T10:00:00Z",
                "revision": "r", "fingerprint": fingerprint, "evidence": "Compared",
            } },
        });
        Tenant::Found(serde_json::from_value(tenant).expect("a tenant"))
    }

    #[test]
    fn the_forecast_names_a_key_that_a_person_reported_or_may_have_uploaded() {
        let asked = key("calm", |object| {
            object["status"]["unconfirmed"] = json!({ "revision": "r", "fingerprints": ["2:asked"] });
        });
        for (object, tenant, expected) in [
            (uploaded("Uploaded"), tenant_with_key_in_app("2:reported"), "reported: fingerprint 2:reported."),
            (asked, Tenant::Forbidden, "A person was asked to upload its key, and may have done so."),
        ] {
            let text = forecast(object, tenant, Siblings::Forbidden, &MadeSecret::Missing, 200);
            assert!(text.contains(expected), "{text}");
        }
    }

    #[test]
    fn no_next_key_is_named_if_the_slot_keeps_its_key() {
        let retained = key("calm", |object| object["spec"]["deletionPolicy"] = "Retain".into());
        let observed = key("calm", |object| object["spec"]["mode"] = "Observe".into());
        for (object, expected) in [
            (uploaded("Adopted"), "A key that was adopted stays"),
            (retained, "A key that signs in stays"),
            (observed, "spec.mode is Observe"),
            (key("calm", |_| ()), "No key of it is in Landscape Management"),
        ] {
            let siblings = Siblings::All(vec![key("older", |_| ())]);
            let text = forecast(object, Tenant::Forbidden, siblings, &MadeSecret::Missing, 100);
            assert!(text.contains(expected) && !text.contains("Next"), "{text}");
        }
    }
}
