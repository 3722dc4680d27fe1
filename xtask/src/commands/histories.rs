//! `cargo xtask histories`: random histories of the simulation. A seed names a history for good.

use std::time::Instant;

use crate::cargo::cargo;
use crate::console::say;
use crate::error::Error;
use crate::mutants::simulation_test;
use crate::{optimised, process};

const OPT_LEVEL: u8 = 3;

/// Runs `count` histories from the seed `first` on. A failing history is printed with its seed, made short.
pub fn run(count: u64, first: u64) -> Result<(), Error> {
    let test = simulation_test()?;
    process::run(&mut optimised::build(cargo(), OPT_LEVEL), "compiling the simulation")?;
    say(format!("simulation: seeds {first} to {}", first.saturating_add(count).saturating_sub(1)));
    let started = Instant::now();
    let mut histories = optimised::test(cargo(), OPT_LEVEL, &test);
    histories.env("ALMKEY_HISTORIES", count.to_string()).env("ALMKEY_SEED", first.to_string());
    let finished = process::finish(&mut histories)?;
    let summary = finished.output.lines().find(|line| line.contains(" histories, "));
    match summary.filter(|_| finished.status.success()) {
        Some(summary) => {
            let taken = started.elapsed().as_secs();
            say(format!("simulation: {} histories per second", count / taken.max(1)));
            // The test names the simulation itself before its first colon.
            let summary = summary.split_once(": ").map_or(summary, |(_, numbers)| numbers);
            say(format!("simulation: {summary}, in {taken} s"));
            Ok(())
        }
        None => Err(Error::Finding(format!("{}\nsimulation: failed", finished.output))),
    }
}
