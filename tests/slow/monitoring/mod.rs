//! The dashboard and the alerts, evaluated by a real Prometheus that scrapes a leader and a follower while things happen.

mod scene;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::beds::{report, run_with_bed};
use scene::Scene;
use testkit::bed::waiting::{WAIT_LIMIT, wait_for};
use testkit::bed::{Setup, TestBed};
use testkit::monitoring;
use testkit::prometheus::Prometheus;

/// The values that stand for Grafana's variables: all namespaces and tenants, and a window that contains the whole run.
const VARIABLES: [(&str, &str); 3] = [("$__rate_interval", "10m"), ("$namespace", ".*"), ("$tenant", ".*")];
const POLL: Duration = Duration::from_millis(500);

/// Replaces Grafana's variables.
fn substitute(expression: &str) -> String {
    let query = VARIABLES.iter().fold(expression.to_owned(), |query, (name, value)| query.replace(name, value));
    assert!(!query.contains('$'), "{expression}: a variable has no value here");
    query
}

/// Runs a query until it returns data or `deadline` has passed. Returns the number of samples.
async fn await_samples(prometheus: &Prometheus, query: &str, deadline: Instant) -> usize {
    loop {
        let count = prometheus.count_samples(query).await;
        if count > 0 || Instant::now() > deadline {
            return count;
        }
        tokio::time::sleep(POLL).await;
    }
}

/// Runs each query of the dashboard, and prints it with the number of its samples. Returns those without any.
async fn run_dashboard(prometheus: &Prometheus) -> Vec<String> {
    let deadline = Instant::now() + WAIT_LIMIT;
    let mut empty = Vec::new();
    let queries = monitoring::panel_queries();
    for query in &queries {
        let substituted = substitute(&query.expression);
        let count = await_samples(prometheus, &substituted, deadline).await;
        report(&format!("dashboard: {count:>3} samples: {} / {}: {substituted}", query.row, query.panel));
        if count == 0 {
            empty.push(format!("{}: {substituted}", query.panel));
        }
    }
    let variables = monitoring::variable_queries();
    for (metric, label) in &variables {
        let values = prometheus.label_values(metric, label).await.len();
        report(&format!("dashboard: {values:>3} values:  label_values({metric}, {label})"));
        if values == 0 {
            empty.push(format!("label_values({metric}, {label})"));
        }
    }
    report(&format!("monitoring: {} queries of panels, {} of variables", queries.len(), variables.len()));
    empty
}

/// Waits until an alert is in this state, and every alert was evaluated without an error.
async fn await_alert(prometheus: &Prometheus, name: &str, state: &str) {
    wait_for(&format!("{name} to be {state}"), async {
        loop {
            let alerts = prometheus.alerts().await;
            let failed: Vec<_> = alerts.iter().filter(|alert| alert["health"] == "err").collect();
            assert!(failed.is_empty(), "{failed:#?}");
            let is_in_state = alerts.iter().any(|alert| alert["name"] == name && alert["state"] == state);
            if is_in_state && alerts.iter().all(|alert| alert["health"] == "ok") {
                return;
            }
            tokio::time::sleep(POLL).await;
        }
    })
    .await;
    report(&format!("monitoring: {name} is {state}"));
}

fn names(alerts: &[serde_json::Value], name: &str) -> BTreeSet<String> {
    alerts.iter().map(|alert| alert[name].as_str().expect("a name").to_owned()).collect()
}

async fn evaluate(bed: &mut TestBed) {
    let follower = bed.start_replica("follower");
    let leader = bed.operator.as_ref().expect("the operator runs");
    leader.await_ready().await;
    follower.await_ready().await;
    let targets = [leader.admin_address(), follower.admin_address()];
    let prometheus = Prometheus::start(bed.control_plane.directory(), &targets).await;
    let both = "count(leader_election_master_status) == 2";
    let deadline = Instant::now() + WAIT_LIMIT;
    assert_eq!(await_samples(&prometheus, both, deadline).await, 1, "two replicas are scraped before anything happens");

    Scene::play(bed).await;

    let empty = run_dashboard(&prometheus).await;
    assert!(empty.is_empty(), "these queries return no data:\n{}", empty.join("\n"));
    await_alert(&prometheus, "AlmkeyOrphan", "firing").await;
    let loaded = prometheus.alerts().await;
    assert_eq!(names(&loaded, "name"), names(&monitoring::alerts(), "alert"));
    assert!(bed.operator.take().is_some_and(testkit::bed::operator::Operator::stop), "the leader stops in order");
    assert!(follower.stop(), "the follower stops in order");
    await_alert(&prometheus, "AlmkeyNoLeader", "pending").await;
}

#[test]
fn each_query_of_the_dashboard_returns_data_and_each_alert_is_evaluated() {
    let arguments = &["--retry-period=500ms"];
    run_with_bed(Setup { arguments, ..Setup::default() }, async |mut bed| evaluate(&mut bed).await);
}
