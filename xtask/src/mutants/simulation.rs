//! Mutants that the random histories of the simulation find.

use super::definition::Mutant;
use super::tree::Tree;
use crate::console::say;
use crate::error::Error;
use crate::{optimised, process};

/// Maximum number of simulated histories before a mutant counts as missed. Each kind of history finds other mutants.
const HISTORIES: &str = "28000";
/// More would compile longer than it saves.
const OPT_LEVEL: u8 = 1;

/// Tries the mutants, and returns how many were found. The shortest history of the first one is printed, of the others
/// what was broken.
pub fn run(mutants: &[Mutant]) -> Result<usize, Error> {
    // A target folder of its own: in that of the work tree, cargo would take the broken copy for the tree itself.
    let tree = Tree::copy("simulation")?;
    process::run(&mut optimised::build(tree.cargo(), OPT_LEVEL), "compiling the simulation")?;
    let mut found = 0;
    for mutant in mutants {
        let Mutant { name, breaks, caught_by, .. } = mutant;
        let applied = tree.apply(mutant)?;
        let mut test = optimised::test(tree.cargo(), OPT_LEVEL, caught_by);
        let finished = process::finish(test.env("ALMKEY_HISTORIES", HISTORIES));
        applied.undo()?;
        let finished = finished?;
        let history = history(&finished.output);
        match (finished.status.success(), history.first()) {
            (true, _) => say(format!("mutants: {name} was not found in {HISTORIES} histories: {breaks}")),
            (false, None) => say(format!("{}\nmutants: {name}: the histories did not run", finished.output)),
            (false, Some(seed)) => {
                found += 1;
                say(format!("mutants: {name}: {breaks} -> {seed}"));
                if found == 1 {
                    history[1..].iter().for_each(|step| say(format!("mutants:   {step}")));
                }
            }
        }
    }
    Ok(found)
}

/// Returns the first line of a failing history, which names its seed, and the steps of the shortest one.
fn history(output: &str) -> Vec<&str> {
    let mut lines = output.lines().skip_while(|line| !line.starts_with("seed "));
    let first = lines.next();
    // A headline stands between them, and the steps are indented.
    first.into_iter().chain(lines.skip(1).take_while(|line| line.starts_with("  "))).collect()
}

#[cfg(test)]
mod tests {
    use super::history;

    #[test]
    fn the_first_failing_history_is_taken_without_its_course() {
        let output = "running 1 test\nseed 7: a key was lost\nthe shortest history that shows it:\n  Bind\n  Wait(3)\n\
                      and its course:\n  Bind\n  call\n\nseed 9: another\n";
        assert_eq!(history(output), ["seed 7: a key was lost", "  Bind", "  Wait(3)"]);
        assert_eq!(history("error: could not compile"), Vec::<&str>::new());
    }
}
