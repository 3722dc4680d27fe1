//! A cluster with everything in it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use kube::Client;

use super::operator::{NAMESPACE, Operator};
use super::simulator::Simulator;
use crate::controlplane::{ControlPlane, Options, service_account_user};

/// What to start beside the control plane and the simulator.
#[derive(Clone, Copy)]
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
    /// Namespaces can be deleted, and owned objects are collected.
    pub controller_manager: bool,
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
        }
    }
}

/// A cluster with everything in it.
pub struct World {
    /// The operator, if it runs.
    pub operator: Option<Operator>,
    /// SAP.
    pub simulator: Simulator,
    /// Kubernetes.
    pub control_plane: ControlPlane,
    /// Kubernetes, for the cluster admin.
    pub client: Client,
    setup: Setup,
}

impl World {
    /// Starts everything and installs the operator as `deploy/` says.
    pub async fn start(setup: Setup) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let options = Options {
            controller_manager: setup.controller_manager,
            audit: setup.audit,
            users: vec![service_account_user(NAMESPACE, NAMESPACE)],
        };
        let control_plane = ControlPlane::start(options).await.unwrap_or_else(|error| panic!("{error}"));
        let simulator = Simulator::start(control_plane.directory());
        let client = control_plane.client("admin").await.expect("a client");
        let mut world = Self { operator: None, simulator, control_plane, client, setup };
        world.install();
        if setup.bindings {
            world.install_bindings();
        }
        world.start_operator("operator");
        world
    }

    /// Installs the operator as the documentation says.
    fn install(&self) {
        let deploy = package().join("deploy");
        let folder = if self.setup.namespaces.is_empty() { deploy.clone() } else { deploy.join("namespaced") };
        self.control_plane.apply_path(&folder).expect("deploy/ can be applied");
        let binding = deploy.join("namespaced/namespace").display().to_string();
        for namespace in self.setup.namespaces {
            self.kubectl(&["create", "namespace", namespace]);
            self.kubectl(&["apply", "--server-side", "-n", namespace, "-k", &binding]);
        }
    }

    /// Starts the operator with the rights of its service account.
    pub fn start_operator(&mut self, name: &str) {
        self.operator = Some(self.start_replica(name));
    }

    /// Starts one more operator beside the one that runs.
    pub fn start_replica(&self, name: &str) -> Operator {
        let kubeconfig = self.control_plane.kubeconfig(&service_account_user(NAMESPACE, NAMESPACE).name);
        let namespaces = self.setup.namespaces.join(",");
        let scope: &[&str] = if namespaces.is_empty() { &[] } else { &["--namespaces", &namespaces] };
        let arguments =
            [&["--log", self.setup.log, "--admin-address", "127.0.0.1:0"], self.setup.arguments, scope].concat();
        Operator::start(&kubeconfig, self.control_plane.directory(), name, &arguments)
    }

    /// Installs the kind ServiceBinding.
    pub fn install_bindings(&self) {
        let yaml = std::fs::read_to_string(package().join("tests/data/servicebinding-crd.yaml")).expect("the kind");
        self.control_plane.apply(&yaml).expect("the kind can be installed");
        let wait =
            ["wait", "--for=condition=Established", "--timeout=30s", "crd/servicebindings.services.cloud.sap.com"];
        self.kubectl(&wait);
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

/// Where this package lies.
pub fn package() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// Awaits `future` for as long as anything is waited for.
pub async fn patiently<T>(what: &str, future: impl Future<Output = T>) -> T {
    let patience: Duration = super::PATIENCE;
    tokio::time::timeout(patience, future).await.unwrap_or_else(|_| panic!("waited {patience:?} in vain for {what}"))
}
