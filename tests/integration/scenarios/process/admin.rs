//! Probes, metrics, alerts, logs and flags, as a cluster admin sees them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::scenarios::alone;
use crate::scenarios::manual::{act, await_action, in_manual_mode};
use alm_key_operator::api::action::ActionOperation;
use testkit::bed::cluster::package;
use testkit::bed::operator::{Operator, program};
use testkit::bed::waiting::wait_for;
use testkit::bed::{Setup, Tenant, TestBed};

/// Prefixes of the names of all metrics: ours, and those that controller-runtime defines.
const METRIC_PREFIXES: [&str; 3] = ["almkey_", "controller_runtime_", "leader_election_"];

/// Metrics by name: kind, help, and the labels of all series.
type Metrics = BTreeMap<String, (String, String, BTreeSet<String>)>;

/// Parses the text of `/metrics`.
fn parse_metrics(text: &str) -> Metrics {
    let mut metrics = Metrics::new();
    for line in text.lines() {
        if let Some((name, help)) = line.strip_prefix("# HELP ").and_then(|rest| rest.split_once(' ')) {
            metrics.entry(name.into()).or_default().1 = help.trim_end_matches('.').into();
        } else if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' ')) {
            metrics.entry(name.into()).or_default().0 = kind.into();
        } else if let Some((series, _)) = line.rsplit_once(' ') {
            let (name, labels) = series.split_once('{').unwrap_or((series, ""));
            let name = ["_bucket", "_sum", "_count"]
                .iter()
                .find_map(|suffix| name.strip_suffix(suffix).filter(|name| metrics.contains_key(*name)))
                .unwrap_or(name);
            let labels = labels.trim_end_matches('}').split("\",").filter_map(|label| label.split_once('='));
            let labels = labels.map(|(label, _)| label.to_owned()).filter(|label| label != "le");
            metrics.get_mut(name).unwrap_or_else(|| panic!("{name} has no HELP")).2.extend(labels);
        }
    }
    metrics
}

/// Returns the value of a series, or zero if it does not exist.
fn value(text: &str, series: &str) -> f64 {
    let found = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' ')?.parse().ok());
    found.unwrap_or_default()
}

/// Waits until the text of `/metrics` meets a condition, and returns it.
async fn await_metrics(operator: &Operator, what: &str, wanted: impl Fn(&str) -> bool) -> String {
    wait_for(what, async {
        loop {
            let (status, text) = operator.admin("/metrics").await;
            assert_eq!(status, 200);
            if wanted(&text) {
                return text;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    })
    .await
}

/// Returns the cells of the table rows in docs/operations.md whose first cell begins with `prefix`.
fn documented_rows(prefix: &str) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(package().join("docs/operations.md")).expect("the page");
    let rows = text.lines().filter(|line| line.starts_with(&format!("| `{prefix}")));
    rows.map(|row| row.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect()).collect()
}

/// Returns the rows of the table of metrics in docs/operations.md.
fn documented_metrics() -> Vec<Vec<String>> {
    METRIC_PREFIXES.iter().flat_map(|prefix| documented_rows(prefix)).collect()
}

/// Lets the operator ask a person to replace a key that expires, and to delete the key of a deleted object. Returns the text
/// of `/metrics` that shows it.
async fn ask_a_person(bed: &TestBed, operator: &Operator) -> String {
    let tenant = Tenant::create_with(bed, "asked", bed.client.clone(), in_manual_mode).await;
    let (first, second) = (tenant.make_key().await, tenant.make_key().await);
    tenant.bind("plain", &first).await;
    tenant.apply_for_binding("calm", "plain").await;
    await_action(&tenant, "calm", ActionOperation::Upload, &first).await;
    act(&tenant, "calm", &first).await;
    tenant.keep_stale_copy("plain", &first, "48h").await;
    tenant.rotate_binding("plain", &second).await;
    await_action(&tenant, "calm", ActionOperation::Replace, &second).await;

    let tenant = Tenant::create_with(bed, "removed", bed.client.clone(), in_manual_mode).await;
    let key = tenant.make_key().await;
    tenant.write_secret("pasted", &key).await;
    tenant.apply_for_secret("calm", "pasted").await;
    await_action(&tenant, "calm", ActionOperation::Upload, &key).await;
    tenant.delete("calm").await;

    let requested = "almkey_service_key_action_requested_timestamp_seconds";
    let awaited = [
        &format!("{requested}{{namespace=\"asked\",name=\"calm\",operation=\"Replace\"}}"),
        "almkey_service_key_action_deadline_timestamp_seconds{namespace=\"asked\",name=\"calm\"}",
        "almkey_tenant_removal_requested_timestamp_seconds{tenant=\"removed\"}",
    ];
    await_metrics(operator, "the requests", |text| awaited.iter().all(|series| value(text, series) > 0.0)).await
}

// proves: metric almkey_uploads_total, metric almkey_deletes_total, metric almkey_adoptions_total, metric almkey_orphans_total
// proves: metric almkey_sign_ins_total, metric controller_runtime_reconcile_total
// proves: metric controller_runtime_reconcile_errors_total, metric controller_runtime_reconcile_time_seconds
// proves: metric almkey_remote_call_duration_seconds, metric almkey_service_key_ready, metric almkey_tenant_ready
// proves: metric almkey_service_key_verified_timestamp_seconds, metric almkey_service_key_interval_seconds
// proves: metric leader_election_master_status, metric almkey_build_info, metric almkey_releases_total
// proves: metric almkey_service_key_action_requested_timestamp_seconds
// proves: metric almkey_service_key_action_deadline_timestamp_seconds
// proves: metric almkey_tenant_removal_requested_timestamp_seconds
// proves: path /healthz, path /readyz, path /metrics, flag --admin-address, annotation almkey.dev/abandon
#[test]
fn metrics_count_the_events_of_a_key_and_are_the_documented_ones() {
    alone(Setup::default(), async |bed| {
        let operator = bed.operator.as_ref().expect("the operator runs");
        assert_eq!(operator.admin("/healthz").await, (200, "ok\n".into()));
        operator.await_ready().await;
        let tenant = Tenant::create(&bed, "counted", bed.client.clone()).await;
        let key = tenant.make_key().await;
        tenant.write_secret("pasted", &key).await;
        tenant.apply("calm", json!({ "source": { "secretRef": { "name": "pasted" } }, "interval": "7m" })).await;
        tenant.await_ready("calm", "True", "Uploaded").await;

        let ready =
            "almkey_service_key_ready{namespace=\"counted\",name=\"calm\",tenant=\"counted\",reason=\"Uploaded\"}";
        let object = "{namespace=\"counted\",name=\"calm\"}";
        let verified = format!("almkey_service_key_verified_timestamp_seconds{object}");
        let tenant_ready = "almkey_tenant_ready{tenant=\"counted\",reason=\"Connected\"}";
        let reconciled = "controller_runtime_reconcile_time_seconds_count{controller=\"almtenant\"}";
        // A reconciliation is counted after its status can be seen.
        let awaited = [ready, &verified, tenant_ready, "almkey_uploads_total", reconciled];
        let text =
            await_metrics(operator, "the upload", |text| awaited.iter().all(|series| value(text, series) > 0.0)).await;

        for (series, expected) in [
            ("almkey_uploads_total", 1.0),
            ("almkey_deletes_total", 0.0),
            ("leader_election_master_status{name=\"alm-key-operator\"}", 1.0),
            ("almkey_sign_ins_total{result=\"accepted\"}", 1.0),
            ("almkey_remote_call_duration_seconds_count{operation=\"put\",result=\"ok\"}", 1.0),
            ("almkey_service_key_interval_seconds{namespace=\"counted\",name=\"calm\"}", 420.0),
            ("controller_runtime_reconcile_errors_total{controller=\"almservicekey\"}", 0.0),
        ] {
            assert!((value(&text, series) - expected).abs() < f64::EPSILON, "{series} is not {expected}:\n{text}");
        }
        let age = jiff::Timestamp::now().as_duration().as_secs_f64() - value(&text, &verified);
        assert!((0.0..60.0).contains(&age), "verified {age} s ago");
        let text = ask_a_person(&bed, operator).await;
        let served = parse_metrics(&text).into_iter().map(|(name, (kind, help, labels))| {
            let labels = labels.iter().map(|label| format!("`{label}`")).collect::<Vec<_>>().join(", ");
            vec![format!("`{name}`"), kind, labels, help]
        });
        let mut table = documented_metrics();
        table.sort();
        assert_eq!(served.collect::<Vec<_>>(), table, "docs/operations.md must list the metrics of /metrics");

        tenant.delete("calm").await;
        // The cache of the operator may lag behind the deletion.
        let is_gone = |text: &str| !text.contains("namespace=\"counted\",name=\"calm\"");
        let is_counted = |text: &str| value(text, "almkey_deletes_total") > 0.0;
        let is_deleted = |text: &str| is_counted(text) && is_gone(text);
        await_metrics(operator, "the deletion, and no series of the object", is_deleted).await;
        tenant.fill_slot(&key, None).await;
        tenant.apply_for_secret("adopting", "pasted").await;
        await_metrics(operator, "the adoption", |text| value(text, "almkey_adoptions_total") > 0.0).await;
        tenant.fail("ReadSlot", json!({ "status": 503 })).await;
        tenant.begin_deletion("adopting").await;
        let object = tenant.keys().get("adopting").await.expect("its finalizer keeps it");
        tenant
            .patch("adopting", json!({ "metadata": { "annotations": { "almkey.dev/abandon": object.metadata.uid } } }))
            .await;
        await_metrics(operator, "the orphan", |text| value(text, "almkey_orphans_total") > 0.0).await;
    });
}

#[test]
fn each_alert_uses_existing_metrics_and_is_documented() {
    let text = std::fs::read_to_string(package().join("deploy/alerts.yaml")).expect("the alerts");
    let rules: Value = serde_yaml_ng::from_str(&text).expect("YAML");
    let metrics: BTreeSet<String> =
        documented_metrics().iter().map(|row| row[0].trim_matches('`').to_owned()).collect();
    let alerts = documented_rows("Almkey");
    let rules = rules["spec"]["groups"][0]["rules"].as_array().expect("rules");
    for rule in rules {
        let expression = rule["expr"].as_str().expect("an expression");
        let words = expression.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let named: Vec<_> =
            words.filter(|word| METRIC_PREFIXES.iter().any(|prefix| word.starts_with(prefix))).collect();
        assert!(!named.is_empty(), "{expression}");
        for name in named {
            assert!(metrics.contains(name), "{name} in {}", rule["alert"]);
        }
        let name = format!("`{}`", rule["alert"].as_str().unwrap_or_default());
        assert!(alerts.iter().any(|row| row[0] == name), "{name} is not in docs/operations.md");
    }
    assert_eq!(rules.len(), alerts.len(), "docs/operations.md lists alerts that do not exist");
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
        let mut objects = BTreeMap::new();
        for span in lines.iter().map(|line| &line["span"]).filter(|span| !span["reconcile_id"].is_null()) {
            let object = (span["kind"].clone(), span["namespace"].clone(), span["object"].clone());
            let first = objects.entry(span["reconcile_id"].to_string()).or_insert_with(|| object.clone());
            assert_eq!(*first, object, "one id belongs to one object");
        }
        assert!(objects.len() >= 3, "{objects:?}");
        assert!(lines.iter().all(|line| line["timestamp"].is_string() && line["message"].is_string()));
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
    assert_eq!(table(&flags), table(&documented_rows("--")), "docs/operations.md must list the flags of --help");
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
