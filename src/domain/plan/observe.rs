//! `spec.mode: Observe`: nothing is written to the slot, and the conditions name the write that `Enforce` would
//! perform.

use super::facts::Facts;
use super::settle::{self, Wait};
use super::step::{Now, Settlement, Step};
use crate::domain::conditions::{Condition, Conditions, Progress, Status};
use crate::domain::ledger::Operation;
use crate::domain::reason::Reason;

/// Returns the decision of `Enforce` with each write replaced by a settlement that describes it.
pub(super) fn without_writes(decision: Result<Settlement, Step>, facts: &Facts, now: Now) -> Result<Settlement, Step> {
    let operation = match decision {
        Ok(settlement) => return Ok(observed(settlement)),
        Err(step @ (Step::SignIn(_) | Step::ReadSlot | Step::ReadContent | Step::Settle(_))) => return Err(step),
        Err(Step::Record(pending)) => pending.operation,
        Err(Step::Put { .. }) => Operation::Upload,
        Err(Step::Delete { .. }) => Operation::Delete,
        Err(Step::Adopt { .. }) => Operation::Adopt,
        Err(Step::Release { .. }) => Operation::Release,
    };
    Ok(would_change(facts, operation, now))
}

/// Returns the settlement with `Ready=True` explained as observed.
fn observed(settlement: Settlement) -> Settlement {
    let conditions = settlement.conditions.map(|conditions| match conditions.ready.status {
        Status::True => Conditions {
            ready: Condition::yes(
                Reason::Observed,
                "the key is valid, signs in and is in Landscape Management; nothing is written because spec.mode is \
                 Observe",
            ),
            ..conditions
        },
        Status::False | Status::Unknown => conditions,
    });
    Settlement { conditions, ..settlement }
}

fn would_change(facts: &Facts, operation: Operation, now: Now) -> Settlement {
    let change = match operation {
        Operation::Upload => "upload the source's key",
        Operation::Delete => "delete the key of this object",
        Operation::Adopt => "adopt the key in the slot, which has no owner and is identical to the source's key",
        Operation::Release => "release the key of this object",
    };
    let message =
        format!("spec.mode is Observe; with Enforce, the operator would change Landscape Management: {change}");
    let conditions = settle::conditions(facts, Condition::no(Reason::WouldChange, message), Progress::Done);
    settle::settlement(facts, Some(conditions), &[Wait::Interval], now)
}
