//! `spec.mode: Observe`: nothing is written to the slot, and the conditions name the write that `Enforce` would
//! perform.

use super::facts::{Facts, Source, Verdict};
use super::probe::{self, SlotKey};
use super::settle::{self, Wait};
use super::step::{Now, Settlement, Step};
use crate::domain::action::ActionOperation;
use crate::domain::conditions::{Condition, Conditions, Progress, Status};
use crate::domain::ledger::Operation;
use crate::domain::reason::Reason;
use crate::domain::slot::Holder;

/// Returns the decision of `Enforce` with each write replaced by a settlement that describes it.
pub(super) fn without_writes(decision: Result<Settlement, Step>, facts: &Facts, now: Now) -> Result<Settlement, Step> {
    let operation = match decision {
        Ok(settlement) => return Ok(observed(settlement)),
        Err(step @ (Step::SignIn(_) | Step::ReadSlot | Step::ReadContent | Step::Settle(_))) => return Err(step),
        Err(Step::Record(pending)) => pending.operation,
        Err(Step::Ask(action)) => match action.operation {
            ActionOperation::Upload | ActionOperation::Replace => Operation::Upload,
            ActionOperation::Delete => Operation::Delete,
        },
        Err(Step::Put { .. }) => Operation::Upload,
        Err(Step::Delete { .. }) => Operation::Delete,
        Err(Step::Adopt { .. }) => Operation::Adopt,
        Err(Step::Release { .. }) => Operation::Release,
    };
    would_change(facts, operation, now)
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

/// Settles because `Enforce` would write. An upload or adoption is of a key that signs in, so the object is in order. It is
/// not while `Enforce` would remove or replace a key that is lost or dead: `Ready=True` would hide that.
///
/// # Errors
/// Returns the step that must be performed first.
fn would_change(facts: &Facts, operation: Operation, now: Now) -> Result<Settlement, Step> {
    let change = match operation {
        Operation::Upload => "upload the source's key",
        Operation::Adopt => "adopt the key in the slot, which has no owner and is identical to the source's key",
        Operation::Delete => "delete the key of this object",
        Operation::Release => "release the key of this object",
    };
    let message =
        format!("spec.mode is Observe; with Enforce, the operator would change Landscape Management: {change}");
    let mut waits = vec![Wait::Interval];
    let is_ours = matches!(facts.holder(), Some(Holder::Us(_)));
    let is_in_order = match operation {
        Operation::Delete | Operation::Release => false,
        Operation::Upload if is_ours => match probe::slot_key(facts)? {
            SlotKey::Accepted | SlotKey::Unknown(_) | SlotKey::NotAvailable => true,
            SlotKey::Unusable => false,
            SlotKey::Refused(_) => {
                let next_probe = probe::wait_until_dead(facts, now);
                waits.extend(next_probe);
                next_probe.is_some() && !was_dead(facts)
            }
        },
        Operation::Upload | Operation::Adopt => true,
    };
    if !is_in_order {
        return Ok(out_of_order(facts, &message, &waits, now));
    }
    let conditions = settle::conditions(facts, Condition::yes(Reason::WouldChange, message), Progress::Done);
    Ok(settle::settlement(facts, Some(conditions), &waits, now))
}

/// Returns true if the key in the slot was found dead before. A restart loses the refusals that prove it.
fn was_dead(facts: &Facts) -> bool {
    facts.previous.as_ref().is_some_and(|previous| {
        let is_refusal = matches!(previous.ready.reason, Reason::CredentialsRefused | Reason::IdentityZoneNotFound);
        previous.ready.status == Status::False && is_refusal
    })
}

/// Settles because the key in the slot is lost or dead, and would not stay there.
fn out_of_order(facts: &Facts, change: &str, waits: &[Wait], now: Now) -> Settlement {
    let refusal =
        [&facts.answers.slot_sign_in, &facts.answers.source_sign_in].into_iter().find_map(|verdict| match verdict {
            Some(Verdict::Refused { reason, message }) => Some((*reason, message.as_str())),
            Some(Verdict::Accepted { .. } | Verdict::Unknown { .. }) | None => None,
        });
    let (reason, problem) = match &facts.source {
        Source::Gone { message, .. } => (Reason::SourceGone, message.clone()),
        Source::Present { .. } | Source::Unknown { .. } => match refusal {
            Some((reason, message)) => {
                (reason, format!("the key in Landscape Management no longer signs in: {message}"))
            }
            None => (Reason::WouldChange, "Landscape Management holds no usable key of this object".to_owned()),
        },
    };
    let ready = Condition::no(reason, format!("{problem}; {change}"));
    let conditions = settle::conditions(facts, ready, Progress::Stalled);
    let waits: Vec<Wait> = waits.iter().map(|wait| wait.at_most_hourly()).collect();
    settle::settlement(facts, Some(conditions), &waits, now)
}
