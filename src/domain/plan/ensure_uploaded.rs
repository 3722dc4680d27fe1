//! A valid key in the source: it belongs into the slot, once it is proven.

use super::probe;
use super::settle::{self, Unverified, Wait};
use super::{Content, Facts, KeyRole, Now, Settlement, Step, Verdict, blocked, learn, occupied, write};
use crate::domain::conditions::{Condition, Conditions, Progress, Status};
use crate::domain::ledger::{Ledger, Origin, Uploaded};
use crate::domain::policy::AdoptionPolicy;
use crate::domain::reason::Reason;
use crate::domain::retry::Retry;
use crate::domain::service_key::ServiceKey;
use crate::domain::service_key::fingerprint::Fingerprint;
use crate::domain::slot::{Holder, RemoteTrouble, Revision, Slot};

/// Sees to it that the slot holds `key`: proven in this very pass before it is put.
pub(super) fn ensure_uploaded(facts: &Facts, key: &ServiceKey, now: Now) -> Step {
    match &facts.answers.source_sign_in {
        None if waits_behind_a_sibling(facts, key) => match probe::slot(facts) {
            Err(step) => step,
            Ok(Ok(slot)) if matches!(slot.holder(&facts.subject.owner), Holder::Sibling(..)) => {
                Step::Settle(Box::new(occupied::stalled(facts, now)))
            }
            Ok(_) => Step::SignIn(KeyRole::Source),
        },
        None => Step::SignIn(KeyRole::Source),
        Some(Verdict::Accepted { .. }) => match facts.forbidden_scope() {
            Some(ending) => blocked::forbidden(facts, ending, now),
            None => proven(facts, key, now),
        },
        Some(Verdict::Refused { reason, message }) => refused(facts, key, *reason, message, now),
        Some(Verdict::Unknown { message, retry }) => unproven(facts, message, *retry, now),
    }
}

/// Whether another object has the slot and this very key was found to sign in: there is no need to ask again and again.
fn waits_behind_a_sibling(facts: &Facts, key: &ServiceKey) -> bool {
    let proven = facts.previous.as_ref().is_some_and(|previous| previous.signed_in.status == Status::True);
    let last_tested = facts.observations.last_tested == Some(Fingerprint::of(key));
    facts.siblings.holding.is_some() && proven && last_tested && facts.subject.requested.is_none()
}

fn proven(facts: &Facts, key: &ServiceKey, now: Now) -> Step {
    let slot = match probe::slot(facts) {
        Err(step) => return step,
        Ok(Err(trouble)) => return Step::Settle(Box::new(settle::trouble(facts, trouble, now))),
        Ok(Ok(slot)) => slot,
    };
    let adoption = facts.policy.adoption;
    match slot.holder(&facts.subject.owner) {
        Holder::Us(revision) => ours(facts, slot, key, revision, now),
        Holder::Sibling(..) => Step::Settle(Box::new(occupied::stalled(facts, now))),
        Holder::Elsewhere(..) | Holder::Nobody(_) if adoption == AdoptionPolicy::Never => {
            Step::Settle(Box::new(occupied::stalled(facts, now)))
        }
        Holder::Empty(_) if facts.siblings.ahead.is_some() => {
            Step::Settle(Box::new(occupied::waiting_for_sibling(facts, now)))
        }
        // An older one replaces the key there, too.
        Holder::Nobody(_) | Holder::Elsewhere(..)
            if adoption == AdoptionPolicy::Replace && facts.siblings.ahead.is_some() =>
        {
            Step::Settle(Box::new(occupied::waiting_for_sibling(facts, now)))
        }
        Holder::Empty(revision) => write::put(facts, key, revision, now),
        Holder::Elsewhere(_, revision) => occupied::replaced(facts, key, revision, now),
        Holder::Nobody(revision) => match holds(facts, key) {
            Err(step) => step,
            Ok(Err(trouble)) => Step::Settle(Box::new(settle::trouble(facts, trouble, now))),
            Ok(Ok(true)) => write::adopt(facts, key, revision, now),
            Ok(Ok(false)) => occupied::replaced(facts, key, revision, now),
        },
    }
}

/// The slot is ours: it is to hold this very key.
fn ours(facts: &Facts, slot: &Slot, key: &ServiceKey, revision: &Revision, now: Now) -> Step {
    if write::may_still_land(facts, revision) {
        return write::put(facts, key, revision, now);
    }
    let known = facts.ledger.uploaded.as_ref().filter(|uploaded| uploaded.revision == *revision);
    let same = match known {
        Some(uploaded) => Ok(Ok(uploaded.fingerprint == Fingerprint::of(key))),
        None => holds(facts, key),
    };
    match same {
        Err(step) => step,
        Ok(Err(trouble)) => Step::Settle(Box::new(settle::trouble(facts, trouble, now))),
        Ok(Ok(false)) => write::put(facts, key, revision, now),
        Ok(Ok(true)) => Step::Settle(Box::new(uploaded(facts, slot, key, revision, now))),
    }
}

/// Whether the slot's content is this very key.
fn holds<'a>(facts: &'a Facts, key: &ServiceKey) -> Result<Result<bool, &'a RemoteTrouble>, Step> {
    match facts.answers.content.as_ref().ok_or(Step::ReadContent)? {
        Err(trouble) => Ok(Err(trouble)),
        Ok(Content::Key(found)) => Ok(Ok(Fingerprint::of(found) == Fingerprint::of(key))),
        Ok(Content::Unreadable(_)) => Ok(Ok(false)),
    }
}

fn uploaded(facts: &Facts, slot: &Slot, key: &ServiceKey, revision: &Revision, now: Now) -> Settlement {
    let origin = if slot.is_adopted() { Origin::Adopted } else { Origin::Uploaded };
    // The same key under another revision: somebody touched the slot without changing it.
    let known = facts.ledger.uploaded.clone().filter(|uploaded| uploaded.fingerprint == Fingerprint::of(key));
    let entry = known.map(|known| Uploaded { origin, revision: revision.clone(), ..known });
    let entry = entry.unwrap_or_else(|| learn::uploaded(key, origin, revision, now));
    let conditions = Conditions {
        ready: Condition::yes(Reason::Uploaded, "the key is valid, signs in and stands in Landscape Management"),
        valid: settle::valid(facts),
        signed_in: settle::signed_in(facts),
        uploaded: Condition::yes(
            Reason::Uploaded,
            match origin {
                Origin::Uploaded => "the key stands in Landscape Management",
                Origin::Adopted => "the key stood in Landscape Management already and was taken over",
            },
        ),
        progress: Progress::Done,
        others_stand: false,
    };
    Settlement {
        ledger: Ledger { uploaded: Some(entry), ..Ledger::default() },
        ..settle::with(facts, Some(conditions), &[Wait::Interval], now)
    }
}

/// The source's key is refused. It is not put; and the one in the slot, the same or an earlier one, is tested.
fn refused(facts: &Facts, key: &ServiceKey, reason: Reason, message: &str, now: Now) -> Step {
    let mut waits = match probe::test(facts, now) {
        Err(step) => return step,
        Ok(waits) => waits,
    };
    if let Some(Ok(slot)) = &facts.answers.slot
        && let Holder::Empty(revision) = slot.holder(&facts.subject.owner)
        && write::may_still_land(facts, revision)
    {
        return write::delete(facts, revision, now);
    }
    let ledger = settle::as_seen(facts);
    waits = waits.into_iter().map(Wait::at_most_hourly).collect();
    waits.push(probe::next_probe(facts, facts.observations.refusals.get(&Fingerprint::of(key)), now));
    let conditions = Conditions {
        ready: Condition::no(reason, message),
        valid: settle::valid(facts),
        signed_in: settle::signed_in(facts),
        uploaded: settle::uploaded(facts),
        progress: Progress::Stalled,
        others_stand: false,
    };
    Step::Settle(Box::new(Settlement { ledger, ..settle::with(facts, Some(conditions), &waits, now) }))
}

/// Nothing is concluded from an unclear answer: what stands goes on standing, and nothing new is put.
fn unproven(facts: &Facts, message: &str, retry: Retry, now: Now) -> Step {
    if settle::stands(facts) {
        return Step::Settle(Box::new(settle::unverified(facts, Unverified::SignIn, message, retry, now)));
    }
    let mut waits = vec![Wait::Retry(retry)];
    // An earlier key that stands there is not forgotten over it.
    if facts.ledger.uploaded.is_some() {
        match probe::test(facts, now) {
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
        others_stand: false,
    };
    let settlement = settle::with(facts, Some(conditions), &waits, now);
    Step::Settle(Box::new(Settlement { ledger: settle::as_seen(facts), ..settlement }))
}
