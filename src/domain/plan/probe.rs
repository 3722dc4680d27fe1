//! The periodic probe of the key in the slot.

use super::facts::{Content, Facts, Verdict};
use super::settle::Wait;
use super::step::{KeyRole, Now, Step};
use super::{request, write};
use crate::domain::evidence::Refusals;
use crate::domain::policy::DeadAction;
use crate::domain::reason::Reason;
use crate::domain::retry::Retry;
use crate::domain::service_key::ServiceKey;
use crate::domain::slot::{Holder, RemoteTrouble, Revision, Slot};

/// The answer to a read of the slot.
pub(super) enum SlotState<'a> {
    /// The slot was read.
    Read(&'a Slot),
    /// The slot could not be read.
    Unavailable(&'a RemoteTrouble),
}

/// The state of the key in our slot.
#[derive(Clone, Copy)]
pub(super) enum SlotKey {
    /// The content is not a key that can sign in.
    Unusable,
    /// The token endpoint accepts the key.
    Accepted,
    /// The token endpoint refuses the key, for this reason.
    Refused(Reason),
    /// The key cannot be tested: in manual mode, neither the source nor its stale copy holds it.
    NotAvailable,
    /// Nothing is known: the content could not be read, or the token endpoint gave no clear answer.
    Unknown(Retry),
}

/// Returns the answer to the read of the slot.
///
/// # Errors
/// Returns the step that reads the slot if that has not been done.
pub(super) fn slot_state(facts: &Facts) -> Result<SlotState<'_>, Step> {
    match facts.answers.slot.as_ref().ok_or(Step::ReadSlot)? {
        Ok(slot) => Ok(SlotState::Read(slot)),
        Err(trouble) => Ok(SlotState::Unavailable(trouble)),
    }
}

/// Returns the state of the key in our slot.
///
/// # Errors
/// Returns the step that reads the key or signs in with it, if that has not been done.
pub(super) fn slot_key(facts: &Facts) -> Result<SlotKey, Step> {
    let key = match facts.answers.content.as_ref().ok_or(Step::ReadContent)? {
        Ok(Content::Key(key)) => key,
        Ok(Content::Unreadable(_)) => return Ok(SlotKey::Unusable),
        Ok(Content::NotAvailable(_)) => return Ok(SlotKey::NotAvailable),
        Err(trouble) => return Ok(SlotKey::Unknown(trouble.retry)),
    };
    Ok(match verdict(facts, key)? {
        Verdict::Accepted { .. } => SlotKey::Accepted,
        Verdict::Refused { reason, .. } => SlotKey::Refused(*reason),
        Verdict::Unknown { retry, .. } => SlotKey::Unknown(*retry),
    })
}

/// Returns the verdict on `key`, which is the content of our slot.
///
/// # Errors
/// Returns the step that signs in with the key if that has not been done. A key that is also the source's is tested
/// once.
pub(super) fn verdict<'a>(facts: &'a Facts, key: &ServiceKey) -> Result<&'a Verdict, Step> {
    let is_sources =
        facts.source_key().is_some_and(|source| source.credentials_fingerprint() == key.credentials_fingerprint());
    let (verdict, role) = if is_sources {
        (&facts.answers.source_sign_in, KeyRole::Source)
    } else {
        (&facts.answers.slot_sign_in, KeyRole::Slot)
    };
    verdict.as_ref().ok_or(Step::SignIn(role))
}

/// Probes the key in our slot, and deletes it once it is proven dead. Returns the waits until the next probe.
///
/// # Errors
/// Returns the step that must be performed first.
pub(super) fn probe_slot_key(facts: &Facts, now: Now) -> Result<Vec<Wait>, Step> {
    let slot = match slot_state(facts)? {
        SlotState::Read(slot) => slot,
        SlotState::Unavailable(trouble) => return Ok(vec![Wait::Retry(trouble.retry)]),
    };
    let Holder::Us(revision) = slot.holder(&facts.subject.owner) else {
        // There is no key of ours to probe.
        return Ok(vec![Wait::Interval.at_most_hourly()]);
    };
    let wait = match slot_key(facts)? {
        SlotKey::Accepted => return Ok(vec![Wait::Interval]),
        SlotKey::Refused(_) => return delete_if_dead(facts, revision, now),
        SlotKey::Unusable | SlotKey::NotAvailable => Wait::Interval,
        SlotKey::Unknown(retry) => Wait::Retry(retry),
    };
    // The key was found dead before, and nothing has contradicted that.
    if facts.policy.dead_action == DeadAction::Delete && request::is_deletion_requested(facts, revision) {
        request::ask_to_delete(facts, revision, now)?;
    }
    Ok(vec![wait])
}

/// Deletes the refused key in our slot once all probes have failed. Returns the wait until the next probe.
///
/// # Errors
/// Returns the step that deletes the key.
pub(super) fn delete_if_dead(facts: &Facts, revision: &Revision, now: Now) -> Result<Vec<Wait>, Step> {
    let wait = wait_until_dead(facts, now).filter(|_| !request::is_deletion_requested(facts, revision));
    match (facts.policy.dead_action, wait) {
        (DeadAction::Delete, None) => write::delete(facts, revision, now),
        (DeadAction::Report, None) => Ok(vec![next_probe(facts, facts.slot_refusals(), now)]),
        (DeadAction::Delete | DeadAction::Report, Some(wait)) => Ok(vec![wait]),
    }
}

/// Returns the wait until the next probe of the refused key in our slot, or none if the key is proven dead.
pub(super) fn wait_until_dead(facts: &Facts, now: Now) -> Option<Wait> {
    let refusals = facts.slot_refusals();
    (!refusals.is_some_and(Refusals::prove_dead)).then(|| next_probe(facts, refusals, now))
}

/// Returns the wait until the next probe of a refused key: the schedule of dead keys first, then hourly.
pub(super) fn next_probe(facts: &Facts, refusals: Option<&Refusals>, now: Now) -> Wait {
    match refusals.and_then(|refusals| refusals.next_probe(facts.policy.dead_after)) {
        Some(due) => Wait::Exactly(due.remaining(now.monotonic)),
        None => Wait::Retry(Retry::Never),
    }
}
