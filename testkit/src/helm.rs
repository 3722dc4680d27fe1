//! Helm, and the chart of this repository.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize as _;
use serde_json::Value;

use crate::control_plane::{Error, GoModule, Program};

/// The module of Helm. Without the flag, its version has no patch level.
const MODULE: GoModule = GoModule {
    name: "helm",
    programs: &[Program { name: "helm", package: "helm.sh/helm/v4/cmd/helm" }],
    ldflags: "-s -w -X helm.sh/helm/v4/internal/version.version=v4.3.1",
    tags: "",
    duration: "2 to 3 minutes",
};

/// Builds Helm if it is missing, and reports the progress. Returns its path.
///
/// # Errors
/// It could not be built.
pub fn find_or_build() -> Result<PathBuf, Error> {
    MODULE.program("helm")
}

/// Returns a command that runs Helm without a cluster, with its settings and caches in `home`.
///
/// # Errors
/// It could not be built.
pub fn command(home: &Path) -> Result<Command, Error> {
    let mut command = Command::new(find_or_build()?);
    command.env_clear().env("HOME", home);
    Ok(command)
}

/// Returns the folder of the chart.
pub fn chart() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../charts/alm-key-operator")
}

/// Renders the chart as release and namespace `alm-key-operator`, with further arguments of `helm template`.
///
/// # Errors
/// Helm refused it. The error is what it printed.
pub fn render(arguments: &[&str]) -> Result<String, String> {
    let home = tempfile::tempdir().expect("a folder");
    let mut helm = command(home.path()).expect("Helm");
    helm.args(["template", "alm-key-operator"]).arg(chart()).args(["-n", "alm-key-operator"]).args(arguments);
    let output = helm.output().expect("Helm can be started");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

/// Parses manifests, and leaves empty documents out.
pub fn objects(manifests: &str) -> Vec<Value> {
    serde_yaml_ng::Deserializer::from_str(manifests)
        .map(|document| Value::deserialize(document).expect("manifests are YAML"))
        .filter(|object| !object.is_null())
        .collect()
}
