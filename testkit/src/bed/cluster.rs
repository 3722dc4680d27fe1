//! A cluster with everything in it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use kube::Client;
use serde_json::{Value, json};

use super::audit;
use super::operator::Operator;
use super::simulator::Simulator;
use crate::control_plane::{Audit, ControlPlane, Options, User, service_account_user};
use crate::names::NAMESPACE;
use crate::proxy::Proxy;
use crate::secret_scan::{self, Found, SecretScan};

/// What to start beside the control plane and the simulator.
#[derive(Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each of them is asked for by itself")]
pub struct Setup {
    /// The kind ServiceBinding.
    pub bindings: bool,
    /// How much the operator logs.
    pub log: &'static str,
    /// What else the operator is started with.
    pub arguments: &'static [&'static str],
    /// The API server writes down who did what.
    pub audit: bool,
    /// The namespaces that the operator serves, made before it starts; all if none is named.
    pub namespaces: &'static [&'static str],
    /// Namespaces can be deleted, owned objects are collected, and roles are aggregated.
    pub controller_manager: bool,
    /// People who may do nothing until a role is bound to them.
    pub people: &'static [&'static str],
    /// A gate stands between the operator and everything else, and the operator is not started yet.
    pub gate: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            bindings: true,
            log: "debug,hyper_util=info,tower=info",
            // One process, which need not wait for the Lease of one that was killed.
            arguments: &["--leader-elect=false"],
            audit: false,
            namespaces: &[],
            controller_manager: false,
            people: &[],
            gate: false,
        }
    }
}

/// A cluster with everything in it.
pub struct TestBed {
    /// The operator, if it runs.
    pub operator: Option<Operator>,
    /// SAP. Two clusters may have one.
    pub simulator: Arc<Simulator>,
    /// Kubernetes.
    pub control_plane: ControlPlane,
    /// Kubernetes, for the cluster admin.
    pub client: Client,
    /// The namespaces that the operator serves; all if none is named.
    namespaces: Vec<String>,
    /// What stands between the operator and everything else, if something does.
    pub gate: Option<Proxy>,
    kubeconfig: PathBuf,
    /// Key material is where it must not be on purpose.
    pub leaky: bool,
    setup: Setup,
    hunt: SecretScan,
}

impl TestBed {
    /// Starts everything and installs the operator as `deploy/` says.
    pub async fn start(setup: Setup) -> Self {
        Self::start_for(&audit::test(), setup).await
    }

    /// The same, for this test, as `hack/audit` calls it.
    pub async fn start_for(test: &str, setup: Setup) -> Self {
        Self::start_with(test, setup, None).await
    }

    /// Starts everything but SAP, which is another cluster's too.
    pub async fn start_beside(other: &Self, setup: Setup) -> Self {
        Self::start_with(&audit::test(), setup, Some(Arc::clone(&other.simulator))).await
    }

    async fn start_with(test: &str, mut setup: Setup, other: Option<Arc<Simulator>>) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let beside = if setup.audit { Audit::Beside } else { Audit::Off };
        let people = setup.people.iter().map(|name| User { name: (*name).into(), groups: Vec::new() });
        let options = Options {
            controller_manager: setup.controller_manager,
            audit: audit::log(test).map_or(beside, Audit::In),
            users: std::iter::once(service_account_user(NAMESPACE, NAMESPACE)).chain(people).collect(),
        };
        let mut namespaces: Vec<String> = setup.namespaces.iter().map(ToString::to_string).collect();
        if namespaces.is_empty() {
            namespaces = audit::namespaces(test);
        }
        let control_plane = ControlPlane::start(options).await.unwrap_or_else(|error| panic!("{error}"));
        let directory = control_plane.directory();
        let mut kubeconfig = control_plane.kubeconfig(&service_account_user(NAMESPACE, NAMESPACE).name);
        let (gate, simulator) = match other {
            Some(simulator) => (None, simulator),
            None if setup.gate => {
                let mut gate = Proxy::stand().await;
                let simulator = Simulator::start_behind(&gate, directory);
                kubeconfig = gate.open(&kubeconfig, simulator.itself(), directory);
                (Some(gate), Arc::new(simulator))
            }
            None => (None, Arc::new(Simulator::start(directory))),
        };
        let client = control_plane.client("admin").await.expect("a client");
        if secret_scan::wants_trace() {
            setup.log = "trace";
        }
        let admin = (simulator.url("admin"), simulator.itself().1.to_owned());
        let hunt = SecretScan::new(control_plane.directory(), control_plane.etcd(), admin);
        let mut bed = Self {
            operator: None,
            simulator,
            control_plane,
            client,
            namespaces,
            gate,
            kubeconfig,
            leaky: false,
            setup,
            hunt,
        };
        bed.install();
        if setup.bindings {
            bed.install_bindings();
        }
        if bed.gate.is_none() {
            bed.start_operator("operator");
        }
        bed
    }

    /// Installs the operator as the documentation says.
    fn install(&self) {
        self.control_plane.apply_path(&self.manifests()).expect("the manifests can be applied");
        if self.namespaces.is_empty() {
            return;
        }
        // Of a hundred namespaces at once, what the documentation does for one.
        let binding = package().join("deploy/namespaced/namespace").display().to_string();
        let binding: Value = serde_yaml_ng::from_str(&self.kubectl(&["kustomize", &binding])).expect("YAML");
        let of_namespace = |name: &String| {
            let mut binding = binding.clone();
            binding["metadata"]["namespace"] = json!(name);
            [json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } }), binding]
        };
        let items: Vec<Value> = self.namespaces.iter().flat_map(of_namespace).collect();
        let list = json!({ "apiVersion": "v1", "kind": "List", "items": items });
        self.control_plane.apply(&list.to_string()).expect("namespaces can be served");
    }

    /// The manifests that this world was installed by.
    pub fn manifests(&self) -> PathBuf {
        let deploy = package().join("deploy");
        if self.namespaces.is_empty() { deploy } else { deploy.join("namespaced") }
    }

    /// Starts the operator with the rights of its service account.
    pub fn start_operator(&mut self, name: &str) {
        self.operator = Some(self.start_replica(name));
    }

    /// Starts one more operator beside the one that runs.
    pub fn start_replica(&self, name: &str) -> Operator {
        self.start_replica_as(&self.kubeconfig, name)
    }

    /// Starts one more operator as who is meant by this kubeconfig.
    pub fn start_replica_as(&self, kubeconfig: &Path, name: &str) -> Operator {
        let namespaces = self.namespaces.join(",");
        let scope: &[&str] = if namespaces.is_empty() { &[] } else { &["--namespaces", &namespaces] };
        let arguments =
            [&["--log", self.setup.log, "--admin-address", "127.0.0.1:0"], self.setup.arguments, scope].concat();
        Operator::start(kubeconfig, self.control_plane.directory(), name, &arguments)
    }

    /// Installs the kind ServiceBinding.
    pub fn install_bindings(&self) {
        let yaml = std::fs::read_to_string(package().join("tests/data/servicebinding-crd.yaml")).expect("the kind");
        self.control_plane.apply(&yaml).expect("the kind can be installed");
        let wait =
            ["wait", "--for=condition=Established", "--timeout=30s", "crd/servicebindings.services.cloud.sap.com"];
        self.kubectl(&wait);
    }

    /// Hunts for key material in all that was not searched before.
    pub fn hunt(&self) -> Found {
        self.hunt.go_on()
    }

    /// Hunts, and fails if there is any.
    pub fn expect_no_key_material(&self) {
        self.hunt().expect_none(&self.hunt.bed());
    }

    /// Runs kubectl as the cluster admin and returns what it prints.
    pub fn kubectl(&self, arguments: &[&str]) -> String {
        let output = self.control_plane.kubectl("admin").args(arguments).output().expect("kubectl runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "kubectl {arguments:?} failed: {errors}");
        text
    }
}

/// A world ends with a hunt: nothing of a key is left in it but in Secrets.
impl Drop for TestBed {
    fn drop(&mut self) {
        if !std::thread::panicking() && !self.leaky {
            self.expect_no_key_material();
        }
    }
}

/// Where this package lies.
pub fn package() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_owned()
}

/// Awaits `future` for as long as anything is waited for.
pub async fn patiently<T>(what: &str, future: impl Future<Output = T>) -> T {
    let patience: Duration = super::WAIT_LIMIT;
    tokio::time::timeout(patience, future).await.unwrap_or_else(|_| panic!("waited {patience:?} in vain for {what}"))
}
