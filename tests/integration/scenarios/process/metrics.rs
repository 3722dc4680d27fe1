//! Probes, metrics, and what is installed to watch them, as a cluster admin and Prometheus see them.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::scenarios::{alone, scenario};
use crate::tables;
use testkit::bed::manual::ask_a_person;
use testkit::bed::operator::Operator;
use testkit::bed::waiting::wait_for;
use testkit::bed::{Setup, Tenant};
use testkit::documented::{self, Shell};
use testkit::names::NAMESPACE;
use testkit::{monitoring, promtool};

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

/// The series of what a person was asked for.
const REQUESTED: [&str; 3] = [
    "almkey_service_key_action_requested_timestamp_seconds{namespace=\"asked\",name=\"calm\",operation=\"Replace\"}",
    "almkey_service_key_action_deadline_timestamp_seconds{namespace=\"asked\",name=\"calm\"}",
    "almkey_tenant_removal_requested_timestamp_seconds{tenant=\"removed\"}",
];
/// The series of a key in the slot that does not sign in.
const REFUSED: &str = "almkey_service_key_refused_since_timestamp_seconds{namespace=\"refused\",name=\"calm\"}";

/// Lets a key die that is in the slot, and waits until it is known to be refused.
async fn let_key_die(tenant: &Tenant<'_>) {
    let key = tenant.make_key().await;
    tenant.write_secret("pasted", &key).await;
    tenant.apply_for_secret("calm", "pasted").await;
    tenant.await_ready("calm", "True", "Uploaded").await;
    tenant.revoke(&key).await;
    tenant.reconcile_now("calm", "1").await;
    tenant.await_ready("calm", "False", "CredentialsRefused").await;
}

/// Lets promtool check the text of `/metrics`.
fn check_metrics(text: &str) {
    let mut command = promtool::command().expect("promtool");
    command.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut promtool = command.spawn().expect("promtool can be started");
    promtool.stdin.take().expect("its input").write_all(text.as_bytes()).expect("promtool reads");
    let output = promtool.wait_with_output().expect("promtool ends");
    let printed = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success() && printed.is_empty(), "promtool check metrics:\n{printed}");
}

/// Compares the text of `/metrics` with the documentation.
fn expect_documented(text: &str) {
    let served = parse_metrics(text).into_iter().map(|(name, (kind, help, labels))| {
        let labels = labels.iter().map(|label| format!("`{label}`")).collect::<Vec<_>>().join(", ");
        [format!("`{name}`"), kind, labels, help]
    });
    let rows = tables::metrics().into_iter();
    let mut table: Vec<_> = rows.map(|row| [row[0].clone(), row[1].clone(), row[3].clone(), row[4].clone()]).collect();
    table.sort();
    assert_eq!(served.collect::<Vec<_>>(), table, "docs/metrics.md must list the metrics of /metrics");
}

/// Deletes an object and abandons its key while Landscape Management does not answer.
async fn abandon_during_an_outage(tenant: &Tenant<'_>, name: &str) {
    tenant.fail("ReadSlot", json!({ "status": 503 })).await;
    tenant.begin_deletion(name).await;
    let uid = tenant.keys().get(name).await.expect("its finalizer keeps it").metadata.uid;
    tenant.annotate(name, "almkey.dev/abandon", &uid.expect("a uid")).await;
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
// proves: metric almkey_upload_delay_seconds, metric almkey_dead_key_duration_seconds
// proves: metric almkey_service_key_refused_since_timestamp_seconds
// proves: path /healthz, path /readyz, path /metrics, flag --admin-address, annotation almkey.dev/abandon
#[test]
fn metrics_count_the_events_of_a_key_and_are_the_documented_ones() {
    alone(Setup { arguments: &["--retry-period=250ms"], ..Setup::default() }, async |bed| {
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
            ("almkey_upload_delay_seconds_count", 1.0),
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
        let dying = Tenant::create(&bed, "refused", bed.client.clone()).await;
        let_key_die(&dying).await;
        ask_a_person(&bed).await;
        let all = [&REQUESTED[..], &[REFUSED]].concat();
        let text =
            await_metrics(operator, "all gauges", |text| all.iter().all(|series| value(text, series) > 0.0)).await;
        check_metrics(&text);
        expect_documented(&text);
        let follower = bed.start_replica("follower");
        follower.await_ready().await;
        check_metrics(&follower.admin("/metrics").await.1);

        dying.delete("calm").await;
        await_metrics(operator, "the end of the dead key, and no series of it", |text| {
            value(text, "almkey_dead_key_duration_seconds_count") > 0.0 && !text.contains(REFUSED)
        })
        .await;
        tenant.delete("calm").await;
        // The cache of the operator may lag behind the deletion.
        let is_gone = |text: &str| !text.contains("namespace=\"counted\",name=\"calm\"");
        let is_counted = |text: &str| value(text, "almkey_deletes_total") > 1.0;
        let is_deleted = |text: &str| is_counted(text) && is_gone(text);
        await_metrics(operator, "the deletion, and no series of the object", is_deleted).await;
        tenant.fill_slot(&key, None).await;
        tenant.apply_for_secret("adopting", "pasted").await;
        await_metrics(operator, "the adoption", |text| value(text, "almkey_adoptions_total") > 0.0).await;
        abandon_during_an_outage(&tenant, "adopting").await;
        await_metrics(operator, "the orphan", |text| value(text, "almkey_orphans_total") > 0.0).await;
    });
}

#[test]
fn the_podmonitor_the_alerts_and_the_dashboard_are_admitted_where_their_kinds_exist() {
    scenario("monitoring", async |tenant| {
        monitoring::install_kinds(tenant.bed);
        let shell = Shell::of_admin(tenant.bed);
        for apply in [
            documented::one("docs/operations.md#an-alert-fires-what-now", "deploy/monitoring"),
            documented::one("docs/metrics.md#metrics", "deploy/monitoring"),
        ] {
            apply.must_run(&shell, &[("--server-side", "--server-side --validate=strict")]);
        }

        let read = |kind: &str, name: &str| {
            let arguments = ["get", kind, name, "-n", NAMESPACE, "-o", "json"];
            serde_json::from_str::<Value>(&tenant.bed.kubectl(&arguments)).expect("JSON")
        };
        let (monitor, pod) = (read("podmonitor", "alm-key-operator"), read("deployment", "alm-key-operator"));
        let pod = &pod["spec"]["template"];
        let endpoint = &monitor["spec"]["podMetricsEndpoints"][0];
        assert_eq!(endpoint["honorLabels"], true);
        assert_eq!(endpoint["port"], pod["spec"]["containers"][0]["ports"][0]["name"]);
        assert_eq!(monitor["spec"]["selector"]["matchLabels"], pod["metadata"]["labels"]);
        assert_eq!(read("prometheusrule", "alm-key-operator")["spec"], monitoring::rules()["spec"]);
        let dashboard = read("configmap", "alm-key-operator-dashboard");
        assert_eq!(dashboard["metadata"]["labels"]["grafana_dashboard"], "1");
        let content = dashboard["data"]["dashboard.json"].as_str().expect("the dashboard");
        assert_eq!(serde_json::from_str::<Value>(content).expect("JSON"), monitoring::dashboard());
    });
}
