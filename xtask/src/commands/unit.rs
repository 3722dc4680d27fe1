//! `cargo xtask unit`: the unit tests, which need no process and no network.

use std::time::Instant;

use crate::cargo::{count, testing};
use crate::console::say;
use crate::error::Error;
use crate::{build, process, results};

const UNIT: [&str; 1] = ["--lib"];

/// Runs the unit tests, or those whose names contain `filter`.
pub fn run(filter: Option<&str>) -> Result<(), Error> {
    let started = Instant::now();
    build::tests(&UNIT)?;
    if let Some(filter) = filter
        && count(&UNIT, filter)? == 0
    {
        return Err(Error::Finding(format!("no unit test has {filter:?} in its name")));
    }
    let output = process::run_and_read(testing(&UNIT).arg("--").args(filter), "running the unit tests")?;
    let passed = results::passed(&output);
    say(format!("make unit: {passed} passed in {} s", started.elapsed().as_secs()));
    Ok(())
}
