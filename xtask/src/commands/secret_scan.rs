//! `cargo xtask secret-scan`: the whole suite at trace level, searched for key material.
//!
//! Each test bed is searched at its end: logs, every version of every object in etcd but Secrets, metrics, requests to
//! the simulator, and the output of commands. It then adds a line about this to a report.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Instant;

use testkit::secret_scan;

use crate::cargo::testing;
use crate::console::say;
use crate::error::Error;
use crate::{build, process, results};

/// Tests that plant key material and expect it to be found.
const PLANTED: [&str; 2] = ["secret_scan::", "::a_planted_leak"];
/// The kinds of places that test beds search, in the order of the report's columns.
const KINDS: [&str; 5] = ["logs", "metrics", "objects", "requests", "commands"];

/// Runs the suite and reads its report. With a `folder` in which a run has left its report, only that is read.
pub fn run(folder: Option<&Path>) -> Result<(), Error> {
    let started = Instant::now();
    let own = tempfile::tempdir().map_err(Error::file(Path::new("a temporary folder")))?;
    build::programs()?;
    build::tests(&["--test", "integration"])?;
    build::foreign_programs()?;
    planted_leaks_are_found()?;
    if folder.is_none() {
        say("secret scan: the whole suite at trace level");
        let mut suite = testing(&["--test", "integration", "--", "--test-threads=8"]);
        process::run(suite.env(secret_scan::FOLDER, own.path()), "running the integration tests")?;
    }
    let total = Total::read(folder.unwrap_or(own.path()))?;
    say(total.summary(started.elapsed().as_secs()));
    total.check()
}

/// Runs the tests that plant leaks: a scan that finds nothing could be one that searches nothing.
fn planted_leaks_are_found() -> Result<(), Error> {
    say("secret scan: planting leaks, and checking that each is found");
    for name in PLANTED {
        let mut tests = testing(&["--test", "integration", "--", name]);
        let output = process::run_and_read(&mut tests, "running the tests with planted leaks")?;
        if results::passed(&output) == 0 {
            return Err(Error::Finding(format!("secret scan: no integration test has {name:?} in its name")));
        }
    }
    Ok(())
}

/// The sum of a report.
#[derive(Debug, Default, PartialEq, Eq)]
struct Total {
    beds: BTreeSet<String>,
    bytes: u64,
    hits: u64,
    places: [u64; KINDS.len()],
}

impl Total {
    /// Reads the files that the test beds wrote.
    fn read(folder: &Path) -> Result<Self, Error> {
        let mut total = Self::default();
        for entry in std::fs::read_dir(folder).map_err(Error::file(folder))? {
            let path = entry.map_err(Error::file(folder))?.path();
            let report = std::fs::read_to_string(&path).map_err(Error::file(&path))?;
            for line in report.lines() {
                total.add(line).ok_or_else(|| Error::Finding(format!("{}: not a report: {line}", path.display())))?;
            }
        }
        Ok(total)
    }

    /// Adds a line: the bed, bytes, hits, and the places of each kind, separated by tabs.
    fn add(&mut self, line: &str) -> Option<()> {
        let mut cells = line.split('\t');
        let bed = cells.next()?;
        if bed != "commands" {
            self.beds.insert(bed.to_owned());
        }
        let mut number = || cells.next()?.parse::<u64>().ok();
        self.bytes += number()?;
        self.hits += number()?;
        for places in &mut self.places {
            *places += number()?;
        }
        Some(())
    }

    fn summary(&self, seconds: u64) -> String {
        let kinds: Vec<_> = self.places.iter().zip(KINDS).map(|(places, kind)| format!("{places} {kind}")).collect();
        let places: u64 = self.places.iter().sum();
        let megabytes = (self.bytes + 500_000) / 1_000_000;
        format!(
            "secret scan: {} test beds, {places} places, {megabytes} MB searched, {} hits, in {seconds} s: {}",
            self.beds.len(),
            self.hits,
            kinds.join(", ")
        )
    }

    /// Fails on a hit, and if nothing of a kind was searched at all.
    fn check(&self) -> Result<(), Error> {
        let unsearched: Vec<_> = self.places.iter().zip(KINDS).filter(|(places, _)| **places == 0).collect();
        if !unsearched.is_empty() {
            let kinds: Vec<_> = unsearched.into_iter().map(|(_, kind)| kind).collect();
            return Err(Error::Finding(format!("secret scan: nothing was searched of: {}", kinds.join(", "))));
        }
        if self.hits > 0 {
            return Err(Error::Finding("secret scan: key material is where it must not be".into()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use xtask::proofs::comments;

    use super::*;

    fn total(lines: &[&str]) -> Total {
        let mut total = Total::default();
        for line in lines {
            total.add(line).expect("a line of a report");
        }
        total
    }

    #[test]
    fn a_report_is_summed_up_and_commands_are_no_test_bed() {
        let total = total(&[
            "bed-1\t1000000\t0\t3\t2\t50\t7\t0",
            "bed-1\t400000\t0\t0\t1\t9\t2\t0",
            "commands\t99\t0\t0\t0\t0\t0\t1",
        ]);

        assert_eq!(
            total.summary(12),
            "secret scan: 1 test beds, 75 places, 1 MB searched, 0 hits, in 12 s: \
             3 logs, 3 metrics, 59 objects, 9 requests, 1 commands"
        );
        assert!(total.check().is_ok());
    }

    #[test]
    fn a_hit_fails_and_so_does_a_kind_that_was_not_searched() {
        assert!(total(&["bed-1\t1\t1\t1\t1\t1\t1\t1"]).check().is_err());
        let error = total(&["bed-1\t1\t0\t1\t0\t1\t1\t1"]).check().expect_err("no metrics were searched");
        assert_eq!(error.to_string(), "secret scan: nothing was searched of: metrics");
        assert!(Total::default().add("bed-1\t1\t0\t1").is_none());
    }

    #[test]
    fn there_are_tests_that_plant_leaks() {
        let [module, name] = PLANTED;
        let (module, name) = (module.trim_end_matches(':'), name.trim_start_matches(':'));
        let tests = comments::tests();
        assert!(tests.iter().any(|(file, _)| *file == format!("tests/integration/{module}.rs")));
        assert!(tests.iter().any(|(file, test)| file.starts_with("tests/integration/") && test.starts_with(name)));
    }
}
