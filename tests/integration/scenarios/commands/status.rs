//! `almkey status`.

use std::process::Stdio;

use regex::Regex;
use serde_json::Value;

use super::{Terminal, command, create_user, request_upload, run, run_in};
use crate::scenarios::manual::manual;
use crate::scenarios::{scenario, upload};
use testkit::bed::Tenant;
use testkit::bed::waiting::wait_for;
use tokio::io::{AsyncBufReadExt, BufReader};

/// Returns the lines of an output without those of other tests' tenants, and with `<age>` for ages.
fn own_lines(tenant: &Tenant<'_>, output: &str) -> Vec<String> {
    let age = Regex::new(r"\b\d+[smhd]\b").expect("a pattern");
    let gap = Regex::new(" {3,}").expect("a pattern");
    let keys = output.split_once("\nNAME").map_or("", |(_, keys)| keys);
    let tenants = output.lines().filter(|line| line.starts_with(&format!("{} ", tenant.name)));
    let keys = keys.lines().skip(1).take_while(|line| !line.is_empty());
    let line = |line: &str| age.replace_all(&gap.replace_all(line, " | "), "<age>").into_owned();
    tenants.chain(keys).map(line).collect()
}

// proves: command status, flag --kubeconfig, flag --output
#[test]
fn status_shows_the_slot_of_a_tenant_its_keys_and_what_to_do() {
    scenario("displayed", async |tenant| {
        upload(&tenant).await;
        tenant.apply_for_secret("later", "missing").await;
        tenant.await_ready("later", "Unknown", "WaitingForSecret").await;

        let shown = run_in(&tenant, &["status"]);
        assert_eq!((shown.code, shown.stderr.as_str()), (0, ""));
        assert_eq!(
            own_lines(&tenant, &shown.stdout),
            [
                "displayed | True | Connected | displayed/calm, for <age> | <age>",
                "calm | displayed | True | Uploaded | <age> | <age>",
                "later | displayed | Unknown | WaitingForSecret | - | <age>",
            ]
        );
        let message = "\nalmservicekey/later:\n  Secret \"missing\" does not exist";
        assert!(shown.stdout.contains(message), "{}", shown.stdout);
        assert!(shown.stdout.lines().all(|line| line.chars().count() <= 100), "{}", shown.stdout);
        let fingerprint =
            tenant.await_ready("calm", "True", "Uploaded").await.status.and_then(|status| status.uploaded);
        let fingerprint = fingerprint.expect("an upload").fingerprint;
        let wide = run_in(&tenant, &["status", "-o", "wide"]);
        assert!(wide.stdout.lines().any(|line| line.ends_with(&format!("Secret/pasted   {fingerprint}"))));
    });
}

#[test]
fn a_terminal_shows_statuses_in_colour_unless_it_must_not() {
    scenario("coloured", async |tenant| {
        tenant.apply_for_secret("later", "missing").await;
        tenant.await_ready("later", "Unknown", "WaitingForSecret").await;
        let folder = tempfile::tempdir().expect("a folder");
        for (variables, is_coloured) in
            [([].as_slice(), true), (&[("NO_COLOR", "1")], false), (&[("TERM", "dumb")], false)]
        {
            for (arguments, code) in [(["status"].as_slice(), 0), (&["explain", "later"], 3)] {
                let terminal = Terminal::start_with(&tenant, folder.path(), arguments, variables);
                let (shown, ended) = terminal.finish();
                assert_eq!(shown.contains("\u{1b}[33mUnknown\u{1b}[0m"), is_coloured, "{variables:?} {shown:?}");
                assert_eq!(shown.contains('\u{1b}'), is_coloured, "{variables:?} {shown:?}");
                assert_eq!(ended, code);
            }
            let terminal = Terminal::start_with(&tenant, folder.path(), &["status", "-o", "json"], variables);
            assert!(!terminal.finish().0.contains('\u{1b}'), "machines read no colours");
        }
        assert!(!run_in(&tenant, &["status"]).stdout.contains('\u{1b}'), "no terminal");
    });
}

#[test]
fn status_shows_what_a_person_must_do_below_the_tables() {
    manual("to-do", async |tenant| {
        let (key, id) = request_upload(&tenant).await;
        let gap = Regex::new(" {3,}").expect("a pattern");
        let to_do = |output: &str| {
            let table = output.split_once("\nTO DO").map_or("", |(_, table)| table);
            let rows = table.lines().skip(1).take_while(|line| !line.is_empty());
            let own =
                rows.filter(|line| line.contains(" to-do ")).map(|line| gap.replace_all(line, " | ").into_owned());
            own.collect::<Vec<_>>()
        };
        let shown = run_in(&tenant, &["status"]);
        assert_eq!((shown.code, shown.stderr.as_str()), (0, ""));
        assert_eq!(to_do(&shown.stdout), ["upload | to-do | to-do/calm | - | -"]);
        assert!(shown.stdout.contains("\nalmservicekey/calm:\n  upload the key in the app: almkey explain calm"));
        assert!(shown.stdout.lines().all(|line| line.chars().count() <= 100), "{}", shown.stdout);

        tenant.fill_slot(&key, None).await;
        assert_eq!(run_in(&tenant, &["done", "calm", &id]).code, 0);
        tenant.delete("calm").await;
        tenant.await_tenant("to-do", "Unknown", "ActionRequired").await;
        let shown = run_in(&tenant, &["status"]);
        assert_eq!(to_do(&shown.stdout), ["delete | to-do | to-do/calm | - | -"]);
    });
}

// proves: flag --output, flag --selector
#[test]
fn status_prints_names_json_and_yaml_as_kubectl_does() {
    scenario("printed", async |tenant| {
        upload(&tenant).await;
        tenant.apply_for_secret("other", "pasted").await;
        let label = serde_json::json!({ "metadata": { "labels": { "team": "calm" } } });
        tenant.patch("calm", label).await;

        let selected = |format| run_in(&tenant, &["status", "-l", "team=calm", "-o", format]).stdout;
        assert_eq!(selected("name"), "almservicekey.almkey.dev/calm\n");
        let json: Value = serde_json::from_str(&selected("json")).expect("JSON");
        let yaml: Value = serde_yaml_ng::from_str(&selected("yaml")).expect("YAML");
        let arguments = ["get", "almservicekeys", "-n", "printed", "-l", "team=calm", "-o", "json"];
        let expected: Value = serde_json::from_str(&tenant.bed.kubectl(&arguments)).expect("JSON");
        assert_eq!(json["kind"], "List");
        assert_eq!((&json["items"], &json), (&expected["items"], &yaml));
    });
}

// proves: flag --all-namespaces
#[test]
fn status_with_rights_on_one_namespace_shows_that_one_and_says_so() {
    scenario("narrow", async |tenant| {
        upload(&tenant).await;
        let viewer = create_user(&tenant, "viewer", Some("almkey-view")).await;

        let shown = run(&viewer, &["status", "-A"]);
        assert_eq!(shown.code, 0);
        let lines: Vec<_> = shown.stdout.lines().collect();
        assert!(lines[0].starts_with("NAME   TENANT   READY") && lines[1].starts_with("calm   narrow   True"));
        assert_eq!(lines.len(), 2);
        assert_eq!(
            shown.stderr,
            "almkey: you may not list almtenants (role almkey-tenant-viewer): the tenants are left out\n\
             almkey: you may not list almservicekeys in all namespaces (role almkey-view): only the keys of namespace \
             \"narrow\" are shown\n"
        );
        let all = run(&tenant.bed.control_plane.kubeconfig("admin"), &["status", "-A"]);
        assert!(all.stdout.contains("\nNAMESPACE") && all.stdout.contains("\nnarrow "), "{}", all.stdout);
    });
}

#[test]
fn status_of_an_empty_namespace_says_so() {
    scenario("empty", async |tenant| {
        let shown = run_in(&tenant, &["status", "-o", "name", "-l", "no=tenant"]);
        assert_eq!((shown.code, shown.stdout.as_str()), (0, ""));
        assert_eq!(shown.stderr, "almkey: no ALMServiceKey found in namespace \"empty\"\n");
    });
}

// proves: flag --watch
#[test]
fn status_follows_what_changes_until_it_is_ended() {
    scenario("followed", async |tenant| {
        let viewer = create_user(&tenant, "viewer", Some("almkey-view")).await;
        let mut child = tokio::process::Command::from(command(&viewer, &["status", "-w"]))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("almkey can be started");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let mut await_line = async |words: [&str; 4]| {
            wait_for(&format!("the line {words:?}"), async {
                while let Some(line) = lines.next_line().await.expect("a line") {
                    if line.split_whitespace().take(4).eq(words) {
                        return;
                    }
                }
                panic!("almkey has ended");
            })
            .await;
        };
        tenant.apply_for_secret("calm", "pasted").await;
        await_line(["calm", "followed", "Unknown", "WaitingForSecret"]).await;
        tenant.write_secret("pasted", &tenant.make_key().await).await;
        await_line(["calm", "followed", "True", "Uploaded"]).await;
        child.kill().await.expect("it runs until it is ended");
    });
}

#[test]
fn a_followed_state_takes_the_place_of_the_one_before_on_a_terminal() {
    scenario("followed-at-terminal", async |tenant| {
        tenant.apply_for_secret("calm", "pasted").await;
        tenant.await_ready("calm", "Unknown", "WaitingForSecret").await;
        let folder = tempfile::tempdir().expect("a folder");
        let mut terminal = Terminal::start(&tenant, folder.path(), &["status", "-w"]);
        terminal.await_text("WaitingForSecret");
        tenant.write_secret("pasted", &tenant.make_key().await).await;
        terminal.await_text("\u{1b}[2J\u{1b}[H");
        terminal.await_text("Uploaded");
        terminal.interrupt();
    });
}
