//! The decision on a key in the slot whose object is deleted or whose source is gone: the key is handed over to a
//! sibling, left in the slot without an owner, or deleted.

use super::facts::{Content, Facts, Heir, Verdict};
use super::probe::{self, SlotKey};
use super::settle::Wait;
use super::step::{Now, Step};
use super::write;
use crate::domain::policy::{DeadAction, DeletionPolicy};
use crate::domain::reason::Reason;
use crate::domain::slot::{Ownership, Revision};

/// Decides on the key of an object that is being deleted. Returns the waits if nothing can be done yet.
///
/// # Errors
/// Returns the step that must be performed next.
pub(super) fn for_deleted_object(facts: &Facts, revision: &Revision, now: Now) -> Result<Vec<Wait>, Step> {
    if is_adopted(facts) { release_adopted(facts, revision, now) } else { by_policy(facts, revision, now) }
}

/// Decides on the key of an object whose source is gone. Returns the waits if nothing can be done yet.
///
/// # Errors
/// Returns the step that must be performed next.
pub(super) fn for_lost_source(facts: &Facts, revision: &Revision, now: Now) -> Result<Vec<Wait>, Step> {
    by_policy(facts, revision, now)
}

/// Returns true if the key in our slot was adopted.
pub(super) fn is_adopted(facts: &Facts) -> bool {
    matches!(&facts.answers.slot, Some(Ok(slot)) if slot.is_adopted())
}

fn by_policy(facts: &Facts, revision: &Revision, now: Now) -> Result<Vec<Wait>, Step> {
    match facts.policy.deletion {
        DeletionPolicy::Retain => retain(facts, revision, now),
        DeletionPolicy::Delete => hand_over_or_delete(facts, revision, now),
    }
}

/// Releases an adopted key. The operator did not upload it, so only a dead one is deleted.
fn release_adopted(facts: &Facts, revision: &Revision, now: Now) -> Result<Vec<Wait>, Step> {
    match probe::slot_key(facts)? {
        SlotKey::Unknown(retry) => Ok(vec![Wait::Retry(retry)]),
        SlotKey::Accepted | SlotKey::NotAvailable => Err(write::release(facts, revision, heir_of_slot_key(facts), now)),
        SlotKey::Unusable => Err(write::release(facts, revision, None, now)),
        SlotKey::Refused(_) => match probe::wait_until_dead(facts, now) {
            Some(wait) => Ok(vec![wait]),
            None => write::delete(facts, revision, now),
        },
    }
}

/// Leaves the key in the slot without an owner. A dead key is deleted instead, unless it is only to be reported.
fn retain(facts: &Facts, revision: &Revision, now: Now) -> Result<Vec<Wait>, Step> {
    match probe::slot_key(facts)? {
        SlotKey::Unknown(retry) => Ok(vec![Wait::Retry(retry)]),
        SlotKey::Unusable | SlotKey::Accepted | SlotKey::NotAvailable => {
            Err(write::release(facts, revision, None, now))
        }
        // A dead key that is only reported is never deleted, so there is nothing to wait for.
        SlotKey::Refused(_) if facts.policy.dead_action == DeadAction::Report => {
            Err(write::release(facts, revision, None, now))
        }
        SlotKey::Refused(_) => probe::delete_if_dead(facts, revision, now),
    }
}

/// Hands the key over to the heir if the heir has the same credentials, so that the slot is never empty; deletes it
/// otherwise. Such a key is deleted only if its credentials are refused: during an outage of the token endpoint it is
/// handed over, because a deletion would take the key from both objects. So is a key of an unknown identity zone, which
/// is dead only after all probes; the heir makes them.
fn hand_over_or_delete(facts: &Facts, revision: &Revision, now: Now) -> Result<Vec<Wait>, Step> {
    let Some(heir) = &facts.siblings.heir else { return write::delete(facts, revision, now) };
    let key = match facts.answers.content.as_ref().ok_or(Step::ReadContent)? {
        Err(trouble) => return Ok(vec![Wait::Retry(trouble.retry)]),
        Ok(Content::Key(key)) if *key.credentials_fingerprint() == heir.credentials => key,
        // A key that cannot be read cannot be tested either, as during an outage.
        Ok(Content::NotAvailable(Some(key))) if *key == heir.key => {
            return Err(write::release(facts, revision, heir_of_slot_key(facts), now));
        }
        Ok(Content::Key(_) | Content::Unreadable(_) | Content::NotAvailable(_)) => {
            return write::delete(facts, revision, now);
        }
    };
    match probe::verdict(facts, key)? {
        Verdict::Refused { reason: Reason::CredentialsRefused, .. } => write::delete(facts, revision, now),
        Verdict::Accepted { .. } | Verdict::Refused { .. } | Verdict::Unknown { .. } => {
            Err(write::release(facts, revision, heir_of_slot_key(facts), now))
        }
    }
}

/// Returns the ownership of the heir if the heir has the credentials of the key in the slot.
fn heir_of_slot_key(facts: &Facts) -> Option<Ownership> {
    let Heir { owner, credentials, key } = facts.siblings.heir.as_ref()?;
    let is_same = match facts.slot_key() {
        Some(slot_key) => slot_key.credentials_fingerprint() == credentials,
        None => facts.slot_fingerprint() == Some(key),
    };
    is_same.then(|| Ownership { owner: owner.clone(), adopted: is_adopted(facts) })
}
