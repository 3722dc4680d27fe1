//! `almkey show`.

use std::path::Path;

use almkey_simulator::canary::CANARY;
use serde_json::{Value, json};
use testkit::bed::Tenant;

use super::{Terminal, command, create_editor, run, run_in};
use crate::scenarios::{scenario, upload};

/// A value in fields that are not known. The simulator admits canaries in the secret alone.
const UNKNOWN: &str = "value-of-an-unknown-field";

/// Returns the report of `almkey show -o json` for the cluster admin.
fn report(tenant: &Tenant<'_>, name: &str) -> Value {
    let shown = run_in(tenant, &["show", name, "-o", "json"]);
    assert_eq!(shown.code, 0, "{}", shown.stderr);
    serde_json::from_str(&shown.stdout).expect("JSON")
}

// proves: command show, flag --output
#[test]
fn show_masks_all_that_is_not_known_to_be_public() {
    scenario("shown-masked", async |tenant| {
        let mut key = tenant.make_key().await;
        key["uaa"]["new"] = json!({ "deep": { "secret": UNKNOWN }, "list": [UNKNOWN, UNKNOWN] });
        key["uaa"]["sburl"] = format!("https://{UNKNOWN}@alm.example").into();
        key["password"] = UNKNOWN.into();
        tenant.write_secret("pasted", &key).await;
        tenant.apply_for_secret("calm", "pasted").await;
        let object = tenant.await_ready("calm", "True", "Uploaded").await;
        let fingerprint = object.status.and_then(|status| status.uploaded).expect("an upload").fingerprint;

        let shown = run_in(&tenant, &["show", "calm"]);
        assert_eq!((shown.code, shown.stderr.as_str()), (0, ""));
        // `run_in` has searched the output for the canary in the secret.
        assert!(!shown.stdout.contains(UNKNOWN), "{}", shown.stdout);
        let (description, document) = shown.stdout.split_once("\n\n").expect("a description and a document");
        let lines: Vec<&str> = description.lines().map(str::trim).collect();
        assert_eq!(
            lines,
            [
                "almservicekey/calm -n shown-masked",
                "Uploaded: yes, the operator has uploaded this document",
                &format!("Fingerprint: {fingerprint}"),
                "Source: Secret \"pasted\"",
                "Secrets and unknown fields are masked; --reveal shows them.",
            ]
        );
        let mut expected = key.clone();
        expected["uaa"]["clientsecret"] = "***".into();
        expected["uaa"]["new"] = json!({ "deep": { "secret": "***" }, "list": "***" });
        expected["uaa"]["sburl"] = "***".into();
        expected["password"] = "***".into();
        assert_eq!(serde_json::from_str::<Value>(document).expect("JSON"), expected);

        assert_eq!(
            report(&tenant, "calm"),
            json!({
                "object": { "namespace": "shown-masked", "name": "calm" },
                "source": { "kind": "Secret", "name": "pasted", "secretName": "pasted" },
                "comparison": "Identical", "fingerprint": fingerprint, "key": expected,
            })
        );
    });
}

#[test]
fn show_says_if_the_source_holds_another_key_than_the_uploaded_one() {
    scenario("shown-other", async |tenant| {
        let key = tenant.make_key().await;
        tenant.bind("bound", &key).await;
        tenant.apply_for_binding("calm", "bound").await;
        tenant.await_ready("calm", "True", "Uploaded").await;
        let source = json!({ "kind": "ServiceBinding", "name": "bound", "secretName": "bound" });
        assert_eq!(report(&tenant, "calm")["source"], source);
        tenant.patch("calm", json!({ "spec": { "suspend": true } })).await;
        tenant.await_ready("calm", "True", "Suspended").await;

        tenant.rotate_binding("bound", &tenant.make_key().await).await;
        assert_eq!(report(&tenant, "calm")["comparison"], "Different");
        tenant.write_secret("pasted", &key).await;
        tenant.apply_for_secret("second", "pasted").await;
        assert_eq!(report(&tenant, "second")["comparison"], "NotUploaded");
    });
}

// proves: flag --reveal, flag --yes
#[test]
fn show_reveals_secrets_only_after_a_confirmation() {
    scenario("revealed", async |tenant| {
        let key = upload(&tenant).await;
        let folder = tempfile::tempdir().expect("a folder");
        let secret = key["uaa"]["clientsecret"].to_string();

        let unasked = run_in(&tenant, &["show", "calm", "--reveal"]);
        assert_eq!((unasked.code, unasked.stdout.as_str()), (2, ""));
        assert!(unasked.stderr.contains("pass --yes to confirm that"), "{}", unasked.stderr);

        // Its output has the secret, so it is not searched for one.
        let mut confirmed = command(&tenant.bed.control_plane.kubeconfig("admin"), &["show", "calm", "--reveal"]);
        let confirmed = confirmed.args(["--yes", "-o", "json", "-n", &tenant.namespace]).output().expect("almkey");
        let report: Value = serde_json::from_slice(&confirmed.stdout).expect("JSON");
        assert_eq!(report["key"], key);

        for (answer, code) in [("n", 1), ("", 1), ("y", 0)] {
            let mut terminal = Terminal::start(&tenant, folder.path(), &["show", "calm", "--reveal"]);
            let before = terminal.await_text("Print the secrets of calm here?");
            assert!(!before.contains(CANARY), "nothing is shown before the answer");
            let (output, found) = terminal.answer(answer);
            assert_eq!((found, output.contains(&secret)), (code, code == 0), "{answer}");
        }
    });
}

#[test]
fn show_needs_the_right_to_read_the_secret_and_names_it() {
    scenario("shown-in-part", async |tenant| {
        upload(&tenant).await;
        let without = create_editor(&tenant, "without", &[]).await;
        let shown = run(&without, &["show", "calm"]);
        assert_eq!((shown.code, shown.stdout.as_str()), (2, ""));
        for part in [
            "could not get secrets in namespace \"shown-in-part\" at https://",
            "grant the right to get secrets in namespace \"shown-in-part\" (no role of alm-key-operator has it",
            "cannot get resource \"secrets\"",
        ] {
            assert!(shown.stderr.contains(part), "{part:?} is missing in {}", shown.stderr);
        }
        let with = create_editor(&tenant, "with", &["get"]).await;
        let shown = run(&with, &["show", "calm"]);
        assert!(shown.code == 0 && shown.stdout.contains("Uploaded: yes"), "{}{}", shown.stdout, shown.stderr);
    });
}

#[test]
fn show_of_a_source_without_a_key_says_why_there_is_none() {
    scenario("unshown", async |tenant| {
        tenant.write_data("broken", json!({ "key.json": format!("no JSON {CANARY}") })).await;
        for (name, secret, message) in [
            ("waiting", "missing", "Secret \"missing\" does not exist"),
            ("invalid", "broken", "$: found text that is not JSON"),
        ] {
            tenant.apply_for_secret(name, secret).await;
            let shown = run_in(&tenant, &["show", name]);
            assert_eq!((shown.code, shown.stdout.as_str()), (1, ""));
            let expected = format!("almkey: almservicekey/{name} has no key in its source: {message}");
            assert!(shown.stderr.starts_with(&expected), "{}", shown.stderr);
        }
        let kubeconfig = tenant.bed.control_plane.kubeconfig("admin");
        for (name, message) in [("clam", "does not exist in namespace"), ("../calm", "the name of an object")] {
            let shown = run(Path::new(&kubeconfig), &["show", name, "-n", "unshown"]);
            assert!(shown.code == 2 && shown.stderr.contains(message), "{}", shown.stderr);
        }
    });
}
