//! The upload: a valid key of the source is in the slot once the token endpoint accepts it.

use super::comparison::{self, Comparison, has_same_credentials, is_same_document, is_same_key};
use super::facts::{Facts, Verdict};
use super::probe::{self, SlotState};
use super::settle::{self, FailedCheck, Wait};
use super::step::{KeyRole, Now, Settlement, Step};
use super::{blocked, learn, occupied, write};
use crate::domain::conditions::{Condition, Conditions, Progress, Status};
use crate::domain::ledger::{Ledger, Origin, Uploaded};
use crate::domain::policy::AdoptionPolicy;
use crate::domain::reason::Reason;
use crate::domain::retry::Retry;
use crate::domain::service_key::ServiceKey;
use crate::domain::slot::{Holder, Revision, Slot};

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
        Holder::Empty(_) if facts.siblings.ahead.is_some() => Ok(occupied::waiting_for_sibling(facts, now)),
        // The older sibling replaces a foreign key, too.
        Holder::Nobody(_) | Holder::Elsewhere(..)
            if adoption == AdoptionPolicy::Replace && facts.siblings.ahead.is_some() =>
        {
            Ok(occupied::waiting_for_sibling(facts, now))
        }
        Holder::Empty(revision) => Err(write::put(facts, key, revision, false, now)),
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
    if write::may_still_land(facts, revision) {
        return put_over_ours(facts, slot, key, revision, now);
    }
    let same = if slot.is_adopted() { is_same_key } else { is_same_document };
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
    Err(write::put(facts, key, revision, adopted, now))
}

fn uploaded(facts: &Facts, slot: &Slot, key: &ServiceKey, revision: &Revision, now: Now) -> Settlement {
    let (origin, message) = if slot.is_adopted() {
        (Origin::Adopted, "the key was adopted, and is in Landscape Management")
    } else {
        (Origin::Uploaded, "the key is in Landscape Management")
    };
    let entry = learn::ledger_entry(key, origin, revision, now);
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
    let uploaded = Condition::yes(Reason::Uploaded, message);
    let conditions = Conditions { uploaded, ..settle::conditions(facts, ready, Progress::Done) };
    Settlement {
        ledger: Ledger { uploaded: Some(entry), ..Ledger::default() },
        ..settle::settlement(facts, Some(conditions), &[Wait::Interval], now)
    }
}

/// Settles because the source's key is refused and therefore not uploaded. The key in the slot is still probed.
fn key_refused(facts: &Facts, key: &ServiceKey, reason: Reason, message: &str, now: Now) -> Result<Settlement, Step> {
    let waits = probe::probe_slot_key(facts, now)?;
    if let Some(Holder::Empty(revision)) = facts.holder()
        && write::may_still_land(facts, revision)
    {
        return Err(write::delete(facts, revision, now));
    }
    let mut waits: Vec<Wait> = waits.into_iter().map(Wait::at_most_hourly).collect();
    waits.push(probe::next_probe(facts, facts.observations.refusals.get(key.credentials_fingerprint()), now));
    let conditions = settle::conditions(facts, Condition::no(reason, message), Progress::Stalled);
    Ok(Settlement { ledger: settle::ledger_as_read(facts), ..settle::settlement(facts, Some(conditions), &waits, now) })
}

/// Settles because the token endpoint gave no clear answer: `Ready=True` is kept, and nothing is uploaded.
fn sign_in_unclear(facts: &Facts, message: &str, retry: Retry, now: Now) -> Result<Settlement, Step> {
    if settle::was_ready(facts) {
        return Ok(settle::unverified(facts, FailedCheck::SignIn, message, retry, now));
    }
    let mut waits = vec![Wait::Retry(retry)];
    // An earlier key in the slot is still probed.
    if facts.ledger.uploaded.is_some() {
        waits.extend(probe::probe_slot_key(facts, now)?);
    }
    let conditions =
        settle::conditions(facts, Condition::unknown(Reason::SignInUnknown, message), Progress::Reconciling);
    Ok(Settlement { ledger: settle::ledger_as_read(facts), ..settle::settlement(facts, Some(conditions), &waits, now) })
}
