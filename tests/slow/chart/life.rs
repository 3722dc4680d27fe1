//! The operator as a process with exactly the arguments, the environment, the token and the roles of the chart.

use serde_json::Value;
use testkit::bed::{Setup, Tenant, TestBed};
use testkit::helm;
use xtask::rights::verdict::Verdict;
use xtask::rights::{Mode, declared, requests};

use super::run_uninstalled;
use crate::beds::report;

fn setup() -> Setup {
    Setup { audit: true, ..Setup::default() }
}

/// Starts two replicas as the Deployment says, and lets a key live with the first one as the leader.
async fn live(bed: &TestBed, name: &str, mode: Mode) {
    let mut leader = bed.start_pod("leader");
    leader.await_ready().await;
    let follower = bed.start_pod("follower");
    follower.await_ready().await;
    let tenant = Tenant::create(bed, name, bed.client.clone()).await;
    let (old, new) = (tenant.make_key().await, tenant.make_key().await);

    tenant.bind("calm-key", &old).await;
    tenant.apply_for_binding("calm", "calm-key").await;
    tenant.await_ready("calm", "True", "Uploaded").await;
    assert_eq!(tenant.slot_key().await, old);
    tenant.rotate_binding("calm-key", &new).await;
    tenant.await_uploaded("calm", &new).await;
    assert_eq!(tenant.slot_key().await, new);

    // The other replica takes over, and finishes the life.
    leader.signal("TERM");
    assert!(leader.wait_exit().is_some_and(|status| status.success()), "the leader ends by itself");
    tenant.unbind("calm-key", &new).await;
    tenant.await_ready("calm", "False", "SourceGone").await;
    assert_eq!(tenant.slot_key().await, Value::Null);
    tenant.delete("calm").await;
    assert_eq!(tenant.writes().await, ["+Put", "+Put", "+Delete"]);
    assert!(follower.stop());

    let log = bed.control_plane.audit_log().expect("the API server writes an audit log");
    let requests = requests::of_log("the chart", log);
    assert!(requests.len() > 20, "the audit log misses the operator");
    let verdict = Verdict::of(declared::of(mode), &requests);
    assert!(verdict.wrong.is_empty(), "{:#?}", verdict.wrong);
    report(&format!(
        "chart, {}: a key's whole life, {} requests to the API server, none denied",
        mode.name(),
        requests.len()
    ));
}

#[test]
fn an_operator_run_as_the_chart_says_lives_a_keys_whole_life_in_all_namespaces() {
    run_uninstalled(setup(), async |bed| {
        bed.create_namespaces(&[]);
        bed.install_chart(&helm::chart(), &[]);
        live(&bed, "team-a", Mode::ClusterWide).await;
    });
}

#[test]
fn an_operator_run_as_the_chart_says_lives_a_keys_whole_life_in_single_namespaces() {
    run_uninstalled(setup(), async |bed| {
        bed.create_namespaces(&["team-a", "team-b"]);
        bed.install_chart(&helm::chart(), &["--set", "namespaces={team-a,team-b}"]);
        live(&bed, "team-a", Mode::NamespaceScoped).await;
    });
}
