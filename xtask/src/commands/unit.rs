//! `cargo xtask unit`: the unit tests, which need no process and no network.

use std::time::Instant;

use crate::cargo::testing;
use crate::console::say;
use crate::error::Error;
use crate::{build, process, results};

/// Runs the unit tests, or those whose names contain `filter`.
pub fn run(filter: Option<&str>) -> Result<(), Error> {
    let started = Instant::now();
    build::tests(&["--lib"])?;
    let output = process::run_and_read(testing(&["--lib", "--"]).args(filter), "running the unit tests")?;
    let passed = results::passed(&output);
    if let (0, Some(filter)) = (passed, filter) {
        return Err(Error::Finding(format!("no unit test has {filter:?} in its name")));
    }
    say(format!("make unit: {passed} passed in {} s", started.elapsed().as_secs()));
    Ok(())
}
