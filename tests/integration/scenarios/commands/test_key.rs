//! `almkey test` of an object.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::{command, create_editor, printed, run, run_in, token_endpoint_options};
use crate::scenarios::{scenario, upload};

// proves: command test
#[test]
fn test_of_an_object_uses_the_rules_and_settings_of_its_tenant() {
    scenario("tested", async |tenant| {
        let key = upload(&tenant).await;
        let before = tenant.calls(&["SignIn"]).await.len();
        let tested = run_in(&tenant, &["test", "calm"]);
        assert_eq!((tested.code, tested.stderr.as_str()), (0, ""));
        let expected =
            format!("almservicekey/calm: valid, and signs in\n  fingerprint  {}\n", tenant.fingerprint(&key));
        assert_eq!(tested.stdout, expected);
        assert_eq!(tenant.calls(&["SignIn"]).await.len(), before + 1);

        let mut foreign = key.clone();
        foreign["uaa"]["identityzone"] = "other".into();
        tenant.write_secret("foreign", &foreign).await;
        for (name, secret, code, result, reason) in [
            ("invalid", "foreign", 1, "Invalid", "WrongTenant"),
            ("waiting", "missing", 3, "Unknown", "WaitingForSecret"),
        ] {
            tenant.apply_for_secret(name, secret).await;
            let tested = run_in(&tenant, &["test", &format!("almkey/{name}"), "-o", "json"]);
            let report: Value = serde_json::from_str(&tested.stdout).expect("JSON");
            let found = (tested.code, &report["file"], &report["result"], &report["reason"]);
            assert_eq!(found, (code, &json!(format!("almservicekey/{name}")), &json!(result), &json!(reason)));
            assert_eq!(report["identityZoneChecked"], true);
            assert_eq!(report["findings"][0]["option"], Value::Null, "the tenant sets the rules");
        }
        assert_eq!(tenant.calls(&["SignIn"]).await.len(), before + 1, "an invalid key is sent nowhere");

        tenant.revoke(&key).await;
        let refused = run_in(&tenant, &["test", "almservicekey/calm"]);
        assert_eq!(refused.code, 1);
        assert!(refused.stdout.starts_with("almservicekey/calm: refused\n"), "{}", refused.stdout);
        let wrong = run_in(&tenant, &["test", "calm", "--entry", "key.json"]);
        assert!(wrong.code == 2 && wrong.stderr.contains("--entry is for files"), "{}", wrong.stderr);
    });
}

#[test]
fn test_without_the_right_to_read_the_tenant_says_what_was_not_checked() {
    scenario("tested-in-part", async |tenant| {
        upload(&tenant).await;
        let user = create_editor(&tenant, "user", &["get"]).await;
        let unchecked = "  not checked  identity zone, types of credentials, hosts, services and scopes by ALMTenant \
                         \"tested-in-part\", which you may not read (role almkey-tenant-viewer)";

        let tested = run(&user, &["test", "calm"]);
        assert_eq!(tested.code, 1);
        for part in ["$.uaa.url (TokenHostNotAllowed)", "--allow-host", unchecked] {
            assert!(tested.stdout.contains(part), "{part:?} is missing in\n{}", tested.stdout);
        }
        let options = token_endpoint_options(&tenant);
        let arguments: Vec<&str> = ["test", "calm"].into_iter().chain(options.iter().map(String::as_str)).collect();
        let tested = run(&user, &arguments);
        assert_eq!((tested.code, tested.stderr.as_str()), (0, ""));
        assert!(tested.stdout.starts_with("almservicekey/calm: valid, and signs in\n"), "{}", tested.stdout);
        assert!(tested.stdout.contains(unchecked), "{}", tested.stdout);

        let without = create_editor(&tenant, "without", &[]).await;
        let refused = run(&without, &["test", "almkey/calm"]);
        assert_eq!((refused.code, refused.stdout.as_str()), (2, ""));
        assert!(refused.stderr.contains("grant the right to get secrets in namespace"), "{}", refused.stderr);
    });
}

#[test]
fn a_file_is_tested_without_a_cluster_and_precedes_an_object() {
    scenario("tested-file", async |tenant| {
        let key = upload(&tenant).await;
        let folder = tempfile::tempdir().expect("a folder");
        let options = token_endpoint_options(&tenant);
        let admin = tenant.bed.control_plane.kubeconfig("admin");
        let test = |kubeconfig: &Path, target: &str| {
            let mut command = command(kubeconfig, &["test", target, "-n", &tenant.namespace]);
            printed(&[target], command.args(&options).current_dir(folder.path()).output().expect("almkey"))
        };
        let first_line = |stdout: &str| stdout.lines().next().map(str::to_owned);

        assert_eq!(
            first_line(&test(&admin, "calm").stdout).as_deref(),
            Some("almservicekey/calm: valid, and signs in")
        );
        fs::write(folder.path().join("calm"), key.to_string()).expect("a file");
        for target in ["calm", "./calm"] {
            let tested = test(Path::new("/nonexistent"), target);
            assert_eq!((tested.code, tested.stderr.as_str()), (0, ""));
            let expected = format!("{target}: valid, and signs in");
            assert_eq!(first_line(&tested.stdout), Some(expected));
        }
        let object = test(&admin, "almkey/calm");
        assert_eq!(first_line(&object.stdout).as_deref(), Some("almservicekey/calm: valid, and signs in"));

        let missing = test(Path::new("/nonexistent"), "key.txt");
        assert_eq!((missing.code, missing.stdout.as_str()), (2, ""));
        for part in ["there is no file \"key.txt\"", "caused by: the kubeconfig cannot be used"] {
            assert!(missing.stderr.contains(part), "{}", missing.stderr);
        }
    });
}
