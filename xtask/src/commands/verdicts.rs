//! `cargo xtask verdicts`: the health of real objects at each turning point, as kstatus, Argo CD and Flux see it.

use crate::cargo::testing;
use crate::error::Error;
use crate::{build, process};

/// Runs the suite `gitops`, which prints the table of docs/gitops.md.
pub fn run() -> Result<(), Error> {
    build::programs()?;
    build::tests(&["--test", "slow"])?;
    build::control_plane()?;
    let options = ["--", "--nocapture", "gitops::"];
    process::run(testing(&["--test", "slow"]).args(options), "assessing the health of objects")
}
