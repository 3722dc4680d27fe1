//! Random histories: whatever happens, the invariants hold, and in the end all comes to rest.

use std::env;
use std::thread;

use super::history::{course_of, plays, told};
use super::regressions::broken_again;

/// How many histories there are, unless `ALMKEY_HISTORIES` says otherwise.
const HISTORIES: u64 = 2_000;

fn number(variable: &str, otherwise: u64) -> u64 {
    env::var(variable).ok().map_or(otherwise, |text| text.parse().expect("a number"))
}

/// The steps of all histories of these seeds, or the first seed of one that breaks an invariant.
fn all_of(seeds: impl Iterator<Item = u64>) -> Result<usize, u64> {
    let mut steps = 0;
    for seed in seeds {
        steps += plays(seed).map_err(|_| seed)?;
    }
    Ok(steps)
}

#[test]
#[expect(clippy::print_stdout, reason = "hack/histories shows it")]
fn whatever_happens_the_invariants_hold_and_all_comes_to_rest() {
    let (first, count) = (number("ALMKEY_SEED", 1), number("ALMKEY_HISTORIES", HISTORIES));
    let threads = thread::available_parallelism().map_or(1, std::num::NonZero::get) as u64;
    let results: Vec<Result<usize, u64>> = thread::scope(|scope| {
        let of = |thread| (first..first + count).filter(move |seed| seed % threads == thread);
        let workers: Vec<_> = (0..threads).map(|thread| scope.spawn(move || all_of(of(thread)))).collect();
        workers.into_iter().map(|worker| worker.join().expect("a worker")).collect()
    });
    let broken: Vec<String> = results.iter().filter_map(|result| Some(told(*result.as_ref().err()?))).collect();
    assert!(broken.is_empty(), "{}", broken.join("\n\n"));
    let steps: usize = results.into_iter().flatten().sum();
    println!("world model: {count} histories, {steps} steps, no invariant broken");
}

#[test]
fn a_seed_names_one_history_and_one_course_of_it() {
    for seed in 1..20 {
        assert_eq!(course_of(seed), course_of(seed));
    }
    assert_ne!(course_of(1), course_of(2));
}

#[test]
fn what_histories_have_found_stays_mended() {
    assert_eq!(broken_again(), Vec::<String>::new());
}
