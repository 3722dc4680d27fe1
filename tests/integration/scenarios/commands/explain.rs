//! `almkey explain`.

use serde_json::json;

use super::{create_user, run, run_in};
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
            "almkey reconcile refused requests another try",
        ],
    ),
    (
        "second",
        1,
        [
            "Ready is False (Suspended)",
            "spec.suspend is set.",
            "troubled/calm (Uploaded)",
            "almkey resume second ends the suspension",
        ],
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
