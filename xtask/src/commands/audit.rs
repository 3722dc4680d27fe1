//! `cargo xtask audit`: runs the suite under the roles that are shipped, once cluster-wide and once namespace-scoped, on
//! API servers that write an audit log.
//!
//! The audit fails if a request was denied, a right was used by no scenario, or a right is not declared in `docs/rights.md`.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use testkit::bed::audit::{GATHER, NAMESPACES};
use testkit::secret_scan;
use xtask::rights::report;

use crate::cargo::testing;
use crate::console::say;
use crate::error::Error;
use crate::{build, process};

/// These tests serve single namespaces by themselves, so that they run in the second half alone.
const NAMESPACED: &str = "::namespaced::";

/// Runs the suite in both modes. With a `filter` only matching tests run: most rights are then reported as unused.
///
/// Both runs leave the report of the secret scan in the folder `scanned`.
pub fn run(filter: Option<&str>, scanned: Option<&Path>) -> Result<(), Error> {
    let started = Instant::now();
    let work = tempfile::tempdir().map_err(Error::file(Path::new("a temporary folder")))?;
    let (cluster_wide, scoped) = (work.path().join("cluster-wide"), work.path().join("namespace-scoped"));
    build::programs()?;
    build::tests(&["--test", "integration"])?;
    build::foreign_programs()?;
    let suite = || {
        let mut suite = testing(&["--test", "integration", "--", "--test-threads=8"]);
        suite.args(filter);
        if let Some(folder) = scanned {
            suite.env(secret_scan::FOLDER, folder);
        }
        suite
    };

    say("audit: the suite, cluster-wide");
    run_suite(suite().args(["--skip", NAMESPACED]).env(GATHER, &cluster_wide))?;
    let namespaces = work.path().join("namespaces.json");
    std::fs::write(&namespaces, report::namespaces(&cluster_wide)).map_err(Error::file(&namespaces))?;
    say("audit: the suite, namespace-scoped");
    run_suite(suite().env(GATHER, &scoped).env(NAMESPACES, &namespaces))?;
    say(format!("audit: both runs took {} s", started.elapsed().as_secs()));

    let report = report::compare(&cluster_wide, &scoped);
    say(report.text);
    if report.is_clean {
        Ok(())
    } else {
        Err(Error::Finding("audit: used and declared rights differ: see above".into()))
    }
}

fn run_suite(suite: &mut Command) -> Result<(), Error> {
    process::run(suite, "running the integration tests")
}

#[cfg(test)]
mod tests {
    use xtask::proofs::comments;

    use super::*;

    #[test]
    fn there_are_tests_that_serve_single_namespaces_by_themselves() {
        let file = format!("/{}.rs", NAMESPACED.trim_matches(':'));
        assert!(
            comments::tests().iter().any(|(path, _)| path.starts_with("tests/integration/") && path.ends_with(&file))
        );
    }
}
