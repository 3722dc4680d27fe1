//! `cargo xtask mutants`: breaks the code in known ways, in copies of the tree, and checks that the tests notice.

mod definition;
mod locate;
mod simulation;
mod suite;
mod tree;

#[cfg(test)]
mod tests;

use std::time::Instant;

pub use self::definition::Catalogue;
use self::definition::read;
use crate::console::say;
use crate::error::Error;

/// Tries the mutants of both catalogues, or of `only` one, or those of these names.
pub fn run(names: &[String], only: Option<Catalogue>) -> Result<(), Error> {
    let mut chosen = Vec::new();
    for catalogue in [Catalogue::Suite, Catalogue::Simulation] {
        if only.is_none_or(|only| only == catalogue) {
            let mut mutants = read(catalogue)?;
            mutants.retain(|mutant| names.is_empty() || names.contains(&mutant.name));
            chosen.push((catalogue, mutants));
        }
    }
    let is_chosen = |name: &String| chosen.iter().flat_map(|(_, mutants)| mutants).any(|mutant| mutant.name == *name);
    if let Some(unknown) = names.iter().find(|name| !is_chosen(name)) {
        return Err(Error::Finding(format!("mutants: there is no mutant {unknown:?} in tests/mutants")));
    }
    let mut all_noticed = true;
    for (catalogue, mutants) in chosen.into_iter().filter(|(_, mutants)| !mutants.is_empty()) {
        let started = Instant::now();
        let (noticed, by) = match catalogue {
            Catalogue::Suite => (suite::run(&mutants)?, "noticed by their tests"),
            Catalogue::Simulation => (simulation::run(&mutants)?, "found by the simulation"),
        };
        let not = mutants.len() - noticed;
        say(format!("mutants: {noticed} {by}, {not} not, in {} s", started.elapsed().as_secs()));
        all_noticed &= not == 0;
    }
    if all_noticed { Ok(()) } else { Err(Error::Finding("mutants: a mutant survived: see above".into())) }
}

/// Returns the path of the test that plays the histories of the simulation.
pub fn simulation_test() -> Result<String, Error> {
    let mutants = read(Catalogue::Simulation)?;
    let first = mutants.into_iter().next();
    first.map(|mutant| mutant.caught_by).ok_or_else(|| Error::Finding("simulation.toml has no mutants".into()))
}
