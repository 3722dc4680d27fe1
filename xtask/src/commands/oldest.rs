//! `cargo xtask oldest`: runs the scenarios on the oldest Kubernetes that the operator supports.

use std::time::Instant;

use testkit::control_plane::{ControlPlane, Kubernetes};

use super::test::THREADS;
use crate::cargo::testing;
use crate::console::say;
use crate::error::Error;
use crate::{build, process};

/// The tests that run on an API server.
const SCENARIOS: &str = "scenarios::";

/// Runs all scenarios, or those whose names contain `filter`.
pub fn run(filter: Option<&str>) -> Result<(), Error> {
    let started = Instant::now();
    build::programs()?;
    build::tests(&["--test", "integration"])?;
    ControlPlane::build(Kubernetes::Oldest).map_err(|error| Error::Finding(error.to_string()))?;
    say("oldest: the scenarios, on the oldest Kubernetes that is supported");
    let mut scenarios = testing(&["--test", "integration", "--", THREADS]);
    scenarios.arg(filter.unwrap_or(SCENARIOS));
    let (name, value) = Kubernetes::Oldest.variable();
    process::run(scenarios.env(name, value), "running the scenarios on the oldest Kubernetes")?;
    say(format!("oldest: passed in {} s", started.elapsed().as_secs()));
    Ok(())
}
