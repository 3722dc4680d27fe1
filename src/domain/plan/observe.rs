//! `spec.mode: Observe`: nothing is written to the slot, and the conditions name the write that `Enforce` would
//! perform.

use super::facts::{Facts, Source, Verdict};
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

/// Returns the settlement with `Ready=True` explained as observed. A suspended object observes nothing.
fn observed(settlement: Settlement) -> Settlement {
    let conditions = settlement.conditions.map(|conditions| match (conditions.ready.status, conditions.ready.reason) {
        (Status::False | Status::Unknown, _) | (_, Reason::Suspended) => conditions,
        (Status::True, _) => Conditions {
            ready: Condition::yes(
                Reason::Observed,
                "the key is valid, signs in and is in Landscape Management; nothing is written because spec.mode is \
                 Observe",
            ),
            ..conditions
        },
    });
    Settlement { conditions, ..settlement }
}

/// Settles because `Enforce` would write. An upload or adoption is of a key that signs in, so the object is in order. A
/// removal is of a key that is lost or dead: `Ready=True` would hide that.
fn would_change(facts: &Facts, operation: Operation, now: Now) -> Settlement {
    let would = |change: &str| {
        format!("spec.mode is Observe; with Enforce, the operator would change Landscape Management: {change}")
    };
    let change = match operation {
        Operation::Upload => "upload the source's key",
        Operation::Adopt => "adopt the key in the slot, which has no owner and is identical to the source's key",
        Operation::Delete => return would_remove(facts, &would("delete the key of this object"), now),
        Operation::Release => return would_remove(facts, &would("release the key of this object"), now),
    };
    let conditions = settle::conditions(facts, Condition::yes(Reason::WouldChange, would(change)), Progress::Done);
    settle::settlement(facts, Some(conditions), &[Wait::Interval], now)
}

/// Settles because `Enforce` would remove a key, with the reason for the removal.
fn would_remove(facts: &Facts, would: &str, now: Now) -> Settlement {
    let refusal =
        [&facts.answers.slot_sign_in, &facts.answers.source_sign_in].into_iter().find_map(|verdict| match verdict {
            Some(Verdict::Refused { reason, message }) => Some((*reason, message.as_str())),
            Some(Verdict::Accepted { .. } | Verdict::Unknown { .. }) | None => None,
        });
    let (reason, problem) = match &facts.source {
        Source::Gone { message, .. } => (Reason::SourceGone, message.as_str()),
        Source::Present { .. } | Source::Unknown { .. } => {
            refusal.unwrap_or((Reason::WouldChange, "the slot holds a key that is to be removed"))
        }
    };
    let conditions = settle::conditions(facts, Condition::no(reason, format!("{problem}; {would}")), Progress::Stalled);
    settle::settlement(facts, Some(conditions), &[Wait::Interval.at_most_hourly()], now)
}
