//! `almkey done`.

use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use alm_key_operator::api::ALMServiceKey;
use alm_key_operator::api::action::ActionOperation;
use alm_key_operator::api::confirmation::ConfirmationStatus;
use serde_json::{Value, json};
use testkit::bed::Tenant;

use super::{command, create_editor, create_user, download, path, printed, request_upload, run, run_in};
use crate::scenarios::manual::{act, await_action, manual};
use crate::scenarios::{scenario, upload};

/// An ID that no action has.
const WRONG_ID: &str = "bbbbb-bbbbb";
const CONFIRMATION: &str = "almkey.dev/confirmation";

/// Returns the result of the last confirmation for the object `calm`.
async fn last_confirmation(tenant: &Tenant<'_>) -> Option<ConfirmationStatus> {
    let object = tenant.keys().get("calm").await.expect("the object");
    object.status.and_then(|status| status.last_confirmation)
}

/// Confirms the upload of `key` for the object `calm`.
pub(super) async fn confirmed_upload(tenant: &Tenant<'_>) -> Value {
    let (key, id) = request_upload(tenant).await;
    tenant.fill_slot(&key, None).await;
    assert_eq!(run_in(tenant, &["done", "calm", &id]).code, 0);
    key
}

// proves: command done, annotation almkey.dev/confirmation
#[test]
fn an_upload_is_confirmed_by_the_id_that_the_steps_name_and_by_no_other() {
    manual("confirmed-by-id", async |tenant| {
        let (key, id) = request_upload(&tenant).await;
        let shown = run_in(&tenant, &["done", "calm", WRONG_ID]);
        assert_eq!((shown.code, shown.stderr.as_str()), (1, ""));
        assert!(shown.stdout.starts_with("almservicekey/calm: ignored\n  the ID is not that of the current action"));
        assert!(!shown.stdout.contains(&id), "the right ID is not proposed: {}", shown.stdout);
        tenant.await_ready("calm", "Unknown", "ActionRequired").await;

        tenant.fill_slot(&key, None).await;
        let shown = run_in(&tenant, &["done", "calm", &format!(" {id} ")]);
        assert_eq!((shown.code, shown.stderr.as_str()), (0, ""), "{}", shown.stdout);
        assert!(shown.stdout.starts_with("almservicekey/calm: Ready is True (Uploaded)\n"), "{}", shown.stdout);
        let again = run_in(&tenant, &["done", "calm", &id]);
        assert_eq!(again.code, 1);
        assert!(again.stdout.contains("it was confirmed before"), "{}", again.stdout);
    });
}

// proves: flag --file
#[test]
fn a_downloaded_file_proves_what_is_there_and_closes_a_request_for_exactly_that() {
    manual("confirmed-by-file", async |tenant| {
        let (key, _) = request_upload(&tenant).await;
        let other = download(&tenant.make_key().await);
        let shown = run_in(&tenant, &["done", "calm", "--file", path(&other)]);
        assert!(shown.stdout.starts_with("almservicekey/calm: Ready is False (SlotOccupied)\n"), "{}", shown.stdout);
        assert_eq!((shown.code, shown.stderr.as_str()), (1, ""));

        let shown = run_in(&tenant, &["done", "calm", "--file", path(&download(&key))]);
        assert!(shown.stdout.starts_with("almservicekey/calm: Ready is True (Uploaded)\n"), "{}", shown.stdout);
        assert_eq!(shown.code, 0);
    });
}

#[test]
fn a_file_that_is_not_the_bare_key_is_refused_and_nothing_is_written() {
    manual("no-bare-key", async |tenant| {
        let (key, _) = request_upload(&tenant).await;
        let manifest = json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "pasted" },
            "stringData": { "key.json": key.to_string() },
        });
        for (document, expected) in [
            (manifest, ["invalid, 1 finding", "$.uaa (MissingCredentials)"]),
            (json!([key]), ["invalid, 1 finding", "$ (InvalidJSON)"]),
            (json!({ "uaa": { "credential-type": "x509" } }), ["invalid, 5 findings", "$.uaa.credential-type"]),
        ] {
            for command in ["done", "check"] {
                let shown = run_in(&tenant, &[command, "calm", "--file", path(&download(&document))]);
                assert_eq!((shown.code, shown.stderr.as_str()), (1, ""), "{}", shown.stdout);
                assert!(expected.iter().all(|part| shown.stdout.contains(part)), "{}", shown.stdout);
                assert!(!shown.stdout.contains("option"), "it has no options for the rules: {}", shown.stdout);
            }
        }
        let shown = run_in(&tenant, &["done", "calm", "--file", "/nonexistent"]);
        assert_eq!((shown.code, shown.stdout.as_str()), (2, ""));
        assert!(shown.stderr.contains("could not read /nonexistent"), "{}", shown.stderr);
        let object = tenant.keys().get("calm").await.expect("the object");
        assert!(!object.metadata.annotations.unwrap_or_default().contains_key(CONFIRMATION));
    });
}

// proves: flag --fingerprint
#[test]
fn a_fingerprint_proves_as_much_as_the_file_that_it_was_computed_of() {
    manual("confirmed-by-print", async |tenant| {
        let (key, _) = request_upload(&tenant).await;
        let other = tenant.fingerprint(&tenant.make_key().await);
        let shown = run_in(&tenant, &["done", "calm", "--fingerprint", &other]);
        assert!(shown.stdout.starts_with("almservicekey/calm: Ready is False (SlotOccupied)\n"), "{}", shown.stdout);
        let shown = run_in(&tenant, &["done", "calm", "--fingerprint", &tenant.fingerprint(&key)]);
        assert_eq!((shown.code, shown.stderr.as_str()), (0, ""), "{}", shown.stdout);
        assert!(shown.stdout.starts_with("almservicekey/calm: Ready is True (Uploaded)\n"), "{}", shown.stdout);
    });
}

#[test]
fn the_old_key_is_recorded_and_the_person_must_still_replace_it() {
    manual("confirmed-old-file", async |tenant| {
        let (first, second) = (tenant.make_key().await, tenant.make_key().await);
        tenant.bind("calm", &first).await;
        tenant.apply_for_binding("calm", "calm").await;
        await_action(&tenant, "calm", ActionOperation::Upload, &first).await;
        act(&tenant, "calm", &first).await;
        tenant.await_ready("calm", "True", "Uploaded").await;
        tenant.keep_stale_copy("calm", &first, "48h").await;
        tenant.rotate_binding("calm", &second).await;
        tenant.await_ready("calm", "True", "ActionRequired").await;

        let shown = run_in(&tenant, &["done", "calm", "--file", path(&download(&first))]);
        assert!(shown.stdout.starts_with("almservicekey/calm: Ready is True (ActionRequired)\n"), "{}", shown.stdout);
        assert!(shown.stdout.contains("replace the key in the app by "), "{}", shown.stdout);
        let note = format!("This is not the key that was asked for ({})", tenant.fingerprint(&second));
        assert!(shown.stdout.contains(&note), "{}", shown.stdout);
        assert_eq!((shown.code, shown.stderr.as_str()), (4, ""));
    });
}

#[test]
fn a_downloaded_file_can_come_from_standard_input() {
    manual("confirmed-by-pipe", async |tenant| {
        let (key, _) = request_upload(&tenant).await;
        let kubeconfig = tenant.bed.control_plane.kubeconfig("admin");
        let arguments = ["done", "calm", "-n", &tenant.namespace, "--file", "-"];
        let mut child = command(&kubeconfig, &arguments);
        child.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = child.spawn().expect("almkey can be started");
        let mut stdin = child.stdin.take().expect("a pipe");
        stdin.write_all(key.to_string().as_bytes()).expect("almkey reads the key");
        drop(stdin);
        let shown = printed(&arguments, child.wait_with_output().expect("almkey ends"));
        assert_eq!((shown.code, shown.stderr.as_str()), (0, ""), "{}", shown.stdout);
    });
}

#[test]
fn a_confirmation_needs_the_right_to_patch_and_names_the_user() {
    manual("who-confirms", async |tenant| {
        let (_, id) = request_upload(&tenant).await;
        let viewer = create_user(&tenant, "viewer", Some("almkey-view")).await;
        let nobody = create_user(&tenant, "nobody", None).await;
        for (user, right, role) in [(viewer, "patch", "almkey-edit"), (nobody, "get", "almkey-view")] {
            let shown = run(&user, &["done", "calm", &id]);
            assert_eq!((shown.code, shown.stdout.as_str()), (2, ""));
            let remedy =
                format!("grant the right to {right} almservicekeys in namespace \"who-confirms\" (role {role})");
            assert!(shown.stderr.contains(&remedy), "{}", shown.stderr);
        }
        let editor = create_editor(&tenant, "editor", &[]).await;
        let shown = run(&editor, &["done", "calm", &id]);
        assert_eq!((shown.code, shown.stderr.as_str()), (0, ""), "{}", shown.stdout);
        let confirmed_by = last_confirmation(&tenant).await.and_then(|last| last.confirmed_by);
        assert_eq!(confirmed_by.as_deref(), Some("system:serviceaccount:who-confirms:editor"));
    });
}

// proves: flag --tenant, flag --steps
#[test]
fn the_removal_of_a_deleted_objects_key_is_confirmed_for_the_tenant() {
    manual("removed-by-hand", async |tenant| {
        confirmed_upload(&tenant).await;
        tenant.delete("calm").await;
        let object = tenant.await_tenant("removed-by-hand", "Unknown", "ActionRequired").await;
        let removal = object.status.and_then(|status| status.pending_removals.into_iter().next()).expect("a removal");
        let admin = tenant.bed.control_plane.kubeconfig("admin");

        let steps = run(&admin, &["explain", "--tenant", "removed-by-hand", "--steps"]);
        assert_eq!((steps.code, steps.stderr.as_str()), (0, ""));
        assert!(steps.stdout.contains(&format!("  ID: {}\n", removal.id)), "{}", steps.stdout);
        let explained = run(&admin, &["explain", "--tenant", "removed-by-hand"]);
        assert_eq!(explained.code, 3);
        assert!(explained.stdout.contains("To be deleted: the key of removed-by-hand/calm"), "{}", explained.stdout);

        let wrong = run(&admin, &["done", "--tenant", "removed-by-hand", WRONG_ID]);
        assert!(
            wrong.code == 1 && wrong.stdout.starts_with("almtenant/removed-by-hand: ignored\n"),
            "{}",
            wrong.stdout
        );
        assert!(!wrong.stdout.contains(&removal.id), "{}", wrong.stdout);
        let editor = create_editor(&tenant, "editor", &[]).await;
        let refused = run(&editor, &["done", "--tenant", "removed-by-hand", &removal.id]);
        let remedy = "grant the right to get almtenants (role almkey-tenant-viewer)";
        assert!(refused.code == 2 && refused.stderr.contains(remedy), "{}", refused.stderr);

        tenant.empty_slot().await;
        let shown = run(&admin, &["done", "--tenant", "removed-by-hand", &removal.id]);
        assert_eq!((shown.code, shown.stderr.as_str()), (0, ""), "{}", shown.stdout);
        assert!(shown.stdout.starts_with("almtenant/removed-by-hand: recorded\n"), "{}", shown.stdout);
        tenant.await_tenant("removed-by-hand", "True", "ManualMode").await;
        let steps = run(&admin, &["explain", "--tenant", "removed-by-hand", "--steps"]);
        let nothing = "almtenant/removed-by-hand: no person is asked for anything now\n";
        assert_eq!((steps.code, steps.stdout.as_str()), (0, nothing));
    });
}

#[test]
fn a_confirmation_for_a_tenant_that_is_not_in_manual_mode_is_ignored() {
    scenario("not-by-hand", async |tenant| {
        upload(&tenant).await;
        let shown = run_in(&tenant, &["done", "calm", WRONG_ID]);
        let expected = "almservicekey/calm: ignored\n  the ALMTenant is not in manual mode\n";
        assert_eq!((shown.code, shown.stdout.as_str()), (1, expected));
        for arguments in
            [["done", "clam", WRONG_ID, "-n", "not-by-hand"].as_slice(), &["done", "--tenant", "clam", "id"]]
        {
            let shown = run(&tenant.bed.control_plane.kubeconfig("admin"), arguments);
            assert_eq!((shown.code, shown.stdout.as_str()), (2, ""));
            assert!(shown.stderr.contains("\"clam\" does not exist"), "{}", shown.stderr);
        }
    });
}

#[test]
fn done_says_if_the_operator_does_not_act_in_time() {
    manual("unconfirmed", async |tenant| {
        let (_, id) = request_upload(&tenant).await;
        tenant.fail("SignIn", json!({ "hold": true })).await;
        let shown = run_in(&tenant, &["done", "calm", &id, "--timeout", "1"]);
        tenant.heal().await;
        tenant.release_held_calls().await;
        assert_eq!(shown.code, 3);
        assert!(shown.stdout.starts_with("almservicekey/calm: no answer\n  the operator has not acted in time"));
    });
}

#[test]
fn a_confirmation_that_another_one_replaces_says_so() {
    manual("replaced-by-another", async |tenant| {
        let (_, id) = request_upload(&tenant).await;
        tenant.fail("SignIn", json!({ "hold": true })).await;
        let kubeconfig = tenant.bed.control_plane.kubeconfig("admin");
        let arguments = ["done", "calm", &id, "-n", &tenant.namespace];
        let child = command(&kubeconfig, &arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let child = child.expect("almkey can be started");
        let has_confirmation =
            |key: &ALMServiceKey| key.metadata.annotations.iter().flatten().any(|(name, _)| name == CONFIRMATION);
        tenant.await_key("calm", "annotated", has_confirmation).await;
        tenant.annotate("calm", CONFIRMATION, "{}").await;
        let shown = printed(&arguments, child.wait_with_output().expect("almkey ends"));
        tenant.heal().await;
        tenant.release_held_calls().await;
        assert_eq!((shown.code, shown.stderr.as_str()), (3, ""), "{}", shown.stdout);
        assert!(shown.stdout.starts_with("almservicekey/calm: replaced\n  another confirmation"), "{}", shown.stdout);
    });
}

#[test]
fn exactly_one_thing_is_confirmed_at_a_time() {
    let print = "2:00112233445566778899aabbccddeeff";
    for arguments in [
        ["done", "calm"].as_slice(),
        &["done", "calm", ""],
        &["done", "calm", "id", "--file", "key.txt"],
        &["done", "calm", "id", "--fingerprint", print],
        &["done", "calm", "--file", "key.txt", "--fingerprint", print],
        &["done", "calm", "--fingerprint", "2:0011"],
        &["done", "--tenant", "acme"],
        &["done", "--tenant", "acme", "--file", "key.txt"],
        &["done", "--tenant", "acme", "id", "-n", "team-a"],
        &["check", "calm"],
        &["check", "calm", "--file", "key.txt", "--fingerprint", print],
        &["check", "calm", "--empty", "--file", "key.txt"],
        &["check", "--tenant", "acme", "--empty", "-n", "team-a"],
        &["explain", "--tenant", "acme", "-n", "team-a"],
    ] {
        let shown = run(Path::new("/nonexistent"), arguments);
        assert_eq!((shown.code, shown.stdout.as_str()), (2, ""), "{arguments:?}");
        assert!(shown.stderr.contains("For more information, try '--help'"), "{arguments:?}: {}", shown.stderr);
    }
}
