//! `almkey check`.

use super::{create_editor, create_user, download, path, request_upload, run, run_in};
use crate::scenarios::manual::manual;
use crate::scenarios::{scenario, upload};

// proves: command check, flag --file, flag --fingerprint
#[test]
fn check_compares_what_is_in_the_app_with_the_source_and_records_it() {
    manual("compared", async |tenant| {
        let (key, _) = request_upload(&tenant).await;
        let mut other = key.clone();
        other["uaa"]["clientsecret"] = "CANARY-other".into();
        other["uaa"]["verificationkey"] = "CANARY-verification".into();
        let (same, other) = (download(&key), download(&other));

        let shown = run_in(&tenant, &["check", "calm", "--file", path(&other)]);
        let text = shown.stdout.as_str();
        assert_eq!((shown.code, shown.stderr.as_str()), (1, ""), "{text}");
        assert!(text.starts_with("almservicekey/calm: another key than the key of the source\n"), "{text}");
        for part in ["  Fields that differ: $.uaa.clientsecret, ", "  Recorded. Ready is False (SlotOccupied): "] {
            assert!(text.contains(part), "{part:?} is missing in\n{text}");
        }
        let shown = run_in(&tenant, &["check", "calm", "--file", path(&same)]);
        let text = shown.stdout.as_str();
        assert_eq!((shown.code, shown.stderr.as_str()), (0, ""), "{text}");
        assert!(
            text.starts_with("almservicekey/calm: the same key as the key of the source\n  All fields are equal.\n")
        );
        assert!(text.contains("  Recorded. Ready is True (Uploaded): "), "{text}");
        assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    });
}

#[test]
fn check_with_rights_on_one_namespace_compares_as_far_as_they_reach() {
    manual("compared-in-part", async |tenant| {
        let (key, _) = request_upload(&tenant).await;
        let (print, other) = (tenant.fingerprint(&key), tenant.fingerprint(&tenant.make_key().await));
        let viewer = create_user(&tenant, "viewer", Some("almkey-view")).await;
        for (print, code, verdict) in [(&print, 0, "the same key as"), (&other, 1, "another key than")] {
            let shown = run(&viewer, &["check", "calm", "--fingerprint", print]);
            let text = shown.stdout.as_str();
            assert_eq!((shown.code, shown.stderr.as_str()), (code, ""), "{text}");
            let expected = format!("almservicekey/calm: {verdict} the key that a person is asked to upload\n");
            assert!(text.starts_with(&expected), "{text}");
            for part in ["you may not get secrets in namespace", "  Not recorded: could not patch almservicekeys"] {
                assert!(text.contains(part), "{part:?} is missing in\n{text}");
            }
        }
        tenant.await_ready("calm", "Unknown", "ActionRequired").await;

        let editor = create_editor(&tenant, "editor", &["get"]).await;
        let shown = run(&editor, &["check", "calm", "--fingerprint", &print]);
        assert!(shown.stdout.starts_with("almservicekey/calm: the same key as the key of the source\n"));
        assert!(shown.stdout.contains("  Recorded. Ready is True (Uploaded): "), "{}", shown.stdout);
        let nobody = create_user(&tenant, "nobody", None).await;
        let shown = run(&nobody, &["check", "calm", "--fingerprint", &print]);
        assert_eq!((shown.code, shown.stdout.as_str()), (2, ""));
        assert!(shown.stderr.contains("grant the right to get almservicekeys"), "{}", shown.stderr);
    });
}

#[test]
fn check_without_a_key_to_compare_with_says_so() {
    scenario("incomparable", async |tenant| {
        tenant.apply_for_secret("later", "missing").await;
        tenant.await_ready("later", "Unknown", "WaitingForSecret").await;
        let print = "2:00112233445566778899aabbccddeeff";
        let shown = run_in(&tenant, &["check", "later", "--fingerprint", print]);
        assert_eq!((shown.code, shown.stderr.as_str()), (3, ""));
        assert!(shown.stdout.starts_with("almservicekey/later: not known"), "{}", shown.stdout);
        assert!(shown.stdout.contains("Secret \"missing\" does not exist"), "{}", shown.stdout);

        let key = upload(&tenant).await;
        let shown = run_in(&tenant, &["check", "calm", "--fingerprint", &tenant.fingerprint(&key)]);
        assert_eq!(shown.code, 0, "the exit code is that of the comparison");
        assert!(shown.stdout.contains("  Not recorded (ignored): the ALMTenant is not in manual mode\n"));
    });
}

// proves: flag --empty
#[test]
fn a_slot_that_a_person_found_empty_is_to_be_filled_again() {
    manual("found-empty", async |tenant| {
        let (key, id) = request_upload(&tenant).await;
        tenant.fill_slot(&key, None).await;
        assert_eq!(run_in(&tenant, &["done", "calm", &id]).code, 0);
        tenant.empty_slot().await;

        let shown = run_in(&tenant, &["check", "calm", "--empty"]);
        assert_eq!((shown.code, shown.stderr.as_str()), (0, ""), "{}", shown.stdout);
        assert!(shown.stdout.starts_with("almservicekey/calm: recorded\n"), "{}", shown.stdout);
        let object = tenant.await_ready("calm", "Unknown", "ActionRequired").await;
        let action = object.status.and_then(|status| status.action).expect("an action");
        assert_ne!(action.id, id, "an ID is never used again");
    });
}

#[test]
fn an_admin_says_what_the_slot_of_a_tenant_holds_instead_of_a_removed_key() {
    manual("found-for-tenant", async |tenant| {
        let (key, id) = request_upload(&tenant).await;
        tenant.fill_slot(&key, None).await;
        assert_eq!(run_in(&tenant, &["done", "calm", &id]).code, 0);
        tenant.delete("calm").await;
        tenant.await_tenant(&tenant.name, "Unknown", "ActionRequired").await;

        let admin = tenant.bed.control_plane.kubeconfig("admin");
        let check = |found: &[&str]| run(&admin, &[&["check", "--tenant", &tenant.name], found].concat());
        let shown = check(&["--fingerprint", &tenant.fingerprint(&key)]);
        assert_eq!(shown.code, 1, "{}", shown.stdout);
        assert!(shown.stdout.contains("this is the key that is to be deleted"), "{}", shown.stdout);
        let other = tenant.make_key().await;
        let shown = check(&["--fingerprint", &tenant.fingerprint(&other)]);
        assert_eq!((shown.code, shown.stderr.as_str()), (0, ""), "{}", shown.stdout);
        tenant.await_tenant(&tenant.name, "True", "ManualMode").await;
        assert_eq!(check(&["--empty"]).code, 0, "and so an empty slot");
    });
}
