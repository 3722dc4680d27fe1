//! Shrinks a failing history, and reports it.
//!
//! Any part of a history is a history too, so shrinking is leaving steps out as long as an invariant is still violated.

use crate::simulation::history::{Violation, run, run_with_trace};
use crate::simulation::step::Step;

/// Returns a shorter history of the same kind that fails, too. No single step of it can be left out.
fn shrink(seed: u64, mut steps: Vec<Step>) -> Vec<Step> {
    if let Err(Violation { step: Some(last), .. }) = run(seed, &steps) {
        steps.truncate(last + 1);
    }
    // Without its first step, a history in manual mode would be one of another kind.
    let kept = usize::from(matches!(steps.first(), Some(Step::ManualMode)));
    let mut chunk = steps.len().div_ceil(2);
    while chunk > 0 {
        let (mut start, mut has_shrunk) = (kept, false);
        while start < steps.len() {
            let mut shorter = steps.clone();
            shorter.drain(start..(start + chunk).min(steps.len()));
            if run(seed, &shorter).is_err() {
                steps = shorter;
                has_shrunk = true;
            } else {
                start += chunk;
            }
        }
        chunk = if has_shrunk && chunk == 1 { 1 } else { chunk / 2 };
    }
    steps
}

/// Shrinks the failing history that `draw` draws from a seed. Returns its report: the violation, the steps, and the trace.
pub(crate) fn report(seed: u64, draw: fn(u64) -> Vec<Step>) -> String {
    let steps = shrink(seed, draw(seed));
    let (violation, trace) = run_with_trace(seed, &steps);
    let violation = violation.unwrap_or_else(|| "no invariant broken".into());
    let steps: Vec<String> = steps.iter().map(|step| format!("  {step:?}")).collect();
    format!(
        "seed {seed}: {violation}\nthe shortest history that shows it:\n{}\nand its course:\n{}",
        steps.join("\n"),
        trace.join("\n")
    )
}
