//! A valid key in the source: it belongs into the slot, once it is proven.

use super::settle::{self, Wait};
use super::standing::{self, probe};
use super::{Content, Facts, Now, Step, Verdict, Which, learn, write};
use crate::domain::conditions::{Condition, Conditions, Progress};
use crate::domain::fingerprint::Fingerprint;
use crate::domain::ledger::Ledger;
use crate::domain::reason::Reason;
use crate::domain::retry::Retry;
use crate::domain::service_key::ServiceKey;
use crate::domain::slot::{Holder, Revision};

/// Sees to it that the slot holds `key`: proven in this very pass before it is put.
pub(super) fn in_slot(facts: &Facts, key: &ServiceKey, now: Now) -> Step {
    match &facts.answers.source_sign_in {
        None => Step::SignIn(Which::Source),
        Some(Verdict::Accepted) => proven(facts, key, now),
        Some(Verdict::Refused { reason, message }) => refused(facts, key, *reason, message, now),
        Some(Verdict::Unknown { message, retry }) => unproven(facts, message, *retry, now),
    }
}

fn proven(facts: &Facts, key: &ServiceKey, now: Now) -> Step {
    let slot = match standing::slot(facts) {
        Err(step) => return step,
        Ok(Err(trouble)) => return Step::Settle(Box::new(settle::trouble(facts, trouble, now))),
        Ok(Ok(slot)) => slot,
    };
    match slot.holder(&facts.subject.owner) {
        Holder::Empty(revision) => write::put(facts, key, revision, now),
        Holder::Us(revision) if write::may_still_land(facts, revision) => write::put(facts, key, revision, now),
        Holder::Us(revision) => match holds(facts, key, revision) {
            Err(step) => step,
            Ok(Err(trouble)) => Step::Settle(Box::new(settle::trouble(facts, trouble, now))),
            Ok(Ok(false)) => write::put(facts, key, revision, now),
            Ok(Ok(true)) => Step::Settle(Box::new(uploaded(facts, key, revision, now))),
        },
        Holder::Nobody | Holder::Other(_) => Step::Settle(Box::new(occupied(facts, now))),
    }
}

/// Whether our slot holds this very key: by the ledger if it speaks of this revision, else by the content.
fn holds<'a>(
    facts: &'a Facts,
    key: &ServiceKey,
    revision: &Revision,
) -> Result<Result<bool, &'a crate::domain::slot::RemoteTrouble>, Step> {
    let wanted = Fingerprint::of(key);
    if let Some(uploaded) = facts.ledger.uploaded.as_ref().filter(|uploaded| uploaded.revision == *revision) {
        return Ok(Ok(uploaded.fingerprint == wanted));
    }
    match facts.answers.content.as_ref().ok_or(Step::ReadContent)? {
        Err(trouble) => Ok(Err(trouble)),
        Ok(Content::Key(found)) => Ok(Ok(Fingerprint::of(found) == wanted)),
        Ok(Content::Unreadable(_)) => Ok(Ok(false)),
    }
}

fn uploaded(facts: &Facts, key: &ServiceKey, revision: &Revision, now: Now) -> super::Settlement {
    let known = facts.ledger.uploaded.clone().filter(|uploaded| uploaded.revision == *revision);
    let text = "the key is valid, signs in and stands in Landscape Management";
    let conditions = Conditions {
        ready: Condition::yes(Reason::Uploaded, text),
        valid: settle::valid(facts),
        signed_in: settle::signed_in(facts),
        uploaded: Condition::yes(Reason::Uploaded, "the key stands in Landscape Management"),
        progress: Progress::Done,
    };
    super::Settlement {
        ledger: Ledger { uploaded: Some(known.unwrap_or_else(|| learn::uploaded(key, revision, now))), pending: None },
        ..settle::with(facts, Some(conditions), &[Wait::Interval], now)
    }
}

/// The slot holds a key that is not ours. Whatever of ours was there or on its way is no more.
fn occupied(facts: &Facts, now: Now) -> super::Settlement {
    let uploaded = settle::uploaded(facts);
    let conditions = Conditions {
        ready: Condition::no(uploaded.reason, uploaded.message.clone()),
        valid: settle::valid(facts),
        signed_in: settle::signed_in(facts),
        uploaded,
        progress: Progress::Stalled,
    };
    super::Settlement {
        ledger: Ledger::default(),
        ..settle::with(facts, Some(conditions), &[Wait::Interval.at_most_hourly()], now)
    }
}

/// The source's key is refused. It is not put; and the one in the slot, the same or an earlier one, is tested.
fn refused(facts: &Facts, key: &ServiceKey, reason: Reason, message: &str, now: Now) -> Step {
    let mut waits = match standing::test(facts, now) {
        Err(step) => return step,
        Ok(waits) => waits,
    };
    let mut ledger = facts.ledger.clone();
    if let Some(Ok(slot)) = &facts.answers.slot {
        match slot.holder(&facts.subject.owner) {
            Holder::Empty(revision) if write::may_still_land(facts, revision) => {
                return write::delete(facts, revision, now);
            }
            Holder::Us(_) => {}
            Holder::Empty(_) | Holder::Nobody | Holder::Other(_) => ledger = Ledger::default(),
        }
    }
    waits = waits.into_iter().map(Wait::at_most_hourly).collect();
    waits.push(probe(facts, facts.memory.refusals.get(&Fingerprint::of(key)), now));
    let conditions = Conditions {
        ready: Condition::no(reason, message),
        valid: settle::valid(facts),
        signed_in: settle::signed_in(facts),
        uploaded: settle::uploaded(facts),
        progress: Progress::Stalled,
    };
    Step::Settle(Box::new(super::Settlement { ledger, ..settle::with(facts, Some(conditions), &waits, now) }))
}

/// Nothing is concluded from an unclear answer: what stands goes on standing, and nothing new is put.
fn unproven(facts: &Facts, message: &str, retry: Retry, now: Now) -> Step {
    if settle::stands(facts) {
        return Step::Settle(Box::new(settle::with(facts, None, &[Wait::Retry(retry)], now)));
    }
    let mut waits = vec![Wait::Retry(retry)];
    // An earlier key that stands there is not forgotten over it.
    if facts.ledger.uploaded.is_some() {
        match standing::test(facts, now) {
            Err(step) => return step,
            Ok(more) => waits.extend(more),
        }
    }
    let conditions = Conditions {
        ready: Condition::unknown(Reason::SignInUnknown, message),
        valid: settle::valid(facts),
        signed_in: settle::signed_in(facts),
        uploaded: settle::uploaded(facts),
        progress: Progress::Reconciling,
    };
    Step::Settle(Box::new(settle::with(facts, Some(conditions), &waits, now)))
}
