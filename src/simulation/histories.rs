//! The test of random histories.

use std::env;
use std::thread;

use super::generator::{draw_cloned_history, draw_history};
use super::history::{run, run_with_trace};
use super::manual::generator::draw_manual_history;
use super::shrink::report;
use super::step::Step;

/// The number of histories unless `ALMKEY_HISTORIES` is set.
const DEFAULT_HISTORIES: u64 = 2_000;
/// One of this many histories is of two clusters with the same cluster ID.
const CLONED_SHARE: u64 = 10;
/// One of this many histories is in manual mode.
const MANUAL_SHARE: u64 = 4;

fn number_from_env(variable: &str, default: u64) -> u64 {
    env::var(variable).ok().map_or(default, |text| text.parse().expect("a number"))
}

/// Runs the histories of these seeds. Returns the number of their steps, or the first seed that violates an invariant.
fn run_seeds(seeds: impl Iterator<Item = u64>, draw: fn(u64) -> Vec<Step>) -> Result<usize, u64> {
    let mut steps = 0;
    for seed in seeds {
        steps += run(seed, &draw(seed)).map_err(|_| seed)?;
    }
    Ok(steps)
}

/// Runs `count` histories on all cores. Returns the number of their steps. Fails with the report of those that violate an
/// invariant.
fn run_histories(count: u64, draw: fn(u64) -> Vec<Step>) -> usize {
    let first = number_from_env("ALMKEY_SEED", 1);
    let threads = thread::available_parallelism().map_or(1, std::num::NonZero::get) as u64;
    let results: Vec<Result<usize, u64>> = thread::scope(|scope| {
        let share = |thread| (first..first + count).filter(move |seed| seed % threads == thread);
        let workers: Vec<_> = (0..threads).map(|thread| scope.spawn(move || run_seeds(share(thread), draw))).collect();
        workers.into_iter().map(|worker| worker.join().expect("a worker's result")).collect()
    });
    let failed = results.iter().filter_map(|result| Some(report(*result.as_ref().err()?, draw)));
    let reports: Vec<String> = failed.collect();
    assert!(reports.is_empty(), "{}", reports.join("\n\n"));
    results.into_iter().flatten().sum()
}

#[test]
#[expect(clippy::print_stdout, reason = "`cargo xtask histories` reads the result")]
fn random_histories_keep_the_invariants_and_converge() {
    let count = number_from_env("ALMKEY_HISTORIES", DEFAULT_HISTORIES);
    let (cloned, manual) = match env::var("ALMKEY_KIND").as_deref() {
        Ok("http") => (0, 0),
        Ok("cloned") => (count, 0),
        Ok("manual") => (0, count),
        _ => (count / CLONED_SHARE, count / MANUAL_SHARE),
    };
    let steps = run_histories(manual, draw_manual_history)
        + run_histories(cloned, draw_cloned_history)
        + run_histories(count - cloned - manual, draw_history);
    println!(
        "simulation: {count} histories, {cloned} of them with a cloned cluster and {manual} in manual mode, {steps} steps, \
         no invariant broken"
    );
}

#[test]
fn a_seed_names_one_history_and_one_course_of_it() {
    for draw in [draw_history, draw_manual_history] {
        let trace = |seed| run_with_trace(seed, &draw(seed)).1;
        for seed in 1..20 {
            assert_eq!(trace(seed), trace(seed));
        }
        assert_ne!(trace(1), trace(2));
    }
}
