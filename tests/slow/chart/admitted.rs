//! The judgement of the API server on the rendered manifests: its OpenAPI, strict validation, Pod Security, and a policy
//! like OpenShift's `restricted-v2`.

use std::fs;

use serde_json::{Value, json};
use testkit::bed::cluster::package;
use testkit::bed::waiting::wait_for;
use testkit::bed::{Setup, TestBed};
use testkit::helm;
use testkit::monitoring;

use super::openapi::OpenApi;
use super::run_uninstalled;
use crate::beds::report;

/// Values with which the chart renders every object and every part of the Deployment.
const EVERYTHING: &[&str] = &[
    "namespaces={team-a,team-b}",
    "clusterResourceNamespace=landscapes",
    "clusterID=production",
    "image.digest=sha256:0000000000000000000000000000000000000000000000000000000000000000",
    "imagePullSecrets[0].name=registry",
    "leaderElection.leaseDuration=30s",
    "log.filter=debug",
    "egressProxy.url=http://proxy.example.com:3128",
    "egressProxy.exempt={*.svc.cluster.local}",
    "egressProxy.credentials.secretName=egress-proxy",
    "caBundle.injectTrusted=true",
    "admissionPolicy.enabled=true",
    "networkPolicy.enabled=true",
    "networkPolicy.ingressFrom[0].namespaceSelector.matchLabels.team=monitoring",
    "networkPolicy.egressTo[0].ipBlock.cidr=10.0.0.0/8",
    "podMonitor.enabled=true",
    "podMonitor.interval=30s",
    "podMonitor.labels.release=prometheus",
    "prometheusRule.enabled=true",
    "grafanaDashboard.enabled=true",
    "grafanaDashboard.annotations.grafana_folder=SAP",
    "commonLabels.team=sap",
    "podLabels.zone=dmz",
    "podAnnotations.note=x",
    "nodeSelector.zone=a",
    "tolerations[0].key=dedicated",
    "tolerations[0].operator=Exists",
];
/// The forms of an installation, with values as Helm's `--set` takes them.
const FORMS: [(&str, &[&str]); 3] =
    [("default", &[]), ("single namespaces", &["namespaces={team-a,team-b}"]), ("everything", EVERYTHING)];
/// A namespace in which both kinds of restriction are enforced.
const NAMESPACE: &str = "restricted";

fn render(values: &[&str]) -> String {
    let arguments: Vec<&str> = values.iter().flat_map(|value| ["--set", value]).collect();
    helm::render(&arguments).unwrap_or_else(|error| panic!("{error}"))
}

/// Applies a file with further arguments, and returns if that succeeded, and the warnings or the error.
fn apply(bed: &TestBed, manifests: &str, arguments: &[&str]) -> (bool, String) {
    let file = bed.control_plane.directory().join("manifests.yaml");
    fs::write(&file, manifests).expect("a file");
    let mut kubectl = bed.control_plane.kubectl("admin");
    kubectl.args(["apply", "--server-side", "--validate=strict", "-f"]).arg(&file).args(arguments);
    let output = kubectl.output().expect("kubectl can be started");
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn the_manifests_fit_the_servers_openapi_and_are_applied_strictly_without_a_warning() {
    run_uninstalled(Setup { bindings: false, ..Setup::default() }, async |bed| {
        monitoring::install_kinds(&bed);
        bed.create_namespaces(&["team-a", "team-b", "2024", "landscapes"]);
        let mut openapi = OpenApi::of(&bed);
        for (form, values) in FORMS {
            let manifests = render(values);
            let objects = helm::objects(&manifests);
            for object in &objects {
                assert_eq!(openapi.findings(object), Vec::<String>::new(), "{form}");
            }
            assert_eq!(apply(&bed, &manifests, &["--dry-run=server"]), (true, String::new()), "{form}");
            report(&format!("{form}: {} objects fit the OpenAPI of the API server, no warning", objects.len()));
        }
        let numeric = helm::render(&["--set-json", r#"namespaces=["2024"]"#]).expect("the rendering");
        assert_eq!(apply(&bed, &numeric, &["--dry-run=server"]), (true, String::new()), "a name that is a number");
        // Both checks notice a misspelt field.
        let misspelt = render(&[]).replace("terminationGracePeriodSeconds:", "terminationGracePeriod:");
        let findings = helm::objects(&misspelt).iter().flat_map(|object| openapi.findings(object)).count();
        assert_ne!(findings, 0);
        assert!(!apply(&bed, &misspelt, &["--dry-run=server"]).0);
    });
}

/// Returns the pod of a form of the installation, with another container or pod specification.
fn pod(name: &str, values: &[&str], change: impl FnOnce(&mut Value)) -> String {
    let objects = helm::objects(&render(values));
    let deployment = objects.iter().find(|object| object["kind"] == "Deployment").expect("a Deployment");
    let mut spec = deployment["spec"]["template"]["spec"].clone();
    change(&mut spec);
    let metadata = json!({ "name": name, "namespace": NAMESPACE });
    json!({ "apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec }).to_string()
}

#[test]
fn pods_are_admitted_by_pod_security_restricted_and_by_a_policy_like_openshifts() {
    run_uninstalled(Setup { bindings: false, ..Setup::default() }, async |bed| {
        let labels = json!({
            "pod-security.kubernetes.io/enforce": "restricted", "pod-security.kubernetes.io/warn": "restricted",
            "tests.almkey.dev/security-context-constraints": "restricted-v2",
        });
        let namespace = json!({
            "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": NAMESPACE, "labels": labels },
        });
        bed.control_plane.apply(&namespace.to_string()).expect("the namespace can be created");
        let policy = package().join("tests/data/openshift-restricted-v2.yaml");
        bed.control_plane.apply(&fs::read_to_string(policy).expect("the policy")).expect("it can be applied");
        // Pod Security admits a user of its own, OpenShift does not. The policy takes effect after a while.
        let with_user = pod("with-user", &[], |spec| spec["securityContext"]["runAsUser"] = json!(65532));
        let refusal = wait_for("the policy in effect", async {
            loop {
                let (admitted, answer) = apply(&bed, &with_user, &["--dry-run=server"]);
                if !admitted {
                    return answer;
                }
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
        })
        .await;
        assert!(refusal.contains("outside the range of the namespace are refused"), "{refusal}");
        let on_host = pod("on-host", &[], |spec| spec["hostNetwork"] = json!(true));
        let (admitted, refusal) = apply(&bed, &on_host, &["--dry-run=server"]);
        assert!(!admitted && refusal.contains("violates PodSecurity \"restricted"), "{refusal}");

        for (number, (form, values)) in FORMS.iter().enumerate() {
            let pod = pod(&format!("pod-{number}"), values, |_| {});
            assert_eq!(apply(&bed, &pod, &[]), (true, String::new()), "{form}");
        }
        report("chart: pods admitted by Pod Security restricted and by a policy like restricted-v2");
    });
}
