//! The periodic test of the key that stands in the slot.

use super::settle::Wait;
use super::{Content, Facts, KeyRole, Now, Step, Verdict, write};
use crate::domain::evidence::Refusals;
use crate::domain::policy::DeadAction;
use crate::domain::retry::Retry;
use crate::domain::service_key::fingerprint::Fingerprint;
use crate::domain::slot::{Holder, RemoteTrouble, Revision, Slot};

/// What the slot showed, or the step that shows it.
pub(super) fn slot(facts: &Facts) -> Result<Result<&Slot, &RemoteTrouble>, Step> {
    facts.answers.slot.as_ref().map(Result::as_ref).ok_or(Step::ReadSlot)
}

/// How the key in our slot fares; none if it cannot be used for signing in.
pub(super) fn slot_verdict(facts: &Facts) -> Result<Result<Option<&Verdict>, &RemoteTrouble>, Step> {
    let key = match facts.answers.content.as_ref().ok_or(Step::ReadContent)? {
        Err(trouble) => return Ok(Err(trouble)),
        Ok(Content::Unreadable(_)) => return Ok(Ok(None)),
        Ok(Content::Key(key)) => key,
    };
    let same_as_source = facts.source_key().map(Fingerprint::of) == Some(Fingerprint::of(key));
    let known = if same_as_source { &facts.answers.source_sign_in } else { &facts.answers.slot_sign_in };
    let asked = if same_as_source { KeyRole::Source } else { KeyRole::Slot };
    known.as_ref().map(|verdict| Ok(Some(verdict))).ok_or(Step::SignIn(asked))
}

/// Tests the key of ours that stands in the slot, and deletes it once it is proven dead.
///
/// Answers when to look again; the step, while there is something to do before.
pub(super) fn test(facts: &Facts, now: Now) -> Result<Vec<Wait>, Step> {
    let slot = match slot(facts)? {
        Ok(slot) => slot,
        Err(trouble) => return Ok(vec![Wait::Retry(trouble.retry)]),
    };
    let Holder::Us(revision) = slot.holder(&facts.subject.owner) else {
        // There is nothing to test.
        return Ok(vec![Wait::Interval.at_most_hourly()]);
    };
    match slot_verdict(facts)? {
        Err(trouble) => Ok(vec![Wait::Retry(trouble.retry)]),
        Ok(None | Some(Verdict::Accepted { .. })) => Ok(vec![Wait::Interval]),
        Ok(Some(Verdict::Unknown { retry, .. })) => Ok(vec![Wait::Retry(*retry)]),
        Ok(Some(Verdict::Refused { .. })) => refused(facts, revision, now),
    }
}

/// The key in the slot was refused: dead when all probes say so.
pub(super) fn refused(facts: &Facts, revision: &Revision, now: Now) -> Result<Vec<Wait>, Step> {
    let refusals = facts.slot_key().map(Fingerprint::of).and_then(|key| facts.observations.refusals.get(&key));
    let dead = refusals.is_some_and(Refusals::prove_dead);
    match facts.policy.dead_action {
        DeadAction::Delete if dead => Err(write::delete(facts, revision, now)),
        DeadAction::Delete | DeadAction::Report => Ok(vec![next_probe(facts, refusals, now)]),
    }
}

/// When the next probe of a refused key is due: by the schedule of dead keys, then hourly.
pub(super) fn next_probe(facts: &Facts, refusals: Option<&Refusals>, now: Now) -> Wait {
    match refusals.and_then(|refusals| refusals.next_probe(facts.policy.dead_after)) {
        Some(due) => Wait::Exactly(due.remaining(now.monotonic)),
        None => Wait::Retry(Retry::Never),
    }
}
