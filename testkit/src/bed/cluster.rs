//! A cluster with the simulator of SAP and the operator.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use kube::Client;
use serde_json::{Value, json};

use super::audit;
use super::operator::{Build, Operator};
use super::simulator::Simulator;
use crate::control_plane::{Audit, ControlPlane, Options, User, service_account_user};
use crate::names::NAMESPACE;
use crate::proxy::Proxy;
use crate::secret_scan::{self, ScanReport, SecretScan};

/// Settings of a test bed.
#[derive(Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each of them is chosen by itself")]
pub struct Setup {
    /// Install the kind ServiceBinding.
    pub bindings: bool,
    /// Log filter of the operator.
    pub log: &'static str,
    /// Further arguments of the operator.
    pub arguments: &'static [&'static str],
    /// Let the API server write an audit log.
    pub audit: bool,
    /// Namespaces that the operator serves, created before it starts; none means all.
    pub namespaces: &'static [&'static str],
    /// Run kube-controller-manager: it deletes namespaces, collects owned objects, and aggregates roles.
    pub controller_manager: bool,
    /// Users without rights, until a role is bound to them.
    pub users: &'static [&'static str],
    /// Leave the installation and the start of the operator to the test.
    pub uninstalled: bool,
    /// Put a proxy between the operator and everything else, and leave the start of the operator to the test.
    pub proxy: bool,
    /// The build of operator and simulator that runs.
    pub build: Build,
}

impl Setup {
    /// The settings of most tests.
    pub const DEFAULT: Self = Self {
        bindings: true,
        log: "debug,hyper_util=info,tower=info",
        // A single process need not wait for the Lease of one that was killed.
        arguments: &["--leader-elect=false"],
        audit: false,
        namespaces: &[],
        controller_manager: false,
        users: &[],
        uninstalled: false,
        proxy: false,
        build: Build::Debug,
    };
}

impl Default for Setup {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// A cluster with the simulator of SAP and the operator.
pub struct TestBed {
    /// The operator, while it runs.
    pub operator: Option<Operator>,
    /// The simulator of SAP. Two clusters may share one.
    pub simulator: Arc<Simulator>,
    /// The control plane.
    pub control_plane: ControlPlane,
    /// A client with the rights of a cluster admin.
    pub client: Client,
    /// Namespaces that the operator serves; none means all.
    namespaces: Vec<String>,
    /// The proxy between the operator and everything else, if the setup asks for one.
    pub proxy: Option<Proxy>,
    kubeconfig: PathBuf,
    /// The test leaks key material on purpose, so that the scan at the end is left out.
    pub leaks_on_purpose: bool,
    pub(super) setup: Setup,
    scan: SecretScan,
}

impl TestBed {
    /// Starts all processes and installs the operator as `deploy/` says.
    pub async fn start(setup: Setup) -> Self {
        Self::start_for(&audit::test(), setup).await
    }

    /// Starts a test bed like [`TestBed::start`], for the named test: its audit log is gathered under that name.
    pub async fn start_for(test: &str, setup: Setup) -> Self {
        Self::start_with(test, setup, None).await
    }

    /// Starts a second cluster that shares the simulator of `other`.
    pub async fn start_beside(other: &Self, setup: Setup) -> Self {
        Self::start_with(&audit::test(), setup, Some(Arc::clone(&other.simulator))).await
    }

    async fn start_with(test: &str, mut setup: Setup, other: Option<Arc<Simulator>>) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let own_log = if setup.audit { Audit::Beside } else { Audit::Off };
        let users = setup.users.iter().map(|name| User { name: (*name).into(), groups: Vec::new() });
        let options = Options {
            controller_manager: setup.controller_manager,
            audit: audit::log(test).map_or(own_log, Audit::In),
            users: std::iter::once(service_account_user(NAMESPACE, NAMESPACE)).chain(users).collect(),
        };
        let mut namespaces: Vec<String> = setup.namespaces.iter().map(ToString::to_string).collect();
        if namespaces.is_empty() {
            namespaces = audit::namespaces(test);
        }
        let control_plane = ControlPlane::start(options).await.unwrap_or_else(|error| panic!("{error}"));
        let directory = control_plane.directory();
        let mut kubeconfig = control_plane.kubeconfig(&service_account_user(NAMESPACE, NAMESPACE).name);
        let (proxy, simulator) = match other {
            Some(simulator) => (None, simulator),
            None if setup.proxy => {
                let mut proxy = Proxy::bind().await;
                let simulator = Simulator::start_behind(&proxy, directory);
                kubeconfig = proxy.serve(&kubeconfig, simulator.own_endpoint(), directory);
                (Some(proxy), Arc::new(simulator))
            }
            None => (None, Arc::new(Simulator::start_build(setup.build, directory))),
        };
        let client = control_plane.client("admin").await.expect("a client");
        if secret_scan::wants_trace() {
            setup.log = "trace";
        }
        let (_, ca) = simulator.own_endpoint();
        let admin = (simulator.url("admin"), ca.to_owned());
        let scan = SecretScan::new(control_plane.directory(), control_plane.etcd(), admin);
        let mut bed = Self {
            operator: None,
            simulator,
            control_plane,
            client,
            namespaces,
            proxy,
            kubeconfig,
            leaks_on_purpose: false,
            setup,
            scan,
        };
        if !setup.uninstalled {
            bed.install();
        }
        if setup.bindings {
            bed.install_bindings();
        }
        if bed.proxy.is_none() && !setup.uninstalled {
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
        // The documented manifest of one namespace, applied for all of them at once.
        let path = package().join("deploy/namespaced/namespace").display().to_string();
        let binding: Value = serde_yaml_ng::from_str(&self.kubectl(&["kustomize", &path])).expect("YAML");
        let objects = |name: &String| {
            let mut binding = binding.clone();
            binding["metadata"]["namespace"] = json!(name);
            [json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } }), binding]
        };
        let items: Vec<Value> = self.namespaces.iter().flat_map(objects).collect();
        let list = json!({ "apiVersion": "v1", "kind": "List", "items": items });
        self.control_plane.apply(&list.to_string()).expect("the namespaces can be created");
    }

    /// Returns the folder of the manifests that this bed was installed from.
    pub fn manifests(&self) -> PathBuf {
        let deploy = package().join("deploy");
        if self.namespaces.is_empty() { deploy } else { deploy.join("namespaced") }
    }

    /// Starts the operator with the rights of its service account.
    pub fn start_operator(&mut self, name: &str) {
        self.operator = Some(self.start_replica(name));
    }

    /// Starts a further operator.
    pub fn start_replica(&self, name: &str) -> Operator {
        self.start_replica_as(&self.kubeconfig, name)
    }

    /// Returns the kubeconfig of the operator.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// Starts a further operator as the user of a kubeconfig.
    pub fn start_replica_as(&self, kubeconfig: &Path, name: &str) -> Operator {
        self.start_replica_in(kubeconfig, name, &[])
    }

    /// Starts a further operator as the user of a kubeconfig, with environment variables.
    pub fn start_replica_in(&self, kubeconfig: &Path, name: &str, environment: &[(&str, &str)]) -> Operator {
        let namespaces = self.namespaces.join(",");
        let scope: &[&str] = if namespaces.is_empty() { &[] } else { &["--namespaces", &namespaces] };
        let arguments =
            [&["--log", self.setup.log, "--admin-address", "127.0.0.1:0"], self.setup.arguments, scope].concat();
        let directory = self.control_plane.directory();
        Operator::start(self.setup.build, kubeconfig, directory, name, &arguments, environment)
    }

    /// Installs the kind ServiceBinding.
    pub fn install_bindings(&self) {
        let path = package().join("tests/data/servicebinding-crd.yaml");
        let yaml = std::fs::read_to_string(path).expect("the definition of ServiceBinding");
        self.control_plane.apply(&yaml).expect("the definition can be applied");
        let wait =
            ["wait", "--for=condition=Established", "--timeout=30s", "crd/servicebindings.services.cloud.sap.com"];
        self.kubectl(&wait);
    }

    /// Scans what was written since the last scan for key material.
    pub fn scan_for_secrets(&self) -> ScanReport {
        self.scan.run()
    }

    /// Scans for key material, and fails the test if there is any.
    pub fn expect_no_key_material(&self) {
        self.scan_for_secrets().expect_clean(&self.scan.bed());
    }

    /// Runs kubectl as the cluster admin and returns its output.
    pub fn kubectl(&self, arguments: &[&str]) -> String {
        let output = self.control_plane.kubectl("admin").args(arguments).output().expect("kubectl can be started");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "kubectl {arguments:?} failed: {errors}");
        text
    }
}

/// Every bed ends with a scan: no key material is left anywhere but in Secrets.
impl Drop for TestBed {
    fn drop(&mut self) {
        if !std::thread::panicking() && !self.leaks_on_purpose {
            self.expect_no_key_material();
        }
    }
}

/// Returns the root of the repository.
pub fn package() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_owned()
}
