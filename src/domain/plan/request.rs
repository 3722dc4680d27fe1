//! The request to a person: in manual mode, a person alone can change the slot.

use jiff::Timestamp;

use super::facts::Facts;
use super::possible_keys;
use super::step::{Now, Settlement, Step};
use super::steps;
use crate::domain::action::{Action, ActionOperation};
use crate::domain::conditions::Condition;
use crate::domain::evidence::Refusals;
use crate::domain::ledger::Ledger;
use crate::domain::policy::{Adapter, Mode, Policy};
use crate::domain::reason::Reason;
use crate::domain::service_key::fingerprint::KeyFingerprint;
use crate::domain::slot::{Holder, Owner, Revision};

/// Returns `Ok` once a person is asked to delete the key in the slot, or a key of ours that may be there.
///
/// # Errors
/// Returns the step that must be performed first.
pub(super) fn ask_to_delete(facts: &Facts, revision: &Revision, now: Now) -> Result<(), Step> {
    if matches!(facts.holder(), Some(Holder::Us(_))) && facts.answers.content.is_none() {
        return Err(Step::ReadContent);
    }
    let deadline = time_of_death(facts, revision, now);
    let key = possible_keys::keys_to_delete(facts).first().copied().cloned();
    ask(facts, ActionOperation::Delete, key.as_ref(), revision, deadline, now)
}

/// Returns `Ok` once a person is asked for this write.
///
/// # Errors
/// Returns the step that asks for it.
pub(super) fn ask(
    facts: &Facts,
    operation: ActionOperation,
    fingerprint: Option<&KeyFingerprint>,
    revision: &Revision,
    deadline: Option<Timestamp>,
    now: Now,
) -> Result<(), Step> {
    let new = Action {
        id: facts.action_id.clone(),
        operation,
        fingerprint: fingerprint.cloned(),
        revision: revision.clone(),
        requested_at: now.wall,
        deadline,
        steps: Vec::new(),
    };
    // The same request as before keeps its ID and its time.
    let action = match facts.ledger.action.clone().filter(|action| action.asks_for_same(&new)) {
        Some(Action { id, requested_at, .. }) => Action { id, requested_at, ..new },
        None => new,
    };
    let is_asked = facts.answers.asked && facts.ledger.action.as_ref().is_some_and(|asked| asked.id == action.id);
    if is_asked && facts.policy.mode == Mode::Enforce {
        return Ok(());
    }
    let steps = steps::steps(facts, operation, fingerprint, &action.id);
    Err(Step::Ask(Box::new(Action { steps, ..action })))
}

/// Returns the action that this reconciliation asks a person for.
fn current_action(facts: &Facts) -> Option<&Action> {
    facts.ledger.action.as_ref().filter(|_| facts.answers.asked)
}

/// Returns the action in the ledger, unless the object may no longer ask for one.
fn requested_action(facts: &Facts) -> Option<&Action> {
    let Policy { adapter, mode, suspend, .. } = facts.policy;
    let may_ask = adapter == Adapter::Manual && mode == Mode::Enforce && !suspend && !facts.subject.deleting;
    facts.ledger.action.as_ref().filter(|_| may_ask)
}

/// Returns the action in the ledger, if it is based on this revision.
pub(super) fn action_at<'a>(facts: &'a Facts, revision: &Revision) -> Option<&'a Action> {
    requested_action(facts).filter(|action| action.revision == *revision)
}

/// Returns true if a person has been asked to delete the key that the slot has at this revision. The evidence sufficed
/// then: a restart, which loses it, does not withdraw the request. A request that was made because the key was dead, and so
/// has a deadline, is void once the key signs in.
pub(super) fn is_deletion_requested(facts: &Facts, revision: &Revision) -> bool {
    let action = action_at(facts, revision).filter(|action| action.operation == ActionOperation::Delete);
    action.is_some_and(|action| action.deadline.is_none() || !facts.slot_key_signs_in())
}

/// Returns the deadline of the action that a person was asked for on the basis of this revision.
pub(super) fn earlier_deadline(facts: &Facts, revision: &Revision) -> Option<Timestamp> {
    action_at(facts, revision)?.deadline
}

/// Returns the deadline of the replacement that a person was asked for.
pub(super) fn deadline_of_replacement(facts: &Facts) -> Option<Timestamp> {
    requested_action(facts).filter(|action| action.operation == ActionOperation::Replace)?.deadline
}

/// Returns the time from which the key in the slot is dead, unless it signs in. An earlier request bears that time: a
/// restart loses the refusals that prove the death.
pub(super) fn time_of_death(facts: &Facts, revision: &Revision, now: Now) -> Option<Timestamp> {
    if facts.slot_key_signs_in() {
        return None;
    }
    let is_dead = facts.slot_refusals().is_some_and(Refusals::prove_dead);
    let before = earlier_deadline(facts, revision).filter(|deadline| *deadline <= now.wall);
    before.or(is_dead.then_some(now.wall))
}

/// Returns `Uploaded` of a slot with a key that a person has reported and that is not ours.
pub(super) fn another_key_reported(facts: &Facts) -> Condition {
    let Owner { namespace, name, .. } = &facts.subject.owner;
    let key = facts.slot_fingerprint().map(|key| format!(" ({key})")).unwrap_or_default();
    Condition::no(
        Reason::SlotOccupied,
        format!(
            "a person has reported another key in the app{key}: if it is not needed, delete it there, and run almkey check \
             {name} -n {namespace} --empty; or let the ALMTenant's spec.adoptionPolicy replace it"
        ),
    )
}

/// Returns the request to a person: what to do, until when, and the command that prints the steps.
pub(super) fn text(facts: &Facts, operation: ActionOperation, deadline: Option<Timestamp>) -> String {
    let task = match operation {
        ActionOperation::Upload => "upload the key",
        ActionOperation::Replace => "replace the key",
        ActionOperation::Delete => "delete the key",
    };
    let owner = &facts.subject.owner;
    let deadline = deadline.map(|deadline| format!(" by {deadline:.0}")).unwrap_or_default();
    format!("{task} in the app{deadline}: almkey explain {} -n {} --steps", owner.name, owner.namespace)
}

/// Returns `message` with the request to a person, if this reconciliation makes one.
pub(super) fn with_action(facts: &Facts, message: &str) -> String {
    match current_action(facts) {
        Some(action) => format!("{message}; {}", text(facts, action.operation, action.deadline)),
        None => message.to_owned(),
    }
}

/// Returns `Ready` of an object whose source is gone, if a person is asked to delete its key.
pub(super) fn removal_requested(facts: &Facts, message: &str) -> Option<Condition> {
    current_action(facts)?;
    Some(Condition::unknown(Reason::ActionRequired, with_action(facts, message)))
}

/// Returns the condition `Uploaded`, if the action that this reconciliation asks for decides it.
pub(super) fn uploaded(facts: &Facts) -> Option<Condition> {
    let action = current_action(facts)?;
    let message = text(facts, action.operation, action.deadline);
    let is_ours = matches!(facts.holder(), Some(Holder::Us(_)));
    match action.operation {
        ActionOperation::Delete if is_ours => Some(Condition::yes(Reason::ActionRequired, message)),
        ActionOperation::Delete => Some(Condition::unknown(Reason::ActionRequired, message)),
        // Our key is in the slot until it is replaced.
        ActionOperation::Upload | ActionOperation::Replace if is_ours => None,
        ActionOperation::Upload | ActionOperation::Replace => Some(Condition::no(Reason::ActionRequired, message)),
    }
}

/// Returns the condition `Uploaded` for a key that is in the slot by the word of a person.
pub(super) fn confirmed() -> Condition {
    Condition::yes(Reason::Confirmed, "a person confirmed that the key is in Landscape Management")
}

/// Returns the condition `Uploaded` for a slot whose content no person has confirmed.
pub(super) fn slot_unknown() -> Condition {
    Condition::unknown(Reason::SlotUnknown, "no person has confirmed yet what Landscape Management holds")
}

/// Returns the settlement with the action of an earlier reconciliation, because this one found out nothing that voids it.
pub(super) fn with_earlier_action(facts: &Facts, settlement: Settlement) -> Settlement {
    let action = match &facts.answers.slot {
        Some(Ok(slot)) => action_at(facts, slot.revision()),
        Some(Err(_)) | None => requested_action(facts),
    };
    let action = action.filter(|_| !facts.is_action_contradicted()).cloned();
    Settlement { ledger: Ledger { action, ..settlement.ledger }, ..settlement }
}
