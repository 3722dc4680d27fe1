//! The test of random histories.

use std::env;
use std::thread;

use super::generator::draw_history;
use super::history::{run_seed, run_with_trace};
use super::shrink::report;

/// The number of histories unless `ALMKEY_HISTORIES` is set.
const DEFAULT_HISTORIES: u64 = 2_000;

fn number_from_env(variable: &str, default: u64) -> u64 {
    env::var(variable).ok().map_or(default, |text| text.parse().expect("a number"))
}

/// Runs the histories of these seeds. Returns the number of their steps, or the first seed that violates an invariant.
fn run_seeds(seeds: impl Iterator<Item = u64>) -> Result<usize, u64> {
    let mut steps = 0;
    for seed in seeds {
        steps += run_seed(seed).map_err(|_| seed)?;
    }
    Ok(steps)
}

#[test]
#[expect(clippy::print_stdout, reason = "`cargo xtask histories` reads the result")]
fn random_histories_keep_the_invariants_and_converge() {
    let first = number_from_env("ALMKEY_SEED", 1);
    let count = number_from_env("ALMKEY_HISTORIES", DEFAULT_HISTORIES);
    let threads = thread::available_parallelism().map_or(1, std::num::NonZero::get) as u64;
    let results: Vec<Result<usize, u64>> = thread::scope(|scope| {
        let share = |thread| (first..first + count).filter(move |seed| seed % threads == thread);
        let workers: Vec<_> = (0..threads).map(|thread| scope.spawn(move || run_seeds(share(thread)))).collect();
        workers.into_iter().map(|worker| worker.join().expect("a worker's result")).collect()
    });
    let reports: Vec<String> = results.iter().filter_map(|result| Some(report(*result.as_ref().err()?))).collect();
    assert!(reports.is_empty(), "{}", reports.join("\n\n"));
    let steps: usize = results.into_iter().flatten().sum();
    println!("simulation: {count} histories, {steps} steps, no invariant broken");
}

#[test]
fn a_seed_names_one_history_and_one_course_of_it() {
    let trace = |seed| run_with_trace(seed, &draw_history(seed)).1;
    for seed in 1..20 {
        assert_eq!(trace(seed), trace(seed));
    }
    assert_ne!(trace(1), trace(2));
}
