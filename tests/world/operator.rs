//! The operator as a process.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::controlplane::Supervised;

/// Namespace of the operator and of the tenants' credentials.
pub const NAMESPACE: &str = "alm-key-operator";

/// A running operator.
pub struct Operator {
    process: Supervised,
    /// Where it logs to.
    pub log: PathBuf,
}

impl Operator {
    /// Starts one with the rights of its service account.
    pub fn start(kubeconfig: &Path, directory: &Path, name: &str, level: &str) -> Self {
        let log = directory.join(format!("{name}.log"));
        let mut command = Command::new(binary("almkey"));
        command.args(["operator", "--log", level]);
        command.env("KUBECONFIG", kubeconfig);
        let process = Supervised::spawn(name, &mut command, log.clone()).expect("the operator can be started");
        Self { process, log }
    }

    /// Kills it as a crash would.
    pub fn kill(mut self) {
        self.process.kill_and_wait();
    }

    /// Asks it to stop; whether it went by itself, and with success.
    pub fn stop(mut self) -> bool {
        self.process.signal("TERM");
        self.process.wait_exit(super::PATIENCE).is_some_and(|status| status.success())
    }
}

/// A program of this package, built beside the running one.
pub fn binary(name: &str) -> PathBuf {
    let mut directory = std::env::current_exe().expect("this program has a path");
    directory.pop();
    if directory.ends_with("deps") || directory.ends_with("examples") {
        directory.pop();
    }
    let path = directory.join(name);
    assert!(path.exists(), "{} is built by `cargo build --bins`", path.display());
    path
}
