//! Builds what the commands need.

use testkit::control_plane::{ControlPlane, Kubernetes};
use testkit::{helm, prometheus, promtool};

use crate::cargo::compiling;
use crate::error::Error;
use crate::process;

/// Builds the programs: the operator, the simulator and xtask.
///
/// They are built with the whole workspace, as the tests are: cargo may choose other features of the dependencies for one
/// package alone, and would compile them again.
pub fn programs() -> Result<(), Error> {
    process::run(compiling("build").args(["--workspace", "--bins"]), "compiling the programs")
}

/// Builds the tests that `selection` names, without running them.
pub fn tests(selection: &[&str]) -> Result<(), Error> {
    process::run(compiling("test").args(["--workspace", "--no-run"]).args(selection), "compiling the tests")
}

/// Builds the control plane that `ALMKEY_KUBERNETES` chooses, if it is not cached. Here, because a test binary would swallow
/// the progress.
pub fn control_plane() -> Result<(), Error> {
    Kubernetes::chosen().and_then(ControlPlane::build).map_err(|error| Error::Finding(error.to_string()))
}

/// Builds Prometheus, which only the slow suites run, if it is not cached.
pub fn prometheus() -> Result<(), Error> {
    prometheus::find_or_build().map(drop).map_err(|error| Error::Finding(error.to_string()))
}

/// Builds what the integration tests run besides our own programs, if it is not cached.
pub fn foreign_programs() -> Result<(), Error> {
    control_plane()?;
    promtool::find_or_build().map(drop).map_err(|error| Error::Finding(error.to_string()))
}

/// Builds Helm, if it is not cached.
pub fn helm() -> Result<(), Error> {
    helm::find_or_build().map(drop).map_err(|error| Error::Finding(error.to_string()))
}
