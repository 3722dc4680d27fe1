use insta::assert_snapshot;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{next, report, tenant};
use crate::api::confirmation::digest;
use crate::api::{ALMServiceKey, ALMTenant};
use crate::cli::cluster::Tenant;
use crate::cli::evidence::{Evidence, Siblings};
use crate::cli::steps;
use crate::domain::reason::Reason;

fn now() -> Timestamp {
    "2026-05-01T12:00:00Z".parse().expect("a time")
}

/// Returns a condition that has lasted for an hour.
fn condition(name: &str, status: &str, reason: &str, message: &str) -> Value {
    json!({
        "type": name, "status": status, "reason": reason, "message": message,
        "lastTransitionTime": "2026-05-01T11:00:00Z",
    })
}

fn object(name: &str, spec: &Value, status: &Value) -> Value {
    let mut spec = spec.clone();
    spec["tenantRef"] = json!({ "name": "acme" });
    json!({
        "apiVersion": "almkey.dev/v1alpha1", "kind": "ALMServiceKey",
        "metadata": {
            "namespace": "team-a", "name": name, "uid": name, "generation": 1,
            "creationTimestamp": "2026-05-01T09:00:00Z",
        },
        "spec": spec, "status": status,
    })
}

fn key(spec: &Value, status: &Value) -> ALMServiceKey {
    serde_json::from_value(object("calm", spec, status)).expect("a key")
}

/// Returns the status of a key that was uploaded.
fn status(conditions: &[Value]) -> Value {
    json!({
        "observedGeneration": 1,
        "conditions": conditions,
        "source": { "kind": "ServiceBinding", "name": "calm", "uid": "u", "secretName": "calm-key" },
        "uploaded": {
            "origin": "Uploaded", "revision": "\"7\"", "fingerprint": format!("2:{}", "0123456789abcdef".repeat(2)),
            "identityZone": "acme-calm", "credentialType": "instance-secret",
            "clientID": "sb-acme-calm!b1234|sapcloudalm!b16907",
            "uploadedAt": "2026-05-01T10:00:00Z", "provenAt": "2026-05-01T10:00:00Z",
        },
    })
}

fn binding() -> Value {
    json!({ "source": { "serviceBindingRef": { "name": "calm" } } })
}

fn secret() -> Value {
    json!({ "source": { "secretRef": { "name": "pasted" } } })
}

fn evidence(key: ALMServiceKey, tenant: Tenant) -> Evidence {
    Evidence { key, tenant, siblings: Siblings::All(Vec::new()) }
}

fn tenant() -> Tenant {
    let tenant = json!({
        "apiVersion": "almkey.dev/v1alpha1", "kind": "ALMTenant", "metadata": { "name": "acme" },
        "spec": {
            "identityZone": "acme-calm", "allowedNamespaces": ["team-a"],
            "landscapeManagement": { "http": {
                "url": "https://lm.example",
                "oauth2": { "tokenUrl": "https://lm.example/token", "secretRef": { "name": "lm" } },
            } },
        },
        "status": {
            "observedGeneration": 1, "conditions": [condition("Ready", "True", "Connected", "connected")],
            "slot": {
                "state": "Ours", "keyRef": { "namespace": "team-a", "name": "calm" }, "since": "2026-05-01T10:00:00Z",
            },
        },
    });
    Tenant::Found(serde_json::from_value(tenant).expect("a tenant"))
}

#[test]
fn a_key_that_no_longer_signs_in_is_explained_in_eighty_columns() {
    let refused = "the token endpoint refuses the key (401 invalid_client): create a new key or binding in BTP";
    let conditions = [
        condition("Ready", "False", "CredentialsRefused", refused),
        condition("Valid", "True", "Valid", "the key complies with the rules"),
        condition("SignedIn", "False", "CredentialsRefused", refused),
        condition("Uploaded", "True", "Uploaded", "the key is in Landscape Management"),
        condition("Stalled", "True", "CredentialsRefused", refused),
    ];
    let evidence = evidence(key(&binding(), &status(&conditions)), tenant());
    assert_snapshot!(report::text(&evidence, now(), 80));
}

/// Returns a key that a person is asked to replace.
fn key_to_replace(deadline: Option<&str>) -> ALMServiceKey {
    let message = "replace the key in the app: almkey explain calm -n team-a --steps";
    let mut status = status(&[
        condition("Ready", "True", "ActionRequired", message),
        condition("Valid", "True", "Valid", "the key complies with the rules"),
        condition("SignedIn", "True", "SignedIn", "the token endpoint accepts the key"),
        condition("Uploaded", "True", "Uploaded", "the key is in Landscape Management"),
    ]);
    status["action"] = json!({
        "id": "kfwzt-r2hbn", "operation": "Replace", "fingerprint": format!("2:{}", "fedcba9876543210".repeat(2)),
        "revision": "r", "requestedAt": "2026-05-01T11:00:00Z", "deadline": deadline,
        "steps": [
            "With the role Landscape Management Security Administrator, open SAP Cloud ALM of the tenant acme-calm.",
            "Choose Download, and run \"almkey validate FILE\" with the downloaded file.",
            "Send the ID kfwzt-r2hbn to the platform team.",
        ],
    });
    key(&binding(), &status)
}

/// Returns a tenant in manual mode, with the removal of a key if `removal` is true.
fn manual_tenant(removal: bool) -> ALMTenant {
    let (status, reason, message) = if removal {
        ("Unknown", "ActionRequired", "delete the key of ALMServiceKey team-a/gone in the app")
    } else {
        ("True", "ManualMode", "a person changes the key in Landscape Management")
    };
    let ready = condition("Ready", status, reason, message);
    let removals = if removal {
        vec![json!({
            "id": "kfwzt-r2hbn", "keyRef": { "namespace": "team-a", "name": "gone" },
            "fingerprints": [format!("2:{}", "0123456789abcdef".repeat(2))], "requestedAt": "2026-05-01T10:00:00Z",
            "steps": ["Choose Delete, and confirm it.", "Send the ID kfwzt-r2hbn to the cluster admin."],
        })]
    } else {
        Vec::new()
    };
    let tenant = json!({
        "apiVersion": "almkey.dev/v1alpha1", "kind": "ALMTenant", "metadata": { "name": "acme", "generation": 1 },
        "spec": {
            "identityZone": "acme-calm", "allowedNamespaces": ["team-a"], "landscapeManagement": { "manual": {} },
        },
        "status": {
            "observedGeneration": 1, "conditions": [ready],
            "slot": { "state": "Unknown", "since": "2026-05-01T10:00:00Z", "revision": "r" },
            "pendingRemovals": removals,
        },
    });
    serde_json::from_value(tenant).expect("a tenant")
}

#[test]
fn the_steps_are_a_message_of_eighty_columns_to_the_person_who_acts() {
    assert_snapshot!(steps::of_action(&key_to_replace(Some("2026-05-03T11:30:00Z")), now(), 80));
}

#[test]
fn a_message_about_a_deadline_that_has_passed_says_so() {
    assert_snapshot!(steps::of_action(&key_to_replace(Some("2026-05-01T09:00:00Z")), now(), 100));
}

#[test]
fn a_message_without_a_deadline_or_an_action_says_so() {
    assert!(steps::of_action(&key_to_replace(None), now(), 80).contains("\n  By: no deadline is known\n"));
    let nothing = steps::of_action(&key(&binding(), &status(&[])), now(), 80);
    let expected = "almservicekey/calm -n team-a: no person is asked for anything now\n  Ready is Unknown (Progressing): \
                    almkey explain calm -n team-a says why.\n";
    assert_eq!(nothing, expected);
    let nothing = steps::of_removal(&manual_tenant(false), 80);
    assert_eq!(nothing, "almtenant/acme: no person is asked for anything now\n");
}

#[test]
fn the_removal_of_a_tenant_is_a_message_to_the_person_who_acts() {
    assert_snapshot!(steps::of_removal(&manual_tenant(true), 80));
}

#[test]
fn a_tenant_that_waits_for_a_removal_is_explained() {
    assert_snapshot!(tenant::text(&manual_tenant(true), now(), 80));
}

#[test]
fn a_tenant_without_a_removal_is_explained() {
    assert_snapshot!(tenant::text(&manual_tenant(false), now(), 100));
}

#[test]
fn the_last_confirmation_is_a_part_of_the_evidence() {
    let mut confirmed = status(&[condition("Ready", "True", "Uploaded", "")]);
    confirmed["lastConfirmation"] = json!({
        "digest": "0", "result": "Recorded", "message": "the record of the slot says so now", "confirmedBy": "anna",
    });
    let text = report::text(&evidence(key(&binding(), &confirmed), tenant()), now(), 100);
    let expected = "\n  Last confirmation by \"anna\": Recorded, the record of the slot says so now\n";
    assert!(text.contains(expected), "{text}");
}

#[test]
fn a_confirmation_is_explained_by_what_was_said_and_when() {
    let said = json!({ "uid": "calm", "at": "2026-05-01T11:30:00.123456789Z", "holdsNothing": true }).to_string();
    let mut confirmed = status(&[condition("Ready", "True", "Uploaded", "")]);
    confirmed["lastConfirmation"] = json!({
        "digest": digest(&said), "result": "Recorded", "message": "the record of the slot says so now",
    });
    let mut object = object("calm", &binding(), &confirmed);
    let text = |object: &Value| {
        let key = serde_json::from_value(object.clone()).expect("a key");
        report::text(&evidence(key, tenant()), now(), 200)
    };
    object["metadata"]["annotations"] = json!({ "almkey.dev/confirmation": said });
    let expected = "Last confirmation at 2026-05-01T11:30:00Z, that the app holds no key: Recorded, ";
    assert!(text(&object).contains(expected), "{}", text(&object));
    object["metadata"]["annotations"]["almkey.dev/confirmation"] = json!("another, which is not handled yet");
    assert!(text(&object).contains("Last confirmation: Recorded, "), "{}", text(&object));
}

#[test]
fn a_key_that_was_reported_since_the_upload_is_named() {
    let mut tenant = manual_tenant(false);
    let slot = |name: &str, fingerprint: &str| {
        let slot = json!({
            "state": "Ours", "keyRef": { "namespace": "team-a", "name": name }, "since": "2026-05-01T10:00:00Z",
            "revision": "r", "fingerprint": fingerprint, "evidence": "Compared",
        });
        serde_json::from_value(slot).expect("a slot")
    };
    let uploaded = format!("2:{}", "0123456789abcdef".repeat(2));
    let reported = format!("2:{}", "fedcba9876543210".repeat(2));
    for (name, fingerprint, is_named) in
        [("calm", &reported, true), ("calm", &uploaded, false), ("other", &reported, false)]
    {
        tenant.status.as_mut().expect("a status").slot = Some(slot(name, fingerprint));
        let evidence = evidence(key(&binding(), &status(&[])), Tenant::Found(Box::new(tenant.clone())));
        let text = report::text(&evidence, now(), 200);
        let line = format!("In the app: another key of this object, {reported}, as a person has reported\n");
        assert_eq!(text.contains(&line), is_named, "{text}");
        assert!(text.contains(&format!("its slot: team-a/{name}, for 2h (compared: {fingerprint})\n")), "{text}");
    }
}

#[test]
fn what_a_person_must_do_comes_first_in_what_comes_next() {
    let next = next::next(&key_to_replace(Some("2026-05-03T11:30:00Z")), &tenant(), now());
    let expected = "A person must replace the key by 2026-05-03T11:30:00Z (47h left) in Landscape Management: almkey \
                    explain calm -n team-a --steps";
    assert!(next.starts_with(expected), "{next}");
}

#[test]
fn in_manual_mode_a_person_does_what_comes_next() {
    let manual = Tenant::Found(Box::new(manual_tenant(false)));
    let next = |ready: &str, reason: &str, signed_in: &str| {
        let conditions = [condition("Ready", ready, reason, ""), condition("SignedIn", signed_in, reason, "")];
        next::next(&key(&binding(), &status(&conditions)), &manual, now())
    };
    for (found, expected) in [
        (
            next("True", "Uploaded", "True"),
            "The app cannot be read: compare from time to time with almkey check calm -n team-a.",
        ),
        (next("False", "CredentialsRefused", "False"), "a person is asked to delete it at its fourth refusal"),
        (
            next("Unknown", "RemovalPending", "True"),
            "A person is asked to delete the key once its source has been gone",
        ),
    ] {
        assert!(found.contains(expected), "{expected:?} is missing in\n{found}");
    }
}

#[test]
fn what_a_user_may_not_read_is_named_in_the_explanation() {
    let waiting = "an older ALMServiceKey of this tenant uploads first";
    let conditions = [
        condition("Ready", "Unknown", "WaitingForSibling", waiting),
        condition("Valid", "True", "Valid", "the key complies with the rules"),
        condition("SignedIn", "True", "SignedIn", "the token endpoint accepts the key"),
        condition("Uploaded", "False", "NotUploaded", "no key of this object is in Landscape Management"),
        condition("Reconciling", "True", "WaitingForSibling", waiting),
    ];
    let mut later = status(&conditions);
    later["uploaded"] = Value::Null;
    let mut evidence = evidence(key(&secret(), &later), Tenant::Forbidden);
    let older = |name: String| object(&name, &secret(), &status(&[condition("Ready", "True", "Uploaded", "")]));
    let others = (1..=11).map(|number| serde_json::from_value(older(format!("older-{number}"))).expect("a key"));
    evidence.siblings = Siblings::OfNamespace(others.collect());
    assert_snapshot!(report::text(&evidence, now(), 100));
}

#[test]
fn an_object_that_the_operator_has_not_seen_is_explained() {
    let new = evidence(key(&binding(), &Value::Null), Tenant::Missing);
    assert_snapshot!(report::text(&new, now(), 100));
}

#[test]
fn each_reason_is_explained_by_meaning_cause_and_remedy() {
    for reason in Reason::ALL {
        let conditions = [condition("Ready", "Unknown", reason.as_str(), "")];
        let text = report::text(&evidence(key(&secret(), &status(&conditions)), tenant()), now(), 100);
        let meaning = text.split("Meaning:\n").nth(1).and_then(|rest| rest.split("\n\n").next()).expect("a meaning");
        let sentences = meaning.matches(". ").count() + meaning.matches(".\n").count() + 1;
        assert!(sentences >= 3 && meaning.ends_with('.') && !meaning.contains('`'), "{reason}: {meaning}");
    }
}

#[test]
fn what_happens_next_and_when_follows_from_spec_and_status() {
    let conditions = |reason: &str, progress: Option<&str>, signed_in: &str| {
        let ready = condition("Ready", "Unknown", reason, "");
        let progress = progress.map(|progress| condition(progress, "True", reason, ""));
        let signed_in = condition("SignedIn", signed_in, reason, "");
        status(&[ready].into_iter().chain(progress).chain([signed_in]).collect::<Vec<_>>())
    };
    let with = |mut spec: Value, field: &str, value: Value| {
        spec[field] = value;
        spec
    };
    for (spec, status, expected) in [
        (binding(), conditions("Uploaded", None, "True"), "read every 15m (spec.interval)"),
        (
            with(binding(), "interval", json!("1h30m")),
            conditions("Uploaded", None, "True"),
            "read every 1h30m (spec.interval)",
        ),
        (
            with(binding(), "suspend", json!(true)),
            conditions("Suspended", None, "False"),
            "Nothing, until almkey resume calm -n team-a ends the suspension",
        ),
        (
            secret(),
            conditions("RemovalPending", Some("Reconciling"), "True"),
            "is removed from Landscape Management once its source has been gone for 5m (spec.gracePeriod)",
        ),
        (
            with(binding(), "deletionPolicy", json!("Retain")),
            conditions("RemovalPending", Some("Reconciling"), "True"),
            "loses its owner (spec.deletionPolicy is Retain) once its source has been gone for 0s",
        ),
        (
            with(binding(), "deadKey", json!({ "after": "1h" })),
            conditions("CredentialsRefused", Some("Stalled"), "False"),
            "it is deleted there at its fourth refusal, 1h after the first (spec.deadKey.after)",
        ),
        (
            with(binding(), "deadKey", json!({ "action": "Report" })),
            conditions("CredentialsRefused", Some("Stalled"), "False"),
            "The operator checks again at least every 1h, and at once when the object",
        ),
        (
            with(binding(), "mode", json!("Observe")),
            conditions("CredentialsRefused", Some("Stalled"), "False"),
            "Nothing is written to Landscape Management, because spec.mode is Observe. The operator checks again",
        ),
        (binding(), conditions("SignInUnknown", Some("Reconciling"), "Unknown"), "at most 15m later, every 2h once"),
    ] {
        let next = next::next(&key(&spec, &status), &tenant(), now());
        assert!(next.contains(expected), "{expected}: {next}");
    }
}

#[test]
fn the_end_of_a_deletion_follows_from_spec_and_origin() {
    for (spec, origin, annotations, expected) in [
        (json!({}), "Uploaded", json!({}), "it is removed there, or handed over to another ALMServiceKey"),
        (json!({}), "Adopted", json!({}), "A key that was adopted stays in Landscape Management"),
        (json!({}), "Uploaded", json!({ "almkey.dev/abandon": "calm" }), "(almkey.dev/abandon is set)"),
        (json!({ "mode": "Observe" }), "Uploaded", json!({}), "(spec.mode is Observe)"),
        (json!({ "deletionPolicy": "Retain" }), "Uploaded", json!({}), "(spec.deletionPolicy is Retain)"),
    ] {
        let mut all = binding();
        for (field, value) in spec.as_object().expect("fields") {
            all[field] = value.clone();
        }
        let mut object = object("calm", &all, &status(&[condition("Ready", "False", "Removing", "")]));
        object["status"]["uploaded"]["origin"] = json!(origin);
        object["metadata"]["deletionTimestamp"] = json!("2026-05-01T11:00:00Z");
        object["metadata"]["annotations"] = annotations;
        let next = next::next(&serde_json::from_value(object).expect("a key"), &tenant(), now());
        assert!(next.contains(expected) && next.contains("Then the object is gone."), "{next}");
    }
}
