//! The commands of manual mode on the pages.

use std::fs;
use std::path::Path;

use alm_key_operator::api::action::ActionOperation;
use serde_json::Value;

use crate::scenarios::manual::{act, await_action, manual};
use testkit::bed::Tenant;
use testkit::bed::manual::{action, removal};
use testkit::documented::{self, Command, Shell};

/// The ID of an action on the pages.
const ID: &str = "kfwzt-r2hbn";

#[test]
fn the_documented_commands_of_manual_mode_follow_a_key_from_upload_to_removal() {
    manual("documented", async |tenant| {
        let folder = tempfile::tempdir().expect("a folder");
        let shell = Shell::of_admin(tenant.bed).in_folder(folder.path());
        let shell = shell.in_namespace(tenant.bed, &tenant.namespace, folder.path());
        let first = request(&tenant, ActionOperation::Upload).await;
        print_steps(&shell);
        confirm_by_id(&tenant, &shell, &first, &documented::one("README.md#see-what-it-does", "done calm ID"), "ID")
            .await;
        let second = request(&tenant, ActionOperation::Replace).await;
        let by_id = documented::one("docs/kubectl.md#almkey-done", "done calm kfwzt-r2hbn");
        confirm_by_id(&tenant, &shell, &second, &by_id, ID).await;
        let third = request(&tenant, ActionOperation::Replace).await;
        tenant.fill_slot(&third, None).await;
        write(folder.path(), &third);
        documented::one("docs/kubectl.md#almkey-done", "--file").must_run(&shell, &[]);
        let fourth = request(&tenant, ActionOperation::Replace).await;
        tenant.fill_slot(&fourth, None).await;
        let fingerprint = tenant.fingerprint(&fourth);
        let by_fingerprint = documented::one("docs/kubectl.md#almkey-done", "--fingerprint");
        by_fingerprint.must_run(&shell, &[("2:00112233445566778899aabbccddeeff", &fingerprint)]);
        tenant.await_ready("calm", "True", "Uploaded").await;
        write(folder.path(), &fourth);
        documented::one("docs/kubectl.md#almkey-check", "check calm").must_run(&shell, &[]);
        documented::one("README.md#see-what-it-does", "check calm").must_run(&shell, &[]);

        let steps = documented::one("docs/manual.md#when-an-object-is-deleted", "--steps");
        for done in [
            documented::one("docs/manual.md#when-an-object-is-deleted", "done --tenant"),
            documented::one("docs/kubectl.md#almkey-done", "done --tenant"),
        ] {
            remove(&tenant, &shell, &steps, &done).await;
            let key = request(&tenant, ActionOperation::Upload).await;
            act(&tenant, "calm", &key).await;
        }
    });
}

/// Gives the object `calm` a new key, and waits until a person is asked to change the one in the app.
async fn request(tenant: &Tenant<'_>, operation: ActionOperation) -> Value {
    let key = tenant.make_key().await;
    tenant.write_secret("pasted", &key).await;
    if tenant.keys().get_opt("calm").await.expect("objects can be read").is_none() {
        tenant.apply_for_secret("calm", "pasted").await;
    }
    await_action(tenant, "calm", operation, &key).await;
    key
}

/// Prints the steps for the person at the app, by each of the documented commands.
fn print_steps(shell: &Shell) {
    for command in [
        documented::one("README.md#see-what-it-does", "explain calm --steps"),
        documented::one("docs/kubectl.md#almkey-explain", "--steps"),
        documented::one("docs/manual.md#requests", "--steps"),
    ] {
        let steps = command.must_run(shell, &[]);
        assert!(steps.contains("upload") && steps.contains("\n1. "), "{steps}");
    }
}

/// Uploads the key in the app, and confirms the ID of the action.
async fn confirm_by_id(tenant: &Tenant<'_>, shell: &Shell, key: &Value, done: &Command, placeholder: &str) {
    tenant.fill_slot(key, None).await;
    let id = action(&tenant.keys().get("calm").await.expect("the object exists")).id;
    done.must_run(shell, &[(placeholder, &id)]);
    tenant.await_ready("calm", "True", "Uploaded").await;
}

/// Deletes the object, and then its key in the app, as the steps say.
async fn remove(tenant: &Tenant<'_>, shell: &Shell, steps: &Command, done: &Command) {
    tenant.delete("calm").await;
    let printed = steps.must_run(shell, &[("acme", &tenant.name)]);
    let id = removal(&tenant.tenant_object().await).expect("a removal").id;
    assert!(printed.contains(&id), "{printed}");
    tenant.empty_slot().await;
    done.must_run(shell, &[("acme", &tenant.name), (ID, &id)]);
}

/// Writes the files that a person downloads in the app.
fn write(folder: &Path, key: &Value) {
    for name in ["key.txt", "downloaded.txt"] {
        fs::write(folder.join(name), key.to_string()).expect("a file");
    }
}
