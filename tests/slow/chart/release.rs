//! A release from its installation to its end: what an upgrade, a rollback and an uninstallation do to definitions and keys.

use serde_json::Value;
use testkit::bed::cluster::package;
use testkit::bed::{Setup, Tenant, TestBed};
use testkit::helm;
use testkit::names::NAMESPACE;

use super::run_uninstalled;
use crate::beds::report;

/// The previous version of the chart.
const PREVIOUS: &str = "tests/data/charts/alm-key-operator-0.1.0-alpha.1.tgz";

/// Returns a field of an object, as a `JSONPath` without braces names it.
fn field(bed: &TestBed, kind: &str, name: &str, path: &str) -> String {
    bed.kubectl(&["get", kind, name, "-n", NAMESPACE, "-o", &format!("jsonpath={{{path}}}")])
}

/// Returns the uids of both definitions.
fn definitions(bed: &TestBed) -> String {
    bed.kubectl(&[
        "get",
        "crd",
        "almtenants.almkey.dev",
        "almservicekeys.almkey.dev",
        "-o",
        "jsonpath={.items[*].metadata.uid}",
    ])
}

/// Returns replicas and chart of the Deployment.
fn deployed(bed: &TestBed) -> (String, String) {
    let chart = field(bed, "deployment", NAMESPACE, r".metadata.labels.helm\.sh/chart");
    (field(bed, "deployment", NAMESPACE, ".spec.replicas"), chart)
}

/// Returns true if the API server has an object.
fn exists(bed: &TestBed, kind: &str, name: &str) -> bool {
    !bed.kubectl(&["get", kind, name, "-n", NAMESPACE, "--ignore-not-found", "-o", "name"]).is_empty()
}

#[test]
fn an_upgrade_and_a_rollback_keep_definitions_and_keys_and_upload_nothing() {
    run_uninstalled(Setup::default(), async |bed| {
        bed.create_namespaces(&[]);
        bed.install_chart(&package().join(PREVIOUS), &[]);
        let old = bed.start_pod("old");
        let tenant = Tenant::create(&bed, "team-a", bed.client.clone()).await;
        let key = tenant.make_key().await;
        tenant.write_secret("pasted", &key).await;
        tenant.apply_for_secret("calm", "pasted").await;
        let uploaded = tenant.await_ready("calm", "True", "Uploaded").await;
        let uids = definitions(&bed);
        assert_eq!(deployed(&bed), ("2".into(), "alm-key-operator-0.1.0-alpha.1".into()));

        let chart = helm::chart().display().to_string();
        bed.helm(&["upgrade", NAMESPACE, &chart, "-n", NAMESPACE, "--set", "replicas=3"]);
        assert!(old.stop());
        let new = bed.start_pod("new");
        let same = tenant.reconcile_now("calm", "after the upgrade").await;
        assert_eq!(deployed(&bed), ("3".into(), format!("alm-key-operator-{}", env!("CARGO_PKG_VERSION"))));
        assert_eq!((definitions(&bed), &same.metadata.uid), (uids.clone(), &uploaded.metadata.uid));
        tenant.await_ready("calm", "True", "Uploaded").await;

        bed.helm(&["rollback", NAMESPACE, "1", "-n", NAMESPACE]);
        assert!(new.stop());
        let old = bed.start_pod("old-again");
        let same = tenant.reconcile_now("calm", "after the rollback").await;
        assert_eq!(deployed(&bed), ("2".into(), "alm-key-operator-0.1.0-alpha.1".into()));
        assert_eq!((definitions(&bed), same.metadata.uid), (uids, uploaded.metadata.uid));
        tenant.await_ready("calm", "True", "Uploaded").await;
        assert_eq!((tenant.slot_key().await, tenant.writes().await), (key, vec!["+Put".to_owned()]));
        assert!(old.stop());
        report("chart: upgraded and rolled back; definitions and key stay, and nothing is uploaded again");
    });
}

#[test]
fn an_uninstallation_keeps_the_keys_that_are_left_and_the_next_release_serves_them() {
    run_uninstalled(Setup::default(), async |bed| {
        bed.create_namespaces(&[]);
        bed.install_chart(&helm::chart(), &[]);
        let operator = bed.start_pod("first");
        let tenant = Tenant::create(&bed, "team-a", bed.client.clone()).await;
        let key = tenant.make_key().await;
        tenant.write_secret("pasted", &key).await;
        tenant.apply_for_secret("calm", "pasted").await;
        let uploaded = tenant.await_ready("calm", "True", "Uploaded").await;
        let uids = definitions(&bed);

        let printed = bed.helm(&["uninstall", NAMESPACE, "-n", NAMESPACE]);
        assert!(operator.stop());
        report(&printed);
        assert!(printed.contains("[CustomResourceDefinition] almservicekeys.almkey.dev"), "{printed}");
        for (kind, name) in [("deployment", NAMESPACE), ("clusterrole", NAMESPACE), ("serviceaccount", NAMESPACE)] {
            assert!(!exists(&bed, kind, name), "{kind} {name} is left");
        }
        let left = tenant.keys().get("calm").await.expect("the key is left");
        assert_eq!((definitions(&bed), &left.metadata.uid), (uids.clone(), &uploaded.metadata.uid));
        assert_eq!((tenant.slot_key().await, tenant.writes().await), (key, vec!["+Put".to_owned()]));

        // Without an operator, a deleted object waits.
        tenant.begin_deletion("calm").await;
        let waiting = tenant.keys().get("calm").await.expect("the finalizer keeps it");
        assert!(waiting.metadata.deletion_timestamp.is_some());

        bed.install_chart(&helm::chart(), &[]);
        let operator = bed.start_pod("second");
        tenant.await_gone("calm").await;
        assert_eq!(definitions(&bed), uids, "the new release takes over the definitions");
        assert_eq!(tenant.slot_key().await, Value::Null);
        assert!(operator.stop());
        report("chart: uninstalled with a key left, which stayed in the slot; removed after the next installation");
    });
}
