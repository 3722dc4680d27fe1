//! Random histories: whatever happens, the invariants hold, and in the end all comes to rest.

use std::collections::BTreeMap;
use std::env;
use std::thread;

use super::world::{course_of, plays, told};

/// How many histories there are, unless `ALMKEY_HISTORIES` says otherwise.
const HISTORIES: u64 = 2_000;

fn number(variable: &str, otherwise: u64) -> u64 {
    env::var(variable).ok().map_or(otherwise, |text| text.parse().expect("a number"))
}

/// Most of what is told of histories that fail.
const TOLD: usize = 12;

/// The steps of all histories of these seeds, and the first seed that breaks each invariant that was broken.
fn all_of(seeds: impl Iterator<Item = u64>) -> (usize, BTreeMap<String, u64>) {
    let (mut steps, mut broken) = (0, BTreeMap::new());
    for seed in seeds {
        match plays(seed) {
            Ok(taken) => steps += taken,
            Err(what) => {
                broken.entry(what).or_insert(seed);
            }
        }
    }
    (steps, broken)
}

#[test]
#[expect(clippy::print_stdout, reason = "hack/histories shows it")]
fn whatever_happens_the_invariants_hold_and_all_comes_to_rest() {
    let (first, count) = (number("ALMKEY_SEED", 1), number("ALMKEY_HISTORIES", HISTORIES));
    let threads = thread::available_parallelism().map_or(1, std::num::NonZero::get) as u64;
    let (mut steps, mut broken) = (0, BTreeMap::new());
    thread::scope(|scope| {
        let of = |thread| (first..first + count).filter(move |seed| seed % threads == thread);
        let workers: Vec<_> = (0..threads).map(|thread| scope.spawn(move || all_of(of(thread)))).collect();
        for worker in workers {
            let (taken, found) = worker.join().expect("a worker");
            steps += taken;
            for (what, seed) in found {
                broken.entry(what).or_insert(seed);
            }
        }
    });
    let told: Vec<String> = broken.values().take(TOLD).map(|seed| told(*seed)).collect();
    assert!(told.is_empty(), "{}", told.join("\n\n"));
    println!("world model: {count} histories, {steps} steps, no invariant broken");
}

#[test]
fn a_seed_names_one_history_and_one_course_of_it() {
    for seed in 1..20 {
        assert_eq!(course_of(seed), course_of(seed));
    }
    assert_ne!(course_of(1), course_of(2));
}
