//! `cargo xtask test`: every test but the slow ones, each at least once.

use std::time::Instant;

use crate::cargo::{count, testing};
use crate::console::say;
use crate::error::Error;
use crate::{build, process, results};

const UNIT: [&str; 2] = ["--lib", "--bins"];
const INTEGRATION: [&str; 2] = ["--test", "integration"];
/// The scenarios mostly wait: more of them run at a time than there are cores.
pub(super) const THREADS: &str = "--test-threads=12";

/// Runs all tests, or those whose names contain `filter`.
pub fn run(filter: Option<&str>) -> Result<(), Error> {
    match filter {
        Some(filter) => some(filter),
        None => all(),
    }
}

fn all() -> Result<(), Error> {
    let started = Instant::now();
    compile(&["--all-targets"])?;
    process::run(&mut testing(&UNIT), "running the unit tests")?;
    process::run(&mut testing(&["--doc"]), "running the examples in the documentation")?;
    build::foreign_programs()?;
    say("Scenarios on a real API server.");
    let output = process::run_and_read(testing(&INTEGRATION).args(["--", THREADS]), "running the integration tests")?;
    let passed = results::passed(&output);
    let real = count(&INTEGRATION, "scenarios::")?;
    say(format!(
        "make test: all passed in {} s; {real} of the {passed} integration tests ran against a real kube-apiserver.",
        started.elapsed().as_secs()
    ));
    Ok(())
}

/// Runs the matching tests. A control plane is built only if an integration test is among them.
fn some(filter: &str) -> Result<(), Error> {
    let started = Instant::now();
    compile(&["--lib", "--bins", "--test", "integration"])?;
    let (unit, integration) = (count(&UNIT, filter)?, count(&INTEGRATION, filter)?);
    if unit + integration == 0 {
        return Err(Error::Finding(format!(
            "no unit or integration test has {filter:?} in its name (those of tests/slow run in `make prove`)"
        )));
    }
    if unit > 0 {
        process::run(testing(&UNIT).args(["--", filter]), "running unit tests")?;
    }
    if integration > 0 {
        build::foreign_programs()?;
        process::run(testing(&INTEGRATION).args(["--", THREADS, filter]), "running integration tests")?;
    }
    say(format!(
        "make test: {unit} unit and {integration} integration tests with {filter:?} in their names passed in {} s",
        started.elapsed().as_secs()
    ));
    Ok(())
}

fn compile(tests: &[&str]) -> Result<(), Error> {
    build::programs()?;
    build::tests(tests)
}
