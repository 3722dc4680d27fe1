//! `almkey explain`.

use alm_key_operator::api::ALMTenant;
use serde_json::{Value, json};

use super::{create_user, request_upload, run, run_in};
use crate::scenarios::manual::manual;
use crate::scenarios::{scenario, upload};

/// The objects of the test, the exit codes for them, and parts of their explanations: summary, meaning, evidence, next.
const STATES: [(&str, i32, [&str; 4]); 5] = [
    (
        "calm",
        0,
        [
            "Ready is True (Uploaded)",
            "Nothing to do.",
            "its slot: troubled/calm, for",
            "read every 15m (spec.interval)",
        ],
    ),
    (
        "waiting",
        3,
        [
            "Ready is Unknown (WaitingForSecret)",
            "The key is not available.",
            "Secret \"missing\", in which no key was found",
            "continues when what it waits for changes",
        ],
    ),
    (
        "invalid",
        1,
        [
            "Ready is False (InvalidJSON)",
            "The key is not valid.",
            "Valid       False    InvalidJSON",
            "checks again at least every 1h",
        ],
    ),
    (
        "refused",
        1,
        [
            "Ready is False (CredentialsRefused)",
            "The key does not sign in.",
            "SignedIn    False    CredentialsRefused",
            "almkey reconcile refused -n",
        ],
    ),
    (
        "second",
        1,
        ["Ready is False (Suspended)", "spec.suspend is set.", "troubled/calm (Uploaded)", "almkey resume second -n"],
    ),
];

/// Returns a text without the line breaks and gaps that depend on its width.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

// proves: command explain
#[test]
fn explain_names_the_trouble_the_evidence_and_the_next_step() {
    scenario("troubled", async |tenant| {
        let key = upload(&tenant).await;
        tenant.write_data("broken", json!({ "key.json": "no JSON" })).await;
        let dead = tenant.make_key().await;
        tenant.revoke(&dead).await;
        tenant.write_secret("dead", &dead).await;
        for (name, secret, status, reason) in [
            ("waiting", "missing", "Unknown", "WaitingForSecret"),
            ("invalid", "broken", "False", "InvalidJSON"),
            ("refused", "dead", "False", "CredentialsRefused"),
            ("second", "pasted", "False", "NotSlotOwner"),
        ] {
            tenant.apply_for_secret(name, secret).await;
            tenant.await_ready(name, status, reason).await;
        }
        tenant.patch("second", json!({ "spec": { "suspend": true } })).await;
        tenant.await_ready("second", "False", "Suspended").await;

        for (name, code, parts) in STATES {
            let shown = run_in(&tenant, &["explain", name]);
            let text = words(&shown.stdout);
            assert!(text.starts_with(&format!("almservicekey/{name} -n troubled: ")), "{}", shown.stdout);
            for part in parts {
                assert!(text.contains(&words(part)), "{name}: {part:?} is missing in\n{}", shown.stdout);
            }
            assert_eq!((shown.code, shown.stderr.as_str()), (code, ""), "{name}");
            assert!(shown.stdout.lines().all(|line| line.chars().count() <= 100), "{}", shown.stdout);
        }
        let client = key["uaa"]["clientid"].as_str().expect("a client");
        assert!(run_in(&tenant, &["explain", "calm"]).stdout.contains(client));
    });
}

// proves: flag --steps
#[test]
fn the_steps_of_an_action_are_a_message_to_the_person_who_acts() {
    manual("sent-steps", async |tenant| {
        let (key, id) = request_upload(&tenant).await;
        let shown = run_in(&tenant, &["explain", "calm", "--steps"]);
        assert_eq!((shown.code, shown.stderr.as_str()), (0, ""));
        let object = "almservicekey/calm -n sent-steps";
        let first = format!("{object}: upload the key in Landscape Management\n  By: no deadline is known\n");
        assert!(shown.stdout.starts_with(&format!("{first}  ID: {id}\n\n1. ")), "{}", shown.stdout);
        assert!(shown.stdout.lines().all(|line| line.chars().count() <= 100), "{}", shown.stdout);
        let steps = words(&shown.stdout);
        let confirm = format!("almkey done calm {id} -n sent-steps");
        for part in [confirm.as_str(), &tenant.fingerprint(&key), "Landscape Management Security Administrator"] {
            assert!(steps.contains(part), "{part:?} is missing in\n{}", shown.stdout);
        }

        let explained = run_in(&tenant, &["explain", "calm"]);
        assert_eq!(explained.code, 3);
        let next =
            "Next: A person must upload the key in Landscape Management: almkey explain calm -n sent-steps --steps";
        assert!(words(&explained.stdout).contains(next), "{}", explained.stdout);
        assert!(!explained.stdout.contains(&id), "the ID stands beside the steps alone: {}", explained.stdout);

        tenant.fill_slot(&key, None).await;
        assert_eq!(run_in(&tenant, &["done", "calm", &id]).code, 0);
        let shown = run_in(&tenant, &["explain", "calm", "--steps"]);
        let nothing = format!("{object}: no person is asked for anything now\n");
        assert_eq!((shown.code, shown.stdout), (0, nothing));
    });
}

#[test]
fn explain_says_the_same_to_machines_in_json_and_yaml() {
    manual("explained-to-machines", async |tenant| {
        let (key, id) = request_upload(&tenant).await;
        let value = |arguments: &[&str]| -> Value {
            let [json, yaml] = ["json", "yaml"].map(|format| run_in(&tenant, &[arguments, &["-o", format]].concat()));
            let value: Value = serde_json::from_str(&json.stdout).expect("JSON");
            assert_eq!(serde_yaml_ng::from_str::<Value>(&yaml.stdout).expect("YAML"), value);
            assert_eq!((json.code, json.stderr.as_str()), (yaml.code, ""));
            value
        };
        let explained = value(&["explain", "calm"]);
        assert_eq!(explained["object"], json!({ "namespace": "explained-to-machines", "name": "calm" }));
        assert_eq!(explained["ready"]["reason"], "ActionRequired");
        let text = run_in(&tenant, &["explain", "calm"]);
        for part in ["meaning", "next"] {
            let part = words(explained[part].as_str().expect("a text"));
            assert!(words(&text.stdout).contains(&part), "{part:?} is missing in\n{}", text.stdout);
        }
        assert_eq!(explained["tenant"]["result"], "Found");
        assert_eq!(explained["tenant"]["status"]["slot"]["state"], "Unknown");
        assert_eq!(explained["otherKeys"], json!({ "scope": "Cluster", "items": [] }));
        let asked = value(&["explain", "calm", "--steps"]);
        assert_eq!((&asked["action"]["id"], &asked["action"]), (&json!(id), &explained["status"]["action"]));

        let print = tenant.fingerprint(&key);
        assert_eq!(run_in(&tenant, &["check", "calm", "--fingerprint", &print]).code, 0);
        let checked = value(&["check", "calm", "--fingerprint", &print]);
        let comparison = json!({ "result": "Same", "with": "Source", "notes": ["The record of the slot names it."] });
        assert_eq!(checked["comparison"], comparison);
        assert_eq!((&checked["recorded"], &checked["ready"]["reason"]), (&json!(true), &json!("Uploaded")));
        assert_eq!(value(&["check", "calm", "--empty"])["recorded"], true);
        assert_eq!(value(&["show", "calm"])["comparison"], "Requested");
        assert_eq!(value(&["test", "almkey/calm"])["result"], "SignsIn");
        assert_eq!(value(&["explain", "calm", "--steps"])["action"]["operation"], "Upload");
    });
}

// proves: flag --tenant
#[test]
fn explain_describes_a_tenant_or_says_that_it_may_not_be_read() {
    scenario("explained-tenant", async |tenant| {
        upload(&tenant).await;
        let has_slot = |object: &ALMTenant| {
            let slot = object.status.as_ref().and_then(|status| status.slot.as_ref());
            slot.is_some_and(|slot| slot.key_ref.is_some())
        };
        tenant.await_tenant_as("explained-tenant", "seen with its key", has_slot).await;
        let admin = tenant.bed.control_plane.kubeconfig("admin");
        let shown = run(&admin, &["explain", "--tenant", "explained-tenant"]);
        let text = words(&shown.stdout);
        for part in ["almtenant/explained-tenant: Ready is True (Connected)", "Slot: explained-tenant/calm, for"] {
            assert!(text.contains(part), "{part:?} is missing in\n{}", shown.stdout);
        }
        assert_eq!((shown.code, shown.stderr.as_str()), (0, ""));
        let viewer = create_user(&tenant, "viewer", Some("almkey-view")).await;
        let refused = run(&viewer, &["explain", "--tenant", "explained-tenant"]);
        let remedy = "grant the right to get almtenants (role almkey-tenant-viewer)";
        assert!(refused.code == 2 && refused.stderr.contains(remedy), "{}", refused.stderr);
    });
}

#[test]
fn explain_with_rights_on_one_namespace_names_what_may_not_be_read() {
    scenario("explained-in-part", async |tenant| {
        upload(&tenant).await;
        let viewer = create_user(&tenant, "viewer", Some("almkey-view")).await;
        let shown = run(&viewer, &["explain", "calm"]);
        assert_eq!((shown.code, shown.stderr.as_str()), (0, ""));
        for part in ["which you may not read (role almkey-tenant-viewer)", "in this namespace (you may not list"] {
            assert!(shown.stdout.contains(part), "{part:?} is missing in\n{}", shown.stdout);
        }
    });
}
