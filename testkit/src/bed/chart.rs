//! The operator as the Helm chart installs it: a process with the arguments, the environment and the token that the
//! Deployment in the cluster gives to its pods.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::TestBed;
use super::operator::Operator;
use crate::helm;
use crate::names::NAMESPACE;

/// Address in place of the pod's own, on a port that is free.
const ADMIN_ADDRESS: &str = "127.0.0.1:0";

impl TestBed {
    /// Returns a command that runs Helm as the cluster admin.
    pub fn helm_command(&self) -> Command {
        let mut command = helm::command(self.control_plane.directory()).unwrap_or_else(|error| panic!("{error}"));
        command.env("KUBECONFIG", self.control_plane.kubeconfig("admin"));
        command
    }

    /// Runs Helm as the cluster admin and returns its output.
    pub fn helm(&self, arguments: &[&str]) -> String {
        let output = self.helm_command().args(arguments).output().expect("Helm can be started");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "helm {arguments:?} failed: {errors}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Creates the operator's namespace, which enforces restricted pods, and these namespaces.
    pub fn create_namespaces(&self, names: &[&str]) {
        let restricted = json!({ "pod-security.kubernetes.io/enforce": "restricted" });
        let namespace = |name: &str, labels: Value| json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name, "labels": labels } });
        let own = std::iter::once(namespace(NAMESPACE, restricted));
        let items: Vec<_> = own.chain(names.iter().map(|name| namespace(name, json!({})))).collect();
        let list = json!({ "apiVersion": "v1", "kind": "List", "items": items });
        self.control_plane.apply(&list.to_string()).expect("the namespaces can be created");
    }

    /// Installs a chart as the release `alm-key-operator`, with further arguments of `helm install`. Returns what Helm
    /// printed. It does not wait for pods, which no kubelet starts here.
    pub fn install_chart(&self, chart: &Path, arguments: &[&str]) -> String {
        let chart = chart.display().to_string();
        self.helm(&[&["install", NAMESPACE, &chart, "-n", NAMESPACE], arguments].concat())
    }

    /// Creates a pod of the Deployment in the cluster, and starts its process as a kubelet would.
    ///
    /// The process differs from a container in two points: it listens on a free port of the loopback interface, and it
    /// finds its token, which is bound to the pod, in a kubeconfig instead of a mounted volume.
    pub fn start_pod(&self, name: &str) -> Operator {
        let deployment = self.object("deployment", NAMESPACE);
        let template = &deployment["spec"]["template"];
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": { "name": name, "namespace": NAMESPACE, "labels": template["metadata"]["labels"] },
            "spec": template["spec"],
        });
        self.control_plane.apply(&pod.to_string()).expect("the pod is admitted");
        let pod = self.object("pod", name);
        let token = self.bound_token(&pod);
        let kubeconfig = self.control_plane.kubeconfig_with(&format!("pod-{name}"), &token).expect("a kubeconfig");
        let container = &pod["spec"]["containers"][0];
        let environment = environment(container, &pod);
        let arguments = arguments(container, &environment);
        let [command, arguments @ ..] = arguments.as_slice() else { panic!("the container has no arguments") };
        assert_eq!(command, "operator", "the command that the container runs");
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let environment: Vec<(&str, &str)> =
            environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        Operator::start(self.setup.build, &kubeconfig, self.control_plane.directory(), name, &arguments, &environment)
    }

    /// Requests a token of the pod's service account as its projected volume does: bound to the pod, with its lifetime.
    fn bound_token(&self, pod: &Value) -> String {
        let volumes = pod["spec"]["volumes"].as_array().expect("volumes");
        let sources = volumes.iter().filter_map(|volume| volume["projected"]["sources"].as_array()).flatten();
        let tokens: Vec<_> = sources.map(|source| &source["serviceAccountToken"]).filter(|it| !it.is_null()).collect();
        let [token] = tokens[..] else { panic!("one volume holds one token, not {tokens:?}") };
        assert_eq!(token["path"], "token", "the file that clients read");
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let lifetime = format!("{}s", token["expirationSeconds"]);
        let account = text(&pod["spec"]["serviceAccountName"]);
        let (name, uid) = (text(&pod["metadata"]["name"]), text(&pod["metadata"]["uid"]));
        let created = self.kubectl(&[
            "create",
            "token",
            &account,
            "-n",
            NAMESPACE,
            "--duration",
            &lifetime,
            "--bound-object-kind",
            "Pod",
            "--bound-object-name",
            &name,
            "--bound-object-uid",
            &uid,
        ]);
        created.trim().to_owned()
    }

    fn object(&self, kind: &str, name: &str) -> Value {
        let json = self.kubectl(&["get", kind, name, "-n", NAMESPACE, "-o", "json"]);
        serde_json::from_str(&json).expect("JSON")
    }
}

/// Returns the environment of a container.
fn environment(container: &Value, pod: &Value) -> BTreeMap<String, String> {
    let variable = |variable: &Value| {
        let value = match variable["valueFrom"]["fieldRef"]["fieldPath"].as_str() {
            None => &variable["value"],
            Some("metadata.namespace") => &pod["metadata"]["namespace"],
            Some(other) => panic!("the bed does not know the field {other}"),
        };
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        (text(&variable["name"]), text(value))
    };
    container["env"].as_array().into_iter().flatten().map(variable).collect()
}

/// Returns the arguments of a container, with `$(NAME)` replaced by the variable, as the kubelet does.
fn arguments(container: &Value, environment: &BTreeMap<String, String>) -> Vec<String> {
    let expand = |argument: &Value| {
        let argument = argument.as_str().expect("a text").to_owned();
        let expanded =
            environment.iter().fold(argument, |text, (name, value)| text.replace(&format!("$({name})"), value));
        match expanded.split_once('=') {
            Some((flag @ "--admin-address", _)) => format!("{flag}={ADMIN_ADDRESS}"),
            _ => expanded,
        }
    };
    container["args"].as_array().into_iter().flatten().map(expand).collect()
}
