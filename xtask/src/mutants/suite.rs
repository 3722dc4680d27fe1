//! Mutants that a test of the suite catches. A broken test mostly waits for what never comes, so several run at a time.

use std::num::NonZero;
use std::path::PathBuf;
use std::sync::Mutex;
use std::thread;

use super::definition::Mutant;
use super::locate::{Place, Tests};
use super::tree::{self, Tree};
use crate::console::say;
use crate::error::Error;
use crate::{process, results};

/// Copies of the tree for each core.
const COPIES_PER_CORE: usize = 2;
/// Each copy needs a target folder of some gigabytes.
const MAX_COPIES: usize = 8;

/// Tries the mutants, and returns how many were noticed.
pub fn run(mutants: &[Mutant]) -> Result<usize, Error> {
    let tests = Tests::read();
    let mut placed = Vec::new();
    for mutant in mutants {
        let place = tests.place(&mutant.caught_by).ok_or_else(|| {
            Error::Finding(format!("mutants: {}: there is no test {}", mutant.name, mutant.caught_by))
        })?;
        placed.push((mutant, place));
    }
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let copies = (cores * COPIES_PER_CORE).min(MAX_COPIES).min(mutants.len());
    let needs_scenarios = placed.iter().any(|(_, place)| matches!(place, Place::Programs | Place::Integration));
    say(format!("mutants: building the tests in {copies} copies of the tree"));
    let first = Copy::make(0, needs_scenarios)?;
    for number in 1..copies {
        tree::seed("0", &number.to_string())?;
    }
    placed.reverse();
    let waiting = Mutex::new(placed);
    let next = || waiting.lock().ok()?.pop();
    let work = |copy: Copy| {
        let mut noticed = 0;
        while let Some((mutant, place)) = next() {
            noticed += usize::from(copy.notices(mutant, place)?);
        }
        Ok(noticed)
    };
    thread::scope(|scope| {
        let others: Vec<_> =
            (1..copies).map(|number| scope.spawn(move || Copy::make(number, needs_scenarios).and_then(work))).collect();
        let mut noticed = work(first)?;
        for worker in others {
            noticed += worker.join().unwrap_or_else(|_| Err(Error::Finding("mutants: a copy panicked".into())))?;
        }
        Ok(noticed)
    })
}

/// A copy of the tree with built tests.
struct Copy {
    tree: Tree,
    /// The binary of the integration tests, built from the whole code; none if no mutant needs it.
    scenarios: Option<PathBuf>,
}

impl Copy {
    fn make(number: usize, needs_scenarios: bool) -> Result<Self, Error> {
        let tree = Tree::copy(&number.to_string())?;
        let mut build = tree.cargo();
        if !needs_scenarios {
            process::run(build.args(["test", "--quiet", "--no-run", "--lib"]), "compiling the tests of a copy")?;
            return Ok(Self { tree, scenarios: None });
        }
        build.args(["test", "--quiet", "--workspace", "--no-run", "--test", "integration", "--message-format=json"]);
        let messages = process::read(&mut build, "compiling the tests of a copy")?;
        let scenarios = messages.lines().rev().find_map(integration_binary);
        let scenarios = scenarios
            .ok_or_else(|| Error::Finding("mutants: cargo names no binary of the integration tests".into()))?;
        // The simulator as well: a mutant rebuilds it only if it changes it.
        let mut programs = tree.cargo();
        process::run(programs.args(["build", "--quiet", "--workspace", "--bins"]), "compiling the programs of a copy")?;
        Ok(Self { tree, scenarios: Some(scenarios) })
    }

    /// Breaks the copy, runs the test, and mends the copy. Prints the result, and returns true if the test failed.
    fn notices(&self, mutant: &Mutant, place: Place) -> Result<bool, Error> {
        let Mutant { name, breaks, caught_by, .. } = mutant;
        let applied = match self.tree.apply(mutant) {
            Ok(applied) => applied,
            Err(error) => {
                say(format!("mutants: {error}"));
                return Ok(false);
            }
        };
        let result = self.test(mutant, place);
        applied.undo()?;
        let finished = result?;
        let noticed = results::one_failed(&finished.output);
        if noticed {
            say(format!("mutants: {breaks:<58} -> {caught_by}"));
        } else if finished.status.success() {
            say(format!("mutants: {name} was not noticed: the code may {breaks}, and {caught_by} passes"));
        } else {
            say(format!("{}\nmutants: {name}: {caught_by} did not run", finished.output));
        }
        Ok(noticed)
    }

    fn test(&self, mutant: &Mutant, place: Place) -> Result<process::Finished, Error> {
        let mut test = match (place, &self.scenarios) {
            (Place::Programs, Some(scenarios)) => {
                let mut cargo = self.tree.cargo();
                cargo.args(["build", "--quiet", "--workspace", "--bin", "almkey"]);
                if mutant.edits.iter().any(|edit| edit.file.starts_with("simulator/")) {
                    cargo.args(["--bin", "almkey-simulator"]);
                }
                let built = process::finish(&mut cargo)?;
                if !built.status.success() {
                    return Ok(built);
                }
                self.tree.program(scenarios)
            }
            (Place::Programs | Place::Integration, _) => {
                let mut cargo = self.tree.cargo();
                cargo.args(["test", "--quiet", "--workspace", "--test", "integration", "--"]);
                cargo
            }
            (Place::Unit(package), _) => {
                let mut cargo = self.tree.cargo();
                cargo.args(["test", "--quiet", "--package", package, "--lib", "--"]);
                cargo
            }
        };
        process::finish(test.args(["--exact", &mutant.caught_by]))
    }
}

/// Returns the path of the integration tests, if this message of cargo says that they are built.
fn integration_binary(message: &str) -> Option<PathBuf> {
    let message: serde_json::Value = serde_json::from_str(message).ok()?;
    let is_it = message["target"]["name"] == "integration" && message["target"]["kind"][0] == "test";
    message["executable"].as_str().filter(|_| is_it).map(PathBuf::from)
}
