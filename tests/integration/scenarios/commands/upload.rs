//! `almkey upload`.

use std::path::Path;

use kube::api::ListParams;
use serde_json::{Value, json};
use testkit::bed::Tenant;
use testkit::bed::tenant::ensure_namespace;

use super::{create_editor, create_user, download, grant_secrets, path, run, run_in, token_endpoint_options};
use crate::scenarios::manual::manual;
use crate::scenarios::scenario;

/// Returns the names of all Secrets and `ALMServiceKey`s in the tenant's namespace.
async fn objects(tenant: &Tenant<'_>) -> Vec<String> {
    let params = ListParams::default();
    let secrets = tenant.secrets().list_metadata(&params).await.expect("a list").items.into_iter();
    let keys = tenant.keys().list_metadata(&params).await.expect("a list").items.into_iter();
    secrets.map(|secret| secret.metadata.name).chain(keys.map(|key| key.metadata.name)).flatten().collect()
}

// proves: command upload, flag --tenant, flag --name
#[test]
fn upload_makes_the_objects_once_and_waits_for_the_upload() {
    scenario("put-by-hand", async |tenant| {
        let key = tenant.make_key().await;
        let file = download(&json!({ "credentials": key }));
        let arguments = ["upload", path(&file), "--tenant", "put-by-hand"];
        let report = format!("{}: valid, and signs in\n  fingerprint  {}\n", path(&file), tenant.fingerprint(&key));
        let done = "almservicekey/put-by-hand: Ready is True (Uploaded)\n";

        let uploaded = run_in(&tenant, &arguments);
        assert_eq!((uploaded.code, uploaded.stderr.as_str()), (0, ""), "{}", uploaded.stdout);
        let made = "secret/put-by-hand -n put-by-hand: created\nalmservicekey/put-by-hand -n put-by-hand: created\n";
        assert!(uploaded.stdout.starts_with(&format!("{report}{made}{done}")), "{}", uploaded.stdout);
        assert_eq!(tenant.slot_key().await, key);
        let secret = tenant.secrets().get("put-by-hand").await.expect("the Secret");
        assert_eq!(secret.type_.as_deref(), Some("Opaque"));
        let labels = secret.metadata.labels.expect("labels");
        assert_eq!(labels.get("almkey.dev/created-by").map(String::as_str), Some("upload"));
        let data = secret.data.expect("data");
        let text = &data.get("key.json").expect("the entry").0;
        assert_eq!((data.len(), serde_json::from_slice::<Value>(text).expect("JSON")), (1, key.clone()));

        let writes = tenant.writes().await;
        let again = run_in(&tenant, &arguments);
        assert_eq!((again.code, again.stderr.as_str()), (0, ""));
        let present = made.replace("created", "is there already");
        assert!(again.stdout.starts_with(&format!("{report}{present}{done}")), "{}", again.stdout);

        let other = download(&tenant.make_key().await);
        let refused = run_in(&tenant, &["upload", path(&other), "--tenant", "put-by-hand"]);
        assert_eq!(refused.code, 2);
        let message = "almkey: secret/put-by-hand exists already, with another content, and was not changed";
        assert!(refused.stderr.starts_with(message), "{}", refused.stderr);
        assert_eq!((tenant.slot_key().await, tenant.writes().await), (key, writes));

        let second = run_in(&tenant, &["upload", path(&other), "--tenant", "put-by-hand", "--name", "second"]);
        assert_eq!(second.code, 1);
        assert!(second.stdout.contains("almservicekey/second: Ready is False (NotSlotOwner)"), "{}", second.stdout);
    });
}

// proves: flag --no-sign-in
#[test]
fn upload_of_a_key_that_cannot_be_used_makes_nothing() {
    scenario("put-in-vain", async |tenant| {
        let (key, mut foreign, dead) = (tenant.make_key().await, tenant.make_key().await, tenant.make_key().await);
        foreign["uaa"]["identityzone"] = "other".into();
        tenant.revoke(&dead).await;
        ensure_namespace(&tenant.client, "put-elsewhere").await;
        let admin = tenant.bed.control_plane.kubeconfig("admin");
        let upload = |content: &Value, target: &str, namespace: &str, more: &[&str]| {
            let file = download(content);
            let arguments = ["upload", path(&file), "--tenant", target, "-n", namespace];
            run(&admin, &[&arguments[..], more].concat())
        };
        for (content, target, namespace, code, expected) in [
            (json!("no key"), "put-in-vain", "put-in-vain", 1, "invalid, 1 finding"),
            (foreign, "put-in-vain", "put-in-vain", 1, "$.uaa.identityzone (WrongTenant)"),
            (dead.clone(), "put-in-vain", "put-in-vain", 1, ": refused"),
            (key.clone(), "missing", "put-in-vain", 2, "the ALMTenant \"missing\" does not exist"),
            (key.clone(), "put-in-vain", "put-elsewhere", 1, "does not admit namespace \"put-elsewhere\""),
        ] {
            let found = upload(&content, target, namespace, &[]);
            let printed = format!("{}{}", found.stdout, found.stderr);
            assert_eq!(found.code, code, "{printed}");
            assert!(printed.contains(expected), "{expected:?} is missing in {printed}");
            assert_eq!(objects(&tenant).await, Vec::<String>::new(), "{expected}");
        }
        let elsewhere = ["get", "secrets,almservicekeys", "-n", "put-elsewhere", "-o", "name"];
        assert_eq!(tenant.bed.kubectl(&elsewhere), "");
        tenant.fail_once("SignIn", json!({ "status": 503 })).await;
        let unknown = upload(&key, "put-in-vain", "put-in-vain", &[]);
        assert_eq!((unknown.code, objects(&tenant).await.len()), (3, 0), "{}", unknown.stdout);

        let untested = upload(&dead, "put-in-vain", "put-in-vain", &["--no-sign-in"]);
        assert_eq!(untested.code, 1);
        assert!(untested.stdout.contains(": valid\n"), "{}", untested.stdout);
        assert!(untested.stdout.contains("Ready is False (CredentialsRefused)"), "{}", untested.stdout);
        assert_eq!(tenant.slot_key().await, Value::Null);
    });
}

#[test]
fn upload_says_if_the_key_is_not_uploaded_in_time_and_what_it_waits_for() {
    scenario("put-late", async |tenant| {
        let file = download(&tenant.make_key().await);
        tenant.fail("ReadSlot", json!({ "status": 503 })).await;
        let late = run_in(&tenant, &["upload", path(&file), "--tenant", "put-late", "--timeout", "2"]);
        tenant.heal().await;
        assert_eq!(late.code, 3, "{}{}", late.stdout, late.stderr);
        assert!(late.stdout.contains("almservicekey/put-late: Ready is Unknown ("), "{}", late.stdout);
    });
}

#[test]
fn upload_by_a_user_of_one_namespace_says_what_was_not_checked() {
    scenario("put-in-part", async |tenant| {
        let key = tenant.make_key().await;
        let file = download(&key);
        let options = token_endpoint_options(&tenant);
        let arguments = ["upload", path(&file), "--tenant", "put-in-part"];
        let arguments: Vec<&str> = arguments.into_iter().chain(options.iter().map(String::as_str)).collect();
        let upload = |kubeconfig: &Path| run(kubeconfig, &arguments);

        let viewer = create_user(&tenant, "viewer", Some("almkey-view")).await;
        let refused = upload(&viewer);
        assert_eq!(refused.code, 2);
        let right =
            "grant the right to create secrets in namespace \"put-in-part\" (no role of alm-key-operator has it";
        assert!(refused.stderr.contains(right), "{}", refused.stderr);

        grant_secrets(&tenant, "viewer", &["create", "get", "delete"]).await;
        let refused = upload(&viewer);
        assert_eq!(refused.code, 2);
        let right = "grant the right to create almservicekeys in namespace \"put-in-part\" (role almkey-edit)";
        assert!(refused.stderr.contains(right), "{}", refused.stderr);
        assert_eq!(objects(&tenant).await, Vec::<String>::new(), "the Secret is undone");

        let editor = create_editor(&tenant, "editor", &["create", "get", "delete"]).await;
        let uploaded = upload(&editor);
        assert_eq!((uploaded.code, uploaded.stderr.as_str()), (0, ""), "{}", uploaded.stdout);
        let unchecked = "  not checked  identity zone, types of credentials, hosts, services and scopes by ALMTenant \
                         \"put-in-part\", which you may not read (role almkey-tenant-viewer)";
        assert!(uploaded.stdout.contains(unchecked), "{}", uploaded.stdout);
        assert_eq!(tenant.slot_key().await, key);
    });
}

#[test]
fn upload_in_manual_mode_prints_the_steps_for_the_person_who_acts() {
    manual("put-by-a-person", async |tenant| {
        let key = tenant.make_key().await;
        let file = download(&key);
        let arguments = ["upload", path(&file), "--tenant", "put-by-a-person"];
        let asked = run_in(&tenant, &arguments);
        assert_eq!((asked.code, asked.stderr.as_str()), (4, ""), "{}", asked.stdout);
        let object = tenant.await_ready("put-by-a-person", "Unknown", "ActionRequired").await;
        let id = object.status.and_then(|status| status.action).expect("an action").id;
        for part in [
            "almservicekey/put-by-a-person: Ready is Unknown (ActionRequired)\n",
            "almservicekey/put-by-a-person -n put-by-a-person: upload the key in Landscape Management\n",
            &format!("  ID: {id}\n\n1. "),
        ] {
            assert!(asked.stdout.contains(part), "{part:?} is missing in\n{}", asked.stdout);
        }

        tenant.fill_slot(&key, None).await;
        assert_eq!(run_in(&tenant, &["done", "put-by-a-person", &id]).code, 0);
        let again = run_in(&tenant, &arguments);
        assert_eq!((again.code, again.stderr.as_str()), (0, ""), "{}", again.stdout);
    });
}
