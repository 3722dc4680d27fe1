//! The upload: a valid key of the source is in the slot once the token endpoint accepts it.

use super::comparison::{self, Comparison, has_same_credentials, is_same_document, is_same_key};
use super::facts::{Facts, Verdict};
use super::probe::{self, SlotState};
use super::settle::{self, FailedCheck, Wait};
use super::step::{KeyRole, Now, Settlement, Step};
use super::{blocked, learn, occupied, possible_keys, put, request, write};
use crate::domain::action::ActionOperation;
use crate::domain::conditions::{Condition, Conditions, Progress, Status};
use crate::domain::evidence::Refusals;
use crate::domain::ledger::{Ledger, Origin, Uploaded};
use crate::domain::policy::{Adapter, AdoptionPolicy, DeadAction};
use crate::domain::reason::Reason;
use crate::domain::retry::Retry;
use crate::domain::service_key::ServiceKey;
use crate::domain::slot::{Basis, Holder, Revision, Slot};

/// Ensures that the slot holds `key`, which must be accepted in this reconciliation before it is uploaded.
///
/// # Errors
/// Returns the step that must be performed first.
pub(super) fn ensure_uploaded(facts: &Facts, key: &ServiceKey, now: Now) -> Result<Settlement, Step> {
    match &facts.answers.source_sign_in {
        None if is_blocked_by_sibling(facts, key) => match probe::slot_state(facts)? {
            SlotState::Read(slot) if matches!(slot.holder(&facts.subject.owner), Holder::Sibling(..)) => {
                Ok(occupied::stalled(facts, now))
            }
            SlotState::Read(_) | SlotState::Unavailable(_) => Err(Step::SignIn(KeyRole::Source)),
        },
        None => Err(Step::SignIn(KeyRole::Source)),
        Some(Verdict::Accepted { .. }) => match facts.forbidden_scope() {
            Some(ending) => blocked::scope_forbidden(facts, ending, now),
            None => upload_accepted(facts, key, now),
        },
        Some(Verdict::Refused { reason, message }) => key_refused(facts, key, *reason, message, now),
        Some(Verdict::Unknown { message, retry }) => sign_in_unclear(facts, message, *retry, now),
    }
}

/// Returns true if a sibling holds the slot and this key is known to sign in, so that it need not be tested repeatedly.
fn is_blocked_by_sibling(facts: &Facts, key: &ServiceKey) -> bool {
    let signs_in = facts.previous.as_ref().is_some_and(|previous| previous.signed_in.status == Status::True);
    let was_tested = facts.observations.last_tested.as_ref() == Some(key.credentials_fingerprint());
    facts.siblings.holding.is_some() && signs_in && was_tested && facts.subject.requested.is_none()
}

fn upload_accepted(facts: &Facts, key: &ServiceKey, now: Now) -> Result<Settlement, Step> {
    let slot = match probe::slot_state(facts)? {
        SlotState::Read(slot) => slot,
        SlotState::Unavailable(trouble) => return Ok(settle::slot_unavailable(facts, trouble, now)),
    };
    let adoption = facts.policy.adoption;
    match slot.holder(&facts.subject.owner) {
        Holder::Us(revision) => ensure_current(facts, slot, key, revision, now),
        Holder::Sibling(..) => Ok(occupied::stalled(facts, now)),
        Holder::Elsewhere(..) | Holder::Nobody(_) if adoption == AdoptionPolicy::Never => {
            Ok(occupied::stalled(facts, now))
        }
        Holder::Empty(_) | Holder::Unknown(_) if facts.siblings.ahead.is_some() => {
            Ok(occupied::waiting_for_sibling(facts, now))
        }
        // The older sibling replaces a foreign key, too.
        Holder::Nobody(_) | Holder::Elsewhere(..)
            if adoption == AdoptionPolicy::Replace && facts.siblings.ahead.is_some() =>
        {
            Ok(occupied::waiting_for_sibling(facts, now))
        }
        Holder::Empty(revision) | Holder::Unknown(revision) => put::put(facts, key, revision, false, now),
        Holder::Elsewhere(_, revision) => occupied::replace_if_allowed(facts, key, revision, now),
        Holder::Nobody(revision) => match comparison::of_content(facts, is_same_key, key)? {
            Comparison::Unavailable(trouble) => Ok(settle::slot_unavailable(facts, trouble, now)),
            Comparison::Identical => Err(write::adopt(facts, key, revision, now)),
            Comparison::Different => occupied::replace_if_allowed(facts, key, revision, now),
        },
    }
}

/// Ensures that the slot, which is ours, is up to date with `key`.
fn ensure_current(
    facts: &Facts,
    slot: &Slot,
    key: &ServiceKey,
    revision: &Revision,
    now: Now,
) -> Result<Settlement, Step> {
    let is_manual = facts.policy.adapter == Adapter::Manual;
    if !is_manual && write::may_still_land(facts, revision) {
        return put_over_ours(facts, slot, key, revision, now);
    }
    let same = if is_manual || slot.is_adopted() { is_same_key } else { is_same_document };
    let comparison = match comparison::recorded(facts, slot, key) {
        Some(comparison) => comparison,
        None => comparison::of_content(facts, same, key)?,
    };
    match comparison {
        Comparison::Unavailable(trouble) => Ok(settle::slot_unavailable(facts, trouble, now)),
        Comparison::Different => {
            if occupied::is_overwritten_by_namesake(facts, key, revision)
                && let Some(settlement) = occupied::overwritten_by_namesake(facts, key, now)?
            {
                return Ok(settlement);
            }
            put_over_ours(facts, slot, key, revision, now)
        }
        Comparison::Identical => Ok(uploaded(facts, slot, key, revision, now)),
    }
}

/// Puts `key` into the slot, which is ours. A key that was adopted stays adopted while its credentials are the same: the
/// operator did not create them.
fn put_over_ours(
    facts: &Facts,
    slot: &Slot,
    key: &ServiceKey,
    revision: &Revision,
    now: Now,
) -> Result<Settlement, Step> {
    let adopted = slot.is_adopted()
        && match comparison::of_content(facts, has_same_credentials, key)? {
            Comparison::Unavailable(trouble) => return Ok(settle::slot_unavailable(facts, trouble, now)),
            Comparison::Identical => true,
            Comparison::Different => false,
        };
    put::put(facts, key, revision, adopted, now)
}

fn uploaded(facts: &Facts, slot: &Slot, key: &ServiceKey, revision: &Revision, now: Now) -> Settlement {
    let (origin, message) = if slot.is_adopted() {
        (Origin::Adopted, "the key was adopted, and is in Landscape Management")
    } else {
        (Origin::Uploaded, "the key is in Landscape Management")
    };
    let uploaded = match slot.basis() {
        Some(Basis::Confirmation) => request::confirmed(),
        Some(Basis::Content) | None => Condition::yes(Reason::Uploaded, message),
    };
    let entry = learn::ledger_entry(facts.policy.adapter, key, origin, revision, now);
    // The same key under another revision: another client touched the slot without changing the key. Or the same revision,
    // recorded by another version of the operator.
    let known = facts.ledger.uploaded.as_ref().filter(|known| match known.is_current(key) {
        Some(is_current) => is_current,
        None => known.revision == *revision,
    });
    let entry = match known {
        Some(Uploaded { uploaded_at, proven_at, .. }) => {
            Uploaded { uploaded_at: *uploaded_at, proven_at: *proven_at, ..entry }
        }
        None => entry,
    };
    let ready = Condition::yes(Reason::Uploaded, "the key is valid, signs in and is in Landscape Management");
    let conditions = Conditions { uploaded, ..settle::conditions(facts, ready, Progress::Done) };
    Settlement {
        ledger: Ledger { uploaded: Some(entry), ..Ledger::default() },
        ..settle::settlement(facts, Some(conditions), &[Wait::Interval], now)
    }
}

/// Settles because the source's key is refused and therefore not uploaded. The key in the slot is still probed.
fn key_refused(facts: &Facts, key: &ServiceKey, reason: Reason, message: &str, now: Now) -> Result<Settlement, Step> {
    let mut waits = probe::probe_slot_key(facts, now)?;
    waits.extend(ensure_refused_key_absent(facts, key, now)?);
    let mut waits: Vec<Wait> = waits.into_iter().map(Wait::at_most_hourly).collect();
    waits.push(probe::next_probe(facts, facts.observations.refusals.get(key.credentials_fingerprint()), now));
    let ready = Condition::no(reason, request::with_action(facts, message));
    let conditions = settle::conditions(facts, ready, Progress::Stalled);
    Ok(Settlement { ledger: settle::ledger_as_read(facts), ..settle::settlement(facts, Some(conditions), &waits, now) })
}

/// Ensures that `key`, which is refused, does not come or stay in a slot that holds no key of ours as far as known: a write
/// that may still be under way is fenced. In manual mode, the key may be there already: once it is proven dead, a person is
/// asked to delete it.
///
/// # Errors
/// Returns the step that must be performed first.
fn ensure_refused_key_absent(facts: &Facts, key: &ServiceKey, now: Now) -> Result<Vec<Wait>, Step> {
    let Some(Ok(slot @ (Slot::Empty { revision } | Slot::Unknown { revision, .. }))) = &facts.answers.slot else {
        return Ok(Vec::new());
    };
    if write::may_still_land(facts, revision) {
        return Err(write::delete_now(facts, revision, now));
    }
    let may_be_there = possible_keys::possible_keys(facts, slot).contains(&key.fingerprint());
    let refusals = facts.observations.refusals.get(key.credentials_fingerprint());
    let is_dead = refusals.is_some_and(Refusals::prove_dead) || request::is_deletion_requested(facts, revision);
    if may_be_there && is_dead && facts.policy.dead_action == DeadAction::Delete {
        return write::delete(facts, revision, now);
    }
    Ok(Vec::new())
}

/// Settles because the token endpoint gave no clear answer: `Ready=True` is kept, and nothing is uploaded. It is not kept
/// past the deadline of a replacement.
fn sign_in_unclear(facts: &Facts, message: &str, retry: Retry, now: Now) -> Result<Settlement, Step> {
    let not_replaced = not_replaced_in_time(facts, now)?;
    if not_replaced.is_none() && settle::was_ready(facts) {
        return Ok(settle::unverified(facts, FailedCheck::SignIn, message, retry, now));
    }
    let mut waits = vec![Wait::Retry(retry)];
    // An earlier key in the slot is still probed.
    if facts.ledger.uploaded.is_some() {
        waits.extend(probe::probe_slot_key(facts, now)?);
    }
    let conditions = match not_replaced {
        Some(ready) => settle::conditions(facts, ready, Progress::Stalled),
        None => settle::conditions(facts, Condition::unknown(Reason::SignInUnknown, message), Progress::Reconciling),
    };
    let settlement = settle::settlement(facts, Some(conditions), &waits, now);
    let ledger = settle::ledger_as_read(facts);
    Ok(request::with_earlier_action(facts, Settlement { ledger, ..settlement }))
}

/// Returns `Ready` of an object whose key was not replaced in time, if that is so. The key in the slot has died then,
/// whatever became of the source's key since.
///
/// # Errors
/// Returns the step that reads the slot, which may hold the other key now.
fn not_replaced_in_time(facts: &Facts, now: Now) -> Result<Option<Condition>, Step> {
    let Some(deadline) = request::deadline_of_replacement(facts).filter(|deadline| *deadline <= now.wall) else {
        return Ok(None);
    };
    Ok(match probe::slot_state(facts)? {
        SlotState::Read(slot) if request::action_at(facts, slot.revision()).is_some() => {
            let message = request::text(facts, ActionOperation::Replace, Some(deadline));
            Some(Condition::no(Reason::ActionRequired, message))
        }
        SlotState::Read(_) | SlotState::Unavailable(_) => None,
    })
}
