//! Logs and flags, as a cluster admin sees them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::scenarios::alone;
use crate::tables;
use testkit::bed::cluster::package;
use testkit::bed::operator::program;
use testkit::bed::{Setup, Tenant};

/// The documented fields of lines about a failure, of which a run without one has none.
const FIELDS_OF_FAILURES: [&str; 2] = ["error", "cause"];

/// Returns the fields of log lines that docs/operations.md lists.
fn documented_fields() -> Vec<String> {
    let page = std::fs::read_to_string(package().join("docs/operations.md")).expect("the page");
    let section = page.split("\n## Logs\n").nth(1).and_then(|rest| rest.split("\n## ").next()).expect("the section");
    let rows = section.lines().filter(|line| line.starts_with("| `")).filter_map(|row| row.split(" | ").next());
    let fields = rows.flat_map(|cell| cell.split('`').skip(1).step_by(2)).map(str::to_owned).collect::<Vec<_>>();
    assert!(fields.len() >= 12, "{fields:?}");
    fields
}

/// Fails if a line of a reconciliation has no id, or if one id belongs to two objects.
fn expect_ids(lines: &[Value]) {
    // A watch is not a part of a reconciliation.
    let is_of_a_reconciliation = |line: &&Value| {
        let target = line["target"].as_str().unwrap_or_default();
        target.starts_with("alm_key_operator::controller::") && !target.contains("watch")
    };
    let without_id: Vec<_> =
        lines.iter().filter(is_of_a_reconciliation).filter(|line| line["span"]["reconcile_id"].is_null()).collect();
    assert!(without_id.is_empty(), "{without_id:#?}");
    let mut objects = BTreeMap::new();
    for span in lines.iter().map(|line| &line["span"]).filter(|span| !span["reconcile_id"].is_null()) {
        let object = (span["kind"].clone(), span["namespace"].clone(), span["object"].clone());
        let first = objects.entry(span["reconcile_id"].to_string()).or_insert_with(|| object.clone());
        assert_eq!(*first, object, "one id belongs to one object");
    }
    assert!(objects.len() >= 3, "{objects:?}");
    assert!(lines.iter().all(|line| line["timestamp"].is_string() && line["message"].is_string()));
}

/// Fails if a documented field is in no line.
fn expect_documented_fields(lines: &[Value]) {
    for field in documented_fields() {
        let pointer = format!("/{}", field.replace('.', "/"));
        let is_logged = lines.iter().any(|line| line.pointer(&pointer).is_some());
        assert!(is_logged || FIELDS_OF_FAILURES.contains(&field.as_str()), "no line has the documented {field}");
    }
}

// proves: flag --log-format, flag --log
#[test]
fn every_log_line_of_a_reconciliation_has_its_id_and_its_object() {
    let arguments = &["--leader-elect=false", "--log-format=json"];
    alone(Setup { arguments, log: "trace", ..Setup::default() }, async |bed| {
        let tenant = Tenant::create(&bed, "logged", bed.client.clone()).await;
        // One after the other, because the key that signs in first gets the slot.
        for (name, ready, reason) in [("calm", "True", "Uploaded"), ("second", "False", "NotSlotOwner")] {
            tenant.write_secret(name, &tenant.make_key().await).await;
            tenant.apply_for_secret(name, name).await;
            tenant.await_ready(name, ready, reason).await;
        }
        let operator = bed.operator.as_ref().expect("the operator runs");
        operator.await_lines("verdict changed", 2);

        let log = std::fs::read_to_string(&operator.log).expect("its log");
        let whole = &log[..log.rfind('\n').expect("a whole line")];
        let parse = |line| serde_json::from_str::<Value>(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        let lines: Vec<Value> = whole.lines().map(parse).collect();
        let uploaded = lines.iter().find(|line| line["effect"] == "KeyUploaded").expect("the upload is logged");
        for (field, expected) in [
            ("/level", "INFO"),
            ("/span/kind", "ALMServiceKey"),
            ("/span/namespace", "logged"),
            ("/span/object", "calm"),
            ("/span/tenant", "logged"),
            ("/message", "put the proven key into Landscape Management"),
        ] {
            assert_eq!(uploaded.pointer(field), Some(&json!(expected)), "{field} of {uploaded}");
        }
        let verdict = lines.iter().find(|line| line["reason"] == "NotSlotOwner").expect("the verdict is logged");
        assert_eq!((&verdict["span"]["object"], &verdict["ready"]), (&json!("second"), &json!("False")));
        let of_the_upload: Vec<_> =
            lines.iter().filter(|line| line["span"]["reconcile_id"] == uploaded["span"]["reconcile_id"]).collect();
        assert!(
            of_the_upload.iter().all(|line| line["span"]["object"] == "calm" && line["span"]["tenant"] == "logged")
        );
        let is_foreign =
            |line: &&&Value| line["target"].as_str().is_some_and(|target| !target.starts_with("alm_key_operator"));
        assert!(of_the_upload.iter().any(|line| is_foreign(&line)), "lines of kube and reqwest have the id too");
        expect_ids(&lines);
        expect_documented_fields(&lines);
    });
}

/// Parses the flags of `almkey operator --help`: name, environment variable, default, meaning.
fn parse_flags() -> Vec<Vec<String>> {
    let output = program("almkey").args(["operator", "--help"]).output().expect("the command runs");
    let help = String::from_utf8(output.stdout).expect("text");
    let blocks = help.split("\n      --").skip(1);
    let flags = blocks.map(|block| {
        let (head, rest) = block.split_once('\n').expect("a flag and its meaning");
        let name = head.split([' ', '[']).next().unwrap_or_default();
        let text = rest.lines().next().unwrap_or_default().trim();
        let (meaning, tags) = text.split_once(" [env: ").unwrap_or((text, ""));
        let (env, tags) = tags.split_once(']').unwrap_or((tags, ""));
        let env = env.trim_end_matches('=');
        let default = tags.split_once("[default: ").and_then(|(_, default)| default.split("] [").next());
        let default = default.map(|default| format!("`{}`", default.strip_suffix(']').unwrap_or(default)));
        let default = default.unwrap_or_default();
        vec![format!("`--{name}`"), format!("`{env}`"), default, meaning.into()]
    });
    flags.collect()
}

#[test]
fn each_flag_of_the_operator_is_documented_and_has_an_environment_variable() {
    let flags = parse_flags();
    assert!(flags.len() >= 9, "{flags:#?}");
    for flag in &flags {
        let name = flag[0].trim_matches(['`', '-']).to_uppercase().replace('-', "_");
        assert_eq!(flag[1], format!("`ALMKEY_{name}`"));
    }
    let table = |rows: &[Vec<String>]| rows.iter().map(|row| format!("| {} |", row.join(" | "))).collect::<Vec<_>>();
    assert_eq!(
        table(&flags),
        table(&tables::rows("operations.md", "--")),
        "docs/operations.md must list the flags of --help"
    );
}

// proves: flag --lease-duration
#[test]
fn an_environment_variable_does_what_its_flag_does() {
    let mut command = program("almkey");
    let output = command.arg("operator").env("ALMKEY_LEASE_DURATION", "1500ms").output().expect("the command runs");
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(
        message.contains("--lease-duration must be a whole number of seconds, at least 1s, and is 1.5s"),
        "{message}"
    );
}
