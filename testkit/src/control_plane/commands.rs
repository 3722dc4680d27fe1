//! Command lines of the control plane's processes.

use std::path::{Path, PathBuf};
use std::process::Command;

use almkey_simulator::files::write_atomically;
use serde_json::json;

use super::binaries::Binaries;
use super::error::Error;
use super::{certificates, kubeconfig};

/// Ports of one control plane on the loopback interface.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ports {
    pub(super) etcd: u16,
    pub(super) etcd_peers: u16,
    pub(super) api: u16,
}

/// Returns the path of the API server's token file.
pub(super) fn tokens(directory: &Path) -> PathBuf {
    directory.join("tokens.csv")
}

/// Returns the data directory of etcd.
pub(super) fn etcd_data(directory: &Path) -> PathBuf {
    directory.join("etcd")
}

pub(super) fn etcd(binaries: &Binaries, directory: &Path, ports: Ports) -> Command {
    let client = format!("http://127.0.0.1:{}", ports.etcd);
    let peer = format!("http://127.0.0.1:{}", ports.etcd_peers);
    let mut command = Command::new(&binaries.etcd);
    command
        .arg(format!("--data-dir={}", etcd_data(directory).display()))
        .arg(format!("--listen-client-urls={client}"))
        .arg(format!("--advertise-client-urls={client}"))
        .arg(format!("--listen-peer-urls={peer}"))
        .arg(format!("--initial-advertise-peer-urls={peer}"))
        .arg(format!("--initial-cluster=default={peer}"))
        .args(["--unsafe-no-fsync", "--log-level=warn"]);
    command
}

pub(super) fn api_server(
    binaries: &Binaries,
    directory: &Path,
    ports: Ports,
    audit_log: Option<&Path>,
) -> Result<Command, Error> {
    let public_key = certificates::service_account_public_key(directory);
    let signing_key = certificates::service_account_key(directory);
    let mut command = Command::new(&binaries.kube_apiserver);
    command
        .arg(format!("--etcd-servers=http://127.0.0.1:{}", ports.etcd))
        .arg(format!("--tls-cert-file={}", certificates::serving_certificate(directory).display()))
        .arg(format!("--tls-private-key-file={}", certificates::serving_key(directory).display()))
        .arg(format!("--secure-port={}", ports.api))
        .arg(format!("--token-auth-file={}", tokens(directory).display()))
        .arg(format!("--service-account-key-file={}", public_key.display()))
        .arg(format!("--service-account-signing-key-file={}", signing_key.display()))
        .args([
            "--bind-address=127.0.0.1",
            "--service-account-issuer=https://kubernetes.default.svc",
            "--service-cluster-ip-range=10.0.0.0/24",
            "--authorization-mode=RBAC",
            "--disable-admission-plugins=ServiceAccount",
            // Old versions of objects stay, for the scan for key material that must never have been written.
            "--etcd-compaction-interval=0",
        ]);
    if let Some(log) = audit_log {
        let policy = directory.join("audit-policy.yaml");
        let text = json!({
            "apiVersion": "audit.k8s.io/v1", "kind": "Policy",
            // One entry per request, at the time of its answer.
            "omitStages": ["RequestReceived"],
            "rules": [{ "level": "Metadata" }],
        });
        write_atomically(&policy, text.to_string()).map_err(|error| Error::file(&policy, error))?;
        command
            .arg(format!("--audit-policy-file={}", policy.display()))
            .arg(format!("--audit-log-path={}", log.display()));
    }
    Ok(command)
}

pub(super) fn controller_manager(binaries: &Binaries, directory: &Path) -> Command {
    let mut command = Command::new(&binaries.kube_controller_manager);
    command.arg(format!("--kubeconfig={}", kubeconfig::path(directory, "admin").display())).args([
        "--controllers=namespace-controller,garbage-collector-controller,clusterrole-aggregation-controller",
        "--leader-elect=false",
        "--secure-port=0",
    ]);
    command
}
