//! `cargo xtask prove`: what is too long for `make test`.

use std::path::Path;
use std::time::Instant;

use testkit::krew;

use super::{audit, docs, image, oldest, secret_scan};
use crate::cargo::testing;
use crate::console::say;
use crate::error::Error;
use crate::mutants::{self, Catalogue};
use crate::{build, process};

/// Builds the image twice and the book, and runs the slow suites, the scenarios on the oldest Kubernetes, the audit of rights,
/// the secret scan and the mutants.
pub fn run() -> Result<(), Error> {
    let started = Instant::now();
    let scanned = tempfile::tempdir().map_err(Error::file(Path::new("a temporary folder")))?;
    build::programs()?;
    build::tests(&["--test", "slow"])?;
    build::control_plane()?;
    build::prometheus()?;
    build::helm()?;
    krew::find_or_build().map_err(|error| Error::Finding(error.to_string()))?;
    image::run(true)?;
    say("prove: matrices of crashes and faults, replicas, hostile documents, on a real API server");
    // They mostly wait, as the scenarios do.
    let options = ["--", "--test-threads=4", "--nocapture"];
    process::run(testing(&["--test", "slow"]).args(options), "running the slow suites")?;
    oldest::run(None)?;
    audit::run(None, Some(scanned.path()))?;
    secret_scan::run(Some(scanned.path()))?;
    mutants::run(&[], Some(Catalogue::Suite))?;
    say("prove: the book of docs/");
    docs::run()?;
    say(format!("make prove: all proven in {} s", started.elapsed().as_secs()));
    Ok(())
}
