//! The values of the chart: each one has an effect, and no other is accepted.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;
use testkit::helm;

use crate::beds::report;

/// A value with another content than its default.
#[derive(Clone, Copy)]
struct Flip {
    value: &'static str,
    /// Other values that it has its effect with, as Helm's `--set-json` takes them.
    given: &'static [&'static str],
    json: &'static str,
    /// Text that is in the rendering with this content or in that with the default, and not in both.
    text: &'static str,
}

const fn flip(value: &'static str, json: &'static str, text: &'static str) -> Flip {
    Flip { value, given: &[], json, text }
}

const fn given(given: &'static [&'static str], flip: Flip) -> Flip {
    Flip { given, ..flip }
}

const POLICY: &[&str] = &["networkPolicy.enabled=true"];
const MONITOR: &[&str] = &["podMonitor.enabled=true"];
const RULES: &[&str] = &["prometheusRule.enabled=true"];
const DASHBOARD: &[&str] = &["grafanaDashboard.enabled=true"];
const PROXY: &[&str] = &[r#"egressProxy.url="http://proxy.example.com:3128""#];
const PROXY_SECRET: &[&str] =
    &[r#"egressProxy.url="http://proxy.example.com:3128""#, r#"egressProxy.credentials.secretName="proxy""#];
const CERTIFICATE: &str = r#""-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----""#;
const PEER: &str = r#"[{"namespaceSelector":{"matchLabels":{"kubernetes.io/metadata.name":"monitoring"}}}]"#;
const SPREAD: &str =
    r#"[{"maxSkew":2,"topologyKey":"topology.kubernetes.io/zone","whenUnsatisfiable":"DoNotSchedule"}]"#;

/// An entry for each value of the schema.
const FLIPS: &[Flip] = &[
    flip("namespaces", r#"["team-a","team-b"]"#, "- --namespaces=team-a,team-b\n"),
    flip("clusterResourceNamespace", r#""landscapes""#, "- --cluster-resource-namespace=landscapes\n"),
    flip("clusterID", r#""production""#, "- --cluster-id=production\n"),
    flip("image.repository", r#""registry.example.com/alm""#, "image: registry.example.com/alm:"),
    flip("image.tag", r#""2.0.0""#, "image: alm-key-operator:2.0.0\n"),
    flip(
        "image.digest",
        r#""sha256:0000000000000000000000000000000000000000000000000000000000000000""#,
        "image: alm-key-operator@sha256:0000000000000000000000000000000000000000000000000000000000000000\n",
    ),
    flip("image.pullPolicy", r#""Always""#, "imagePullPolicy: Always\n"),
    flip("imagePullSecrets", r#"[{"name":"registry"}]"#, "imagePullSecrets:\n        - name: registry\n"),
    flip("replicas", "3", "replicas: 3\n"),
    given(&["replicas=1"], flip("leaderElection.enabled", "false", "- --leader-elect=false\n")),
    flip("leaderElection.leaseDuration", r#""30s""#, "- --lease-duration=30s\n"),
    flip("leaderElection.renewDeadline", r#""9s""#, "- --renew-deadline=9s\n"),
    flip("leaderElection.retryPeriod", r#""1s""#, "- --retry-period=1s\n"),
    flip("log.filter", r#""debug""#, "- --log=debug\n"),
    flip("log.format", r#""text""#, "- --log-format=text\n"),
    flip("adminPort", "9090", "containerPort: 9090\n"),
    flip("egressProxy.url", r#""http://proxy.example.com:3128""#, "- --egress-proxy=http://proxy.example.com:3128\n"),
    given(PROXY, flip("egressProxy.exempt", r#"["*.svc","a"]"#, "- --egress-proxy-exempt=*.svc,a\n")),
    given(PROXY, flip("egressProxy.credentials.secretName", r#""proxy""#, "secretName: \"proxy\"\n")),
    given(
        PROXY_SECRET,
        flip("egressProxy.credentials.key", r#""login""#, "- --egress-proxy-credentials=/etc/egress-proxy/login\n"),
    ),
    flip("caBundle.certificates", CERTIFICATE, "ca.crt: |\n    -----BEGIN CERTIFICATE-----\n"),
    flip("caBundle.injectTrusted", "true", "config.openshift.io/inject-trusted-cabundle: \"true\"\n"),
    flip("crds.enabled", "false", "kind: CustomResourceDefinition\n"),
    flip("crds.keep", "false", "helm.sh/resource-policy: keep\n"),
    flip("userRoles.enabled", "false", "name: almkey-tenant-viewer\n"),
    flip("admissionPolicy.enabled", "true", "kind: ValidatingAdmissionPolicyBinding\n"),
    flip("podDisruptionBudget.enabled", "false", "kind: PodDisruptionBudget\n"),
    flip("networkPolicy.enabled", "true", "kind: NetworkPolicy\n"),
    given(POLICY, flip("networkPolicy.ingressFrom", PEER, "from:\n        - namespaceSelector:\n")),
    given(POLICY, flip("networkPolicy.egressTo", r#"[{"ipBlock":{"cidr":"10.0.0.0/8"}}]"#, "cidr: 10.0.0.0/8\n")),
    given(POLICY, flip("networkPolicy.egressPorts", "[3128]", "{port: 3128, protocol: TCP}\n")),
    flip("podMonitor.enabled", "true", "kind: PodMonitor\n"),
    given(MONITOR, flip("podMonitor.labels", r#"{"release":"prometheus"}"#, "release: prometheus\n")),
    given(MONITOR, flip("podMonitor.interval", r#""15s""#, "interval: 15s\n")),
    flip("prometheusRule.enabled", "true", "kind: PrometheusRule\n"),
    given(RULES, flip("prometheusRule.labels", r#"{"release":"prometheus"}"#, "release: prometheus\n")),
    flip("grafanaDashboard.enabled", "true", "name: alm-key-operator-dashboard\n"),
    given(DASHBOARD, flip("grafanaDashboard.labels", r#"{"dashboards":"sap"}"#, "dashboards: sap\n")),
    given(DASHBOARD, flip("grafanaDashboard.annotations", r#"{"grafana_folder":"SAP"}"#, "grafana_folder: SAP\n")),
    flip("commonLabels", r#"{"example.com/team":"sap"}"#, "example.com/team: sap\n"),
    flip("podLabels", r#"{"example.com/zone":"dmz"}"#, "example.com/zone: dmz\n"),
    flip("podAnnotations", r#"{"example.com/note":"x"}"#, "example.com/note: x\n"),
    flip("resources.requests", r#"{"cpu":"20m"}"#, "cpu: 20m\n"),
    flip("resources.limits", r#"{"memory":"256Mi"}"#, "memory: 256Mi\n"),
    flip("priorityClassName", r#""system-cluster-critical""#, "priorityClassName: \"system-cluster-critical\"\n"),
    flip("nodeSelector", r#"{"kubernetes.io/arch":"arm64"}"#, "kubernetes.io/arch: arm64\n"),
    flip("tolerations", r#"[{"key":"dedicated","operator":"Exists"}]"#, "key: dedicated\n"),
    flip("affinity.nodeAffinity", r#"{"requiredDuringSchedulingIgnoredDuringExecution":{}}"#, "nodeAffinity:\n"),
    flip("affinity.podAffinity", r#"{"requiredDuringSchedulingIgnoredDuringExecution":[]}"#, "podAffinity:\n"),
    flip("affinity.podAntiAffinity", r#"{"requiredDuringSchedulingIgnoredDuringExecution":[]}"#, "podAntiAffinity:\n"),
    flip("topologySpreadConstraints", SPREAD, "topologyKey: topology.kubernetes.io/zone\n"),
];

fn schema() -> Value {
    let text = fs::read_to_string(helm::chart().join("values.schema.json")).expect("the schema");
    serde_json::from_str(&text).expect("JSON")
}

/// Adds the paths of all values of a schema, and of all groups of values.
fn collect(schema: &Value, path: &str, values: &mut BTreeSet<String>, groups: &mut BTreeSet<String>) {
    match schema["properties"].as_object() {
        None => drop(values.insert(path.to_owned())),
        Some(properties) => {
            groups.insert(path.to_owned());
            // Helm itself passes `global` on to a chart.
            for (name, property) in properties.iter().filter(|(name, _)| *name != "global") {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                collect(property, &path, values, groups);
            }
        }
    }
}

fn render(values: &[&str]) -> Result<String, String> {
    let arguments: Vec<&str> = values.iter().flat_map(|value| ["--set-json", value]).collect();
    helm::render(&arguments)
}

#[test]
fn each_value_of_the_chart_changes_the_rendering() {
    let (mut values, mut groups) = (BTreeSet::new(), BTreeSet::new());
    collect(&schema(), "", &mut values, &mut groups);
    let tested: BTreeSet<String> = FLIPS.iter().map(|flip| flip.value.to_owned()).collect();
    assert_eq!(tested, values, "left: the values of this test; right: those of the schema");

    for Flip { value, given, json, text } in FLIPS {
        let set = format!("{value}={json}");
        let before = render(given).unwrap_or_else(|error| panic!("{given:?}: {error}"));
        let after = render(&[*given, &[set.as_str()]].concat()).unwrap_or_else(|error| panic!("{set}: {error}"));
        let found = (before.contains(text), after.contains(text));
        assert!(found.0 != found.1, "{set}: {text:?} was {found:?} in the rendering before and after:\n{after}");
    }
    report(&format!("chart: {} values, each with an effect", FLIPS.len()));
}

#[test]
fn a_value_that_the_chart_does_not_know_is_refused_at_every_level() {
    let (mut values, mut groups) = (BTreeSet::new(), BTreeSet::new());
    collect(&schema(), "", &mut values, &mut groups);

    for group in groups {
        let path = if group.is_empty() { "unknown".to_owned() } else { format!("{group}.unknown") };
        let refused = render(&[&format!("{path}=true")]).expect_err(&path);
        assert!(refused.contains("additional properties 'unknown' not allowed"), "{path}: {refused}");
    }
}

#[test]
fn values_that_exclude_each_other_are_refused_with_their_names() {
    let certificates = format!("caBundle.certificates={CERTIFICATE}");
    let private_key = r#"caBundle.certificates="-----BEGIN CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\nCANARY""#;
    let cases: [(&[&str], &str); 9] = [
        (&["leaderElection.enabled=false"], "replicas: "),
        (&[r#"egressProxy.exempt=["a"]"#], "egressProxy.exempt: "),
        (&[r#"egressProxy.credentials.secretName="a""#], "egressProxy.credentials.secretName: "),
        (&["caBundle.injectTrusted=true", &certificates], "caBundle.certificates: "),
        (&[private_key], "caBundle.certificates: it contains a private key"),
        (&[r#"caBundle.certificates="CANARY""#], "caBundle.certificates: expected certificates"),
        (&[r#"namespaces=["*"]"#], "namespaces/0"),
        (&[r#"egressProxy.url="https://proxy.example.com""#], "egressProxy.url: "),
        (&[r#"egressProxy.url="http://user:CANARY@proxy.example.com""#], "egressProxy.url: "),
    ];
    for (values, named) in cases {
        let refused = render(values).expect_err(named);
        assert!(refused.contains(named), "{values:?}: {refused}");
        assert!(!refused.contains("CANARY"), "a password is printed: {refused}");
    }
}

#[test]
fn helm_lint_finds_nothing() {
    let home = tempfile::tempdir().expect("a folder");
    let mut lint = helm::command(home.path()).expect("Helm");
    let output = lint.args(["lint", "--strict"]).arg(helm::chart()).output().expect("Helm can be started");
    let printed = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{printed}");
    let findings = printed.lines().filter(|line| line.starts_with("[WARNING]") || line.starts_with("[ERROR]"));
    assert_eq!(findings.count(), 0, "{printed}");
    report(&printed);
}
