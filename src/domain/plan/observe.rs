//! Nothing is written to the slot: what would be is said.

use super::settle::{self, Wait};
use super::{Facts, Now, Settlement, Step};
use crate::domain::conditions::{Condition, Conditions, Progress, Status};
use crate::domain::ledger::Operation;
use crate::domain::reason::Reason;

/// The step that is taken in place of the one that `Enforce` would take.
pub(super) fn instead_of(step: Step, facts: &Facts, now: Now) -> Step {
    let operation = match step {
        Step::SignIn(_) | Step::ReadSlot | Step::ReadContent => return step,
        Step::Settle(settlement) => return Step::Settle(Box::new(observed(*settlement))),
        Step::Record(pending) => pending.operation,
        Step::Put { .. } => Operation::Upload,
        Step::Delete { .. } => Operation::Delete,
        Step::Adopt { .. } => Operation::Adopt,
        Step::Release { .. } => Operation::Release,
    };
    Step::Settle(Box::new(would_change(facts, operation, now)))
}

/// What is right stays right; only nobody sees to it.
fn observed(settlement: Settlement) -> Settlement {
    let conditions = settlement.conditions.map(|conditions| match conditions.ready.status {
        Status::True => Conditions {
            ready: Condition::yes(
                Reason::Observed,
                "the key is valid, signs in and stands in Landscape Management; nothing is written, as spec.mode is \
                 Observe",
            ),
            ..conditions
        },
        Status::False | Status::Unknown => conditions,
    });
    Settlement { conditions, ..settlement }
}

fn would_change(facts: &Facts, operation: Operation, now: Now) -> Settlement {
    let what = match operation {
        Operation::Upload => "put the source's key there",
        Operation::Delete => "delete the key of this object there",
        Operation::Adopt => "take over the key there, which is nobody's and the very same",
        Operation::Release => "leave the key there to somebody else",
    };
    let text = format!("with spec.mode Enforce the operator would now change Landscape Management: {what}");
    let conditions = Conditions {
        ready: Condition::no(Reason::WouldChange, text),
        valid: settle::valid(facts),
        signed_in: settle::signed_in(facts),
        uploaded: settle::uploaded(facts),
        progress: Progress::Done,
        others_stand: false,
    };
    settle::with(facts, Some(conditions), &[Wait::Interval], now)
}
