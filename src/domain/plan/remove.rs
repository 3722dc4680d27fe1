//! The removal: no key of ours may stay in the slot, because the source is gone or the object is being deleted.

use super::facts::{Evidence, Facts, Tenant};
use super::probe::{self, SlotKey, SlotState};
use super::settle::{self, Wait};
use super::step::{Now, Settlement, Step};
use super::{disposal, occupied, possible_keys, request, write};
use crate::domain::conditions::{Condition, Conditions, Progress};
use crate::domain::ledger::Ledger;
use crate::domain::policy::{Adapter, DeletionPolicy, Mode};
use crate::domain::reason::Reason;
use crate::domain::retry::Retry;
use crate::domain::slot::{Holder, RemoteTrouble, Revision};

/// Releases an object that is being deleted once no key of it is in the slot and no write of it is under way.
///
/// # Errors
/// Returns the step that must be performed first.
pub(super) fn object_deleted(facts: &Facts, now: Now) -> Result<Settlement, Step> {
    if facts.subject.abandoned || facts.policy.mode == Mode::Observe {
        return Ok(settle::abandoned(facts, now));
    }
    if let Tenant::Missing { name } = &facts.tenant {
        return Ok(deleted_without_tenant(facts, name, now));
    }
    Ok(match presence(facts, now)? {
        Presence::Ours(revision) => {
            let waits = disposal::for_deleted_object(facts, revision, now)?;
            sign_in_undecided(facts, &waits, now)
        }
        Presence::Unknown(trouble) => report_as_removing(facts, settle::slot_unavailable(facts, trouble, now)),
        Presence::Absent | Presence::Possible(_) => settle::released(facts, now),
    })
}

/// Removes the key of a source that is gone as soon as the evidence suffices.
///
/// # Errors
/// Returns the step that must be performed first.
pub(super) fn source_gone(facts: &Facts, evidence: Evidence, message: &str, now: Now) -> Result<Settlement, Step> {
    Ok(match presence(facts, now)? {
        Presence::Unknown(trouble) => settle::slot_unavailable(facts, trouble, now),
        Presence::Ours(_) if occupied::is_filled_by_namesake(facts) => {
            let waits = probe::probe_slot_key(facts, now)?;
            occupied::filled_by_namesake(facts, waits, now)
        }
        Presence::Ours(_) if disposal::is_adopted(facts) => {
            let waits = probe::probe_slot_key(facts, now)?;
            adopted_key_stays(facts, message, waits, now)
        }
        Presence::Ours(revision) => {
            let mut waits = remaining_waits(facts, evidence, now)?;
            if waits.is_empty() || request::is_deletion_requested(facts, revision) {
                waits = disposal::for_lost_source(facts, revision, now)?;
            }
            removal_pending(facts, message, &waits, now)
        }
        Presence::Possible(revision) => {
            let mut waits: Vec<Wait> = remaining_absence(facts, evidence, now).into_iter().collect();
            if waits.is_empty() || request::is_deletion_requested(facts, revision) {
                waits = write::delete(facts, revision, now)?;
            }
            removal_pending(facts, message, &waits, now)
        }
        Presence::Absent => removed(facts, message, now),
    })
}

/// The presence of the object's key in the slot.
enum Presence<'a> {
    /// The slot is ours.
    Ours(&'a Revision),
    /// The slot could not be read.
    Unknown(&'a RemoteTrouble),
    /// A person may have uploaded a key of ours in manual mode, and has not confirmed it.
    Possible(&'a Revision),
    /// The slot is not ours, and no write of ours can reach it any longer.
    Absent,
}

fn presence(facts: &Facts, now: Now) -> Result<Presence<'_>, Step> {
    let slot = match probe::slot_state(facts)? {
        SlotState::Read(slot) => slot,
        SlotState::Unavailable(trouble) => return Ok(Presence::Unknown(trouble)),
    };
    let holder = slot.holder(&facts.subject.owner);
    // With Retain, a key that may be in the slot stays there.
    let is_possible =
        facts.policy.deletion == DeletionPolicy::Delete && !possible_keys::possible_keys(facts, slot).is_empty();
    match holder {
        Holder::Us(revision) => Ok(Presence::Ours(revision)),
        Holder::Empty(revision) | Holder::Unknown(revision) | Holder::Nobody(revision)
            if is_possible && !facts.subject.deleting =>
        {
            Ok(Presence::Possible(revision))
        }
        _ if !is_possible && !write::may_still_land(facts, slot.revision()) => Ok(Presence::Absent),
        // The slot is not ours, but a write of ours may still reach it. Only its revision is advanced to prevent that.
        Holder::Empty(revision) | Holder::Unknown(revision) => Err(write::delete_now(facts, revision, now)),
        Holder::Nobody(revision) => Err(write::release(facts, revision, None, now)),
        Holder::Sibling(owner, revision) | Holder::Elsewhere(owner, revision) => {
            Err(write::release(facts, revision, Some(owner.clone()), now))
        }
    }
}

/// Returns the rest of the time for which a source must be gone before a key that cannot be tested may be removed.
fn remaining_absence(facts: &Facts, evidence: Evidence, now: Now) -> Option<Wait> {
    let needed = match evidence {
        Evidence::DeletionSeen | Evidence::SecretAbsent => facts.policy.grace_period,
        Evidence::BindingAbsent { .. } => facts.policy.grace_period.max(facts.policy.dead_after),
    };
    let absent = facts.observations.gone_since.unwrap_or(now.monotonic).elapsed(now.monotonic);
    let rest = needed.saturating_sub(absent);
    (!rest.is_zero()).then_some(Wait::Exactly(rest))
}

/// Returns the waits before the key of a source that is gone may be removed; none if it may be removed now.
///
/// # Errors
/// Returns the step that must be performed first.
fn remaining_waits(facts: &Facts, evidence: Evidence, now: Now) -> Result<Vec<Wait>, Step> {
    let rest = remaining_absence(facts, evidence, now);
    match evidence {
        Evidence::DeletionSeen | Evidence::SecretAbsent => match rest {
            None => Ok(Vec::new()),
            // A key that dies during the grace period is deleted by the probe.
            Some(wait) => Ok([vec![wait], probe::probe_slot_key(facts, now)?].concat()),
        },
        // The deletion of the binding was not seen. A refusal of the key confirms it; otherwise the absence must last.
        Evidence::BindingAbsent { .. } => match probe::slot_key(facts)? {
            SlotKey::Refused(Reason::CredentialsRefused) => Ok(Vec::new()),
            // A 404 may come from a wrong route or a zone that is being moved, so one alone confirms nothing.
            SlotKey::Refused(_) => Ok(probe::wait_until_dead(facts, now).into_iter().collect()),
            SlotKey::Accepted | SlotKey::Unusable | SlotKey::NotAvailable => {
                Ok(rest.map_or_else(Vec::new, |wait| vec![wait, Wait::Interval]))
            }
            SlotKey::Unknown(retry) => Ok(vec![Wait::Retry(retry)]),
        },
    }
}

fn removal_pending(facts: &Facts, message: &str, waits: &[Wait], now: Now) -> Settlement {
    if let Some(ready) = request::removal_requested(facts, message) {
        let conditions = settle::conditions(facts, ready, Progress::Reconciling);
        return settle::settlement(facts, Some(conditions), waits, now);
    }
    let end = match facts.policy.adapter {
        Adapter::Http => "its key is removed from Landscape Management",
        Adapter::Manual => "a person is asked to delete its key in the app",
    };
    let message = format!("{message}; {end} once this has lasted long enough or is confirmed");
    let ready = Condition::unknown(Reason::RemovalPending, message);
    let conditions = settle::conditions(facts, ready, Progress::Reconciling);
    settle::settlement(facts, Some(conditions), waits, now)
}

/// Settles because the key of the lost source was adopted: it stays in the slot and is probed until it is dead.
fn adopted_key_stays(facts: &Facts, message: &str, waits: Vec<Wait>, now: Now) -> Settlement {
    let waits: Vec<Wait> = waits.into_iter().map(Wait::at_most_hourly).collect();
    let end = match probe::slot_key(facts) {
        Ok(SlotKey::NotAvailable) => "it can no longer be tested: delete it in the app if no system needs it",
        _ => "it stays there until it no longer signs in",
    };
    let message = format!("{message}; its key was in Landscape Management before it was adopted, so {end}");
    let conditions = settle::conditions(facts, Condition::no(Reason::SourceGone, message), Progress::Stalled);
    settle::settlement(facts, Some(conditions), &waits, now)
}

/// Settles because the removal depends on whether the key still signs in, and that is not known yet.
fn sign_in_undecided(facts: &Facts, waits: &[Wait], now: Now) -> Settlement {
    let ready = Condition::unknown(
        Reason::Removing,
        "the object is being deleted; its key stays in Landscape Management if it still signs in, which is not known \
         yet",
    );
    let conditions = settle::conditions(facts, ready, Progress::Reconciling);
    settle::settlement(facts, Some(conditions), waits, now)
}

/// Settles because the source is gone and its key has been removed.
fn removed(facts: &Facts, message: &str, now: Now) -> Settlement {
    let unknown = Condition::unknown(Reason::SourceGone, message);
    let conditions = Conditions {
        ready: Condition::no(
            Reason::SourceGone,
            format!("{message}, and no key of this object is in Landscape Management"),
        ),
        valid: unknown.clone(),
        signed_in: unknown,
        uploaded: Condition::no(Reason::SourceGone, "no key of this object is in Landscape Management"),
        progress: Progress::Stalled,
        ready_only: false,
    };
    let settlement = settle::settlement(facts, Some(conditions), &[Wait::Retry(Retry::Never)], now);
    Settlement { ledger: Ledger::default(), ..settlement }
}

/// Returns the settlement with the statement that the object is being removed, whatever delays that.
pub(super) fn report_as_removing(facts: &Facts, settlement: Settlement) -> Settlement {
    let Some(conditions) = settlement.conditions else { return settlement };
    let ready = Condition::unknown(
        Reason::Removing,
        format!("the key is to be removed from Landscape Management, but: {}", conditions.ready.message),
    );
    let uploaded = settle::uploaded(facts);
    Settlement { conditions: Some(Conditions { ready, uploaded, ..conditions }), ..settlement }
}

/// Settles because nothing can be removed without the tenant. An object that never began an upload is released.
fn deleted_without_tenant(facts: &Facts, name: &str, now: Now) -> Settlement {
    if !facts.ledger.is_open() {
        return settle::released(facts, now);
    }
    let message = format!(
        "the key is to be removed from Landscape Management, but ALMTenant \"{name}\" does not exist: create it again"
    );
    let ready = Condition::no(Reason::WaitingForTenant, message);
    let conditions = Conditions {
        uploaded: Condition::unknown(ready.reason, ready.message.clone()),
        ..settle::conditions(facts, ready, Progress::Stalled)
    };
    settle::settlement(facts, Some(conditions), &[Wait::Retry(Retry::Never)], now)
}
