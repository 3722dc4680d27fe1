//! A key of ours stands in the slot, and its object or its source goes: it is handed over, left there, or deleted.

use super::settle::Wait;
use super::{Content, Facts, Now, Step, Verdict, probe, write};
use crate::domain::evidence::Refusals;
use crate::domain::plan::facts::Heir;
use crate::domain::policy::{DeadAction, DeletionPolicy};
use crate::domain::service_key::fingerprint::Fingerprint;
use crate::domain::slot::{Ownership, Revision};

/// The object is being deleted. Answers when to look again; the step, while there is something to do.
pub(super) fn with_object(facts: &Facts, revision: &Revision, now: Now) -> Result<Vec<Wait>, Step> {
    if is_adopted(facts) {
        return adopted(facts, revision, now);
    }
    match facts.policy.deletion {
        DeletionPolicy::Retain => retained(facts, revision, now),
        DeletionPolicy::Delete => handed_over_or_deleted(facts, revision, now),
    }
}

/// The source is gone, for as long as it takes.
pub(super) fn with_source(facts: &Facts, revision: &Revision, now: Now) -> Result<Vec<Wait>, Step> {
    match facts.policy.deletion {
        DeletionPolicy::Retain => retained(facts, revision, now),
        DeletionPolicy::Delete => handed_over_or_deleted(facts, revision, now),
    }
}

/// Whether the key in our slot was there before us.
pub(super) fn is_adopted(facts: &Facts) -> bool {
    matches!(&facts.answers.slot, Some(Ok(slot)) if slot.is_adopted())
}

/// It was not put there by us: it is deleted only when it is dead, and otherwise left as it was found.
fn adopted(facts: &Facts, revision: &Revision, now: Now) -> Result<Vec<Wait>, Step> {
    match probe::slot_verdict(facts)? {
        Err(trouble) => Ok(vec![Wait::Retry(trouble.retry)]),
        Ok(Some(Verdict::Unknown { retry, .. })) => Ok(vec![Wait::Retry(*retry)]),
        Ok(Some(Verdict::Accepted { .. })) => Err(write::release(facts, revision, to_heir(facts), now)),
        Ok(None) => Err(write::release(facts, revision, None, now)),
        Ok(Some(Verdict::Refused { .. })) => {
            let refusals = facts.slot_key().map(Fingerprint::of).and_then(|key| facts.observations.refusals.get(&key));
            if refusals.is_some_and(Refusals::prove_dead) {
                return Err(write::delete(facts, revision, now));
            }
            Ok(vec![probe::next_probe(facts, refusals, now)])
        }
    }
}

/// A living key is left there without an owner; a dead one is not.
fn retained(facts: &Facts, revision: &Revision, now: Now) -> Result<Vec<Wait>, Step> {
    match probe::slot_verdict(facts)? {
        Err(trouble) => Ok(vec![Wait::Retry(trouble.retry)]),
        Ok(Some(Verdict::Unknown { retry, .. })) => Ok(vec![Wait::Retry(*retry)]),
        Ok(None | Some(Verdict::Accepted { .. })) => Err(write::release(facts, revision, None, now)),
        // Nobody would ever delete it, and nothing is to wait for that.
        Ok(Some(Verdict::Refused { .. })) if facts.policy.dead_action == DeadAction::Report => {
            Err(write::release(facts, revision, None, now))
        }
        Ok(Some(Verdict::Refused { .. })) => probe::refused(facts, revision, now),
    }
}

/// The next in line gets the key if it holds the very same: the slot is not empty for a moment then. Only a refusal
/// speaks against it; while the token endpoint is down, to delete the key would take it from both.
fn handed_over_or_deleted(facts: &Facts, revision: &Revision, now: Now) -> Result<Vec<Wait>, Step> {
    let Some(heir) = &facts.siblings.heir else { return Err(write::delete(facts, revision, now)) };
    let known = facts.ledger.uploaded.as_ref().filter(|uploaded| uploaded.revision == *revision);
    if known.is_some_and(|uploaded| uploaded.fingerprint != heir.fingerprint) {
        return Err(write::delete(facts, revision, now));
    }
    match facts.answers.content.as_ref().ok_or(Step::ReadContent)? {
        Err(trouble) => return Ok(vec![Wait::Retry(trouble.retry)]),
        Ok(Content::Key(key)) if Fingerprint::of(key) == heir.fingerprint => {}
        Ok(Content::Key(_) | Content::Unreadable(_)) => return Err(write::delete(facts, revision, now)),
    }
    match probe::slot_verdict(facts)? {
        Ok(Some(Verdict::Accepted { .. } | Verdict::Unknown { .. })) => {
            Err(write::release(facts, revision, to_heir(facts), now))
        }
        Ok(Some(Verdict::Refused { .. }) | None) | Err(_) => Err(write::delete(facts, revision, now)),
    }
}

/// The next in line, if it holds the key that stands there.
fn to_heir(facts: &Facts) -> Option<Ownership> {
    let Heir { owner, fingerprint } = facts.siblings.heir.as_ref()?;
    let same = facts.slot_key().map(Fingerprint::of).as_ref() == Some(fingerprint);
    same.then(|| Ownership { owner: owner.clone(), adopted: is_adopted(facts) })
}
