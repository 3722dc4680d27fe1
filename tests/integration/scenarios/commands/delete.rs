//! `almkey delete`.

use serde_json::{Value, json};
use testkit::bed::Tenant;

use super::done::confirmed_upload;
use super::{Terminal, create_editor, download, path, run, run_in};
use crate::scenarios::manual::manual;
use crate::scenarios::{scenario, upload};

/// Uploads a new key by `almkey upload`, under this name, and returns it.
async fn upload_by_hand(tenant: &Tenant<'_>, name: &str) -> Value {
    let key = tenant.make_key().await;
    let file = download(&key);
    let uploaded = run_in(tenant, &["upload", path(&file), "--tenant", &tenant.name, "--name", name]);
    assert_eq!(uploaded.code, 0, "{}{}", uploaded.stdout, uploaded.stderr);
    key
}

async fn has_secret(tenant: &Tenant<'_>, name: &str) -> bool {
    tenant.secrets().get_opt(name).await.expect("Secrets can be read").is_some()
}

async fn has_key(tenant: &Tenant<'_>, name: &str) -> bool {
    tenant.keys().get_opt(name).await.expect("objects can be read").is_some()
}

/// Returns a text without the line breaks and gaps that depend on its width.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

// proves: command delete, flag --yes
#[test]
fn delete_says_what_it_changes_and_removes_what_upload_has_made() {
    scenario("deleted-by-hand", async |tenant| {
        let key = upload_by_hand(&tenant, "calm").await;
        tenant.write_secret("other", &tenant.make_key().await).await;
        tenant.apply_for_secret("later", "other").await;
        tenant.await_ready("later", "False", "NotSlotOwner").await;

        let deleted = run_in(&tenant, &["delete", "calm", "--yes"]);
        assert_eq!((deleted.code, deleted.stderr.as_str()), (0, ""), "{}", deleted.stdout);
        let client = key["uaa"]["clientid"].as_str().expect("a client");
        for part in [
            "Deletion of almservicekey/calm -n deleted-by-hand: Its key is in Landscape Management",
            &format!("client {client}, fingerprint {}.", tenant.fingerprint(&key)),
            "it is removed there, or handed over to another ALMServiceKey of the tenant that has the same key.",
            "Next is the key of deleted-by-hand/later, the oldest other one of the tenant that is ready.",
            "Secret \"calm\" is deleted, too, because almkey upload has made it.",
            "almservicekey/calm -n deleted-by-hand: gone secret/calm -n deleted-by-hand: deleted",
        ] {
            assert!(words(&deleted.stdout).contains(part), "{part:?} is missing in\n{}", deleted.stdout);
        }
        assert!(!has_key(&tenant, "calm").await && !has_secret(&tenant, "calm").await);
        tenant.await_ready("later", "True", "Uploaded").await;
    });
}

#[test]
fn delete_keeps_a_secret_that_others_made_or_another_object_names() {
    scenario("kept-secret", async |tenant| {
        let key = upload(&tenant).await;
        tenant.patch("calm", json!({ "spec": { "deletionPolicy": "Retain" } })).await;
        let labels = json!({ "helm.toolkit.fluxcd.io/name": "apps", "helm.toolkit.fluxcd.io/namespace": "flux" });
        tenant.patch("calm", json!({ "metadata": { "labels": labels } })).await;
        let retained = run_in(&tenant, &["delete", "calm", "--yes"]);
        let manager = "almkey: the Flux HelmRelease \"apps\" in namespace \"flux\" manages this object and may create \
                       it again: remove it from its source, too\n";
        assert_eq!((retained.code, retained.stderr.as_str()), (0, manager), "{}", retained.stdout);
        for part in
            ["without an owner (spec.deletionPolicy is Retain)", "Secret \"pasted\" stays: almkey upload has not"]
        {
            assert!(words(&retained.stdout).contains(part), "{part:?} is missing in\n{}", retained.stdout);
        }
        assert!(has_secret(&tenant, "pasted").await);
        assert_eq!(tenant.slot_key().await, key);

        tenant.empty_slot().await;
        upload_by_hand(&tenant, "made").await;
        tenant.apply_for_secret("second", "made").await;
        let shared = run_in(&tenant, &["delete", "made", "--yes"]);
        assert_eq!(shared.code, 0, "{}", shared.stderr);
        assert!(shared.stdout.contains("another ALMServiceKey of the namespace names it"), "{}", shared.stdout);
        assert!(has_secret(&tenant, "made").await);
    });
}

#[test]
fn delete_asks_at_a_terminal_and_needs_an_option_elsewhere() {
    scenario("asked-to-delete", async |tenant| {
        upload(&tenant).await;
        let unasked = run_in(&tenant, &["delete", "calm"]);
        assert_eq!(unasked.code, 2);
        let message =
            "almkey delete deletes almservicekey/calm in namespace \"asked-to-delete\": pass --yes to confirm";
        assert!(unasked.stderr.contains(message), "{}", unasked.stderr);

        let folder = tempfile::tempdir().expect("a folder");
        let ask = || {
            let mut terminal = Terminal::start(&tenant, folder.path(), &["delete", "calm"]);
            let before = terminal.await_text("Delete almservicekey/calm in namespace \"asked-to-delete\"?");
            assert!(before.contains("Its key is in Landscape Management"), "{before}");
            terminal
        };
        ask().interrupt();
        let (_, code) = ask().answer("n");
        assert_eq!(code, 1);
        let object = tenant.keys().get("calm").await.expect("the object");
        assert_eq!(object.metadata.deletion_timestamp, None);

        let (output, code) = ask().answer("y");
        assert!(code == 0 && output.contains("almservicekey/calm -n asked-to-delete: gone"), "{output}");
        assert_eq!(tenant.slot_key().await, Value::Null);
    });
}

#[test]
fn delete_says_if_the_object_is_not_gone_in_time() {
    scenario("not-gone", async |tenant| {
        upload_by_hand(&tenant, "calm").await;
        tenant.fail("Delete", json!({ "status": 503 })).await;
        let late = run_in(&tenant, &["delete", "calm", "--yes", "--timeout", "1"]);
        assert_eq!(late.code, 3, "{}{}", late.stdout, late.stderr);
        for part in ["almservicekey/calm -n not-gone: not gone yet", "Secret \"calm\" stays until then"] {
            assert!(words(&late.stdout).contains(part), "{part:?} is missing in\n{}", late.stdout);
        }
        assert!(has_secret(&tenant, "calm").await);
        let again = run_in(&tenant, &["delete", "calm", "--yes", "--timeout", "1"]);
        assert_eq!(again.code, 3, "{}{}", again.stdout, again.stderr);
        assert!(again.stdout.contains("which is being deleted already"), "{}", again.stdout);
        tenant.heal().await;
        tenant.await_gone("calm").await;
    });
}

#[test]
fn delete_with_rights_on_one_namespace_names_what_may_not_be_read() {
    scenario("deleted-in-part", async |tenant| {
        upload_by_hand(&tenant, "calm").await;
        let editor = create_editor(&tenant, "editor", &[]).await;
        let deleted = run(&editor, &["delete", "calm", "--yes"]);
        assert_eq!((deleted.code, deleted.stderr.as_str()), (0, ""), "{}", deleted.stdout);
        for part in [
            "No other key of the tenant is ready to follow in this namespace (you may not list those of others).",
            "Secret \"calm\" stays: you may not read it, so it is not known who made it.",
        ] {
            assert!(words(&deleted.stdout).contains(part), "{part:?} is missing in\n{}", deleted.stdout);
        }
        assert!(has_secret(&tenant, "calm").await);
        assert_eq!(tenant.slot_key().await, Value::Null);
    });
}

#[test]
fn delete_in_manual_mode_prints_the_steps_for_the_person_who_acts() {
    manual("deleted-by-a-person", async |tenant| {
        confirmed_upload(&tenant).await;
        let deleted = run_in(&tenant, &["delete", "calm", "--yes"]);
        assert_eq!((deleted.code, deleted.stderr.as_str()), (4, ""), "{}", deleted.stdout);
        let status = tenant.tenant_object().await.status.expect("a status");
        let removal = status.pending_removals.first().expect("a removal");
        let task = "delete the key of deleted-by-a-person/calm in Landscape Management";
        for part in [
            "  If the key may be in Landscape Management, a person is asked to delete it there",
            "almservicekey/calm -n deleted-by-a-person: gone\n",
            &format!("almtenant/deleted-by-a-person: {task}\n  ID: {}\n\n1. ", removal.id),
        ] {
            assert!(deleted.stdout.contains(part), "{part:?} is missing in\n{}", deleted.stdout);
        }
        assert!(!has_key(&tenant, "calm").await);
    });
}
