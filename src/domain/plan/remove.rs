//! Nothing of ours may stay in the slot: the source is gone, or the object is being deleted.

use std::time::Duration;

use super::settle::{self, Wait};
use super::{Evidence, Facts, Now, Settlement, Step, Tenant, Verdict, standing, write};
use crate::domain::conditions::{Condition, Conditions, Progress};
use crate::domain::ledger::Ledger;
use crate::domain::reason::Reason;
use crate::domain::retry::Retry;
use crate::domain::slot::{Holder, RemoteTrouble, Revision};

/// The object is being deleted: it goes when nothing of it is left, also nothing under way.
pub(super) fn object_deleted(facts: &Facts, now: Now) -> Step {
    if let Tenant::Missing { name } = &facts.tenant {
        return Step::Settle(Box::new(deleted_without_tenant(facts, name, now)));
    }
    match cleared(facts) {
        Cleared::No(step) => step,
        Cleared::Ours(revision) | Cleared::MayBeRefilled(revision) => match write::delete(facts, revision, now) {
            Step::Settle(settlement) => Step::Settle(Box::new(removing(facts, *settlement))),
            step => step,
        },
        Cleared::Unknown(trouble) => Step::Settle(Box::new(removing(facts, settle::trouble(facts, trouble, now)))),
        Cleared::Yes => Step::Settle(Box::new(settle::released(facts, now))),
    }
}

/// The source is gone: its key goes too, as soon as the evidence suffices.
pub(super) fn source_gone(facts: &Facts, evidence: Evidence, message: &str, now: Now) -> Step {
    match cleared(facts) {
        Cleared::No(step) => step,
        Cleared::Unknown(trouble) => Step::Settle(Box::new(settle::trouble(facts, trouble, now))),
        Cleared::MayBeRefilled(revision) => write::delete(facts, revision, now),
        Cleared::Ours(revision) => match still_to_wait(facts, evidence, now) {
            Err(step) => step,
            Ok(waits) if waits.is_empty() => write::delete(facts, revision, now),
            Ok(waits) => Step::Settle(Box::new(removal_pending(facts, message, &waits, now))),
        },
        Cleared::Yes => Step::Settle(Box::new(gone(facts, message, now))),
    }
}

/// Whether nothing of the object is in the slot or on its way to it.
enum Cleared<'a> {
    /// To be found out.
    No(Step),
    /// A key of ours is there.
    Ours(&'a Revision),
    /// It is empty, but a write of ours may still reach it.
    MayBeRefilled(&'a Revision),
    /// It could not be looked at.
    Unknown(&'a RemoteTrouble),
    /// So it is.
    Yes,
}

fn cleared(facts: &Facts) -> Cleared<'_> {
    match standing::slot(facts) {
        Err(step) => Cleared::No(step),
        Ok(Err(trouble)) => Cleared::Unknown(trouble),
        Ok(Ok(slot)) => match slot.holder(&facts.subject.owner) {
            Holder::Us(revision) => Cleared::Ours(revision),
            Holder::Empty(revision) if write::may_still_land(facts, revision) => Cleared::MayBeRefilled(revision),
            Holder::Empty(_) | Holder::Nobody | Holder::Other(_) => Cleared::Yes,
        },
    }
}

/// What there is to wait for before a key of a source that is gone may be deleted; nothing if it may be now.
fn still_to_wait(facts: &Facts, evidence: Evidence, now: Now) -> Result<Vec<Wait>, Step> {
    let absent = facts.memory.gone_since.unwrap_or(now.monotonic).elapsed(now.monotonic);
    let until = |needed: Duration| {
        let rest = needed.saturating_sub(absent);
        (!rest.is_zero()).then_some(Wait::Exactly(rest))
    };
    match evidence {
        Evidence::DeletionSeen | Evidence::SecretAbsent => match until(facts.policy.grace_period) {
            None => Ok(Vec::new()),
            // Its death ends the grace.
            Some(wait) => Ok([vec![wait], standing::test(facts, now)?].concat()),
        },
        // Its deletion was not seen: the key itself is asked, and if it lives, the absence must last.
        Evidence::BindingAbsent => match standing::slot_verdict(facts)? {
            Ok(Some(Verdict::Refused { .. })) => Ok(Vec::new()),
            Ok(Some(Verdict::Accepted) | None) => {
                let rest = until(facts.policy.grace_period.max(facts.policy.dead_after));
                Ok(rest.map_or_else(Vec::new, |wait| vec![wait, Wait::Interval]))
            }
            Ok(Some(Verdict::Unknown { retry, .. })) => Ok(vec![Wait::Retry(*retry)]),
            Err(trouble) => Ok(vec![Wait::Retry(trouble.retry)]),
        },
    }
}

fn removal_pending(facts: &Facts, message: &str, waits: &[Wait], now: Now) -> Settlement {
    let conditions = Conditions {
        ready: Condition::unknown(
            Reason::RemovalPending,
            format!("{message}; its key is removed from Landscape Management when that has lasted, or is proven"),
        ),
        valid: settle::valid(facts),
        signed_in: settle::signed_in(facts),
        uploaded: settle::uploaded(facts),
        progress: Progress::Reconciling,
    };
    settle::with(facts, Some(conditions), waits, now)
}

/// Gone and cleaned.
fn gone(facts: &Facts, message: &str, now: Now) -> Settlement {
    let unknown = Condition::unknown(Reason::SourceGone, message);
    let uploaded = Condition::no(Reason::SourceGone, "nothing of this object stands in Landscape Management");
    let conditions = Conditions {
        ready: Condition::no(
            Reason::SourceGone,
            format!("{message}, and nothing of this object stands in Landscape Management"),
        ),
        valid: unknown.clone(),
        signed_in: unknown,
        uploaded,
        progress: Progress::Stalled,
    };
    Settlement { ledger: Ledger::default(), ..settle::with(facts, Some(conditions), &[Wait::Retry(Retry::Never)], now) }
}

/// Whatever the trouble, the object says that it is being removed.
fn removing(facts: &Facts, settlement: Settlement) -> Settlement {
    let Some(conditions) = settlement.conditions else { return settlement };
    let ready = Condition::unknown(
        Reason::Removing,
        format!("the key is to be removed from Landscape Management, but: {}", conditions.ready.message),
    );
    let uploaded = settle::uploaded(facts);
    Settlement { conditions: Some(Conditions { ready, uploaded, ..conditions }), ..settlement }
}

/// Without the tenant nothing can be removed. What was never begun needs no removal.
fn deleted_without_tenant(facts: &Facts, name: &str, now: Now) -> Settlement {
    if facts.ledger == Ledger::default() {
        return settle::released(facts, now);
    }
    let message = format!(
        "the key is to be removed from Landscape Management, but no ALMTenant named \"{name}\" exists: apply it again"
    );
    let conditions = Conditions {
        ready: Condition::no(Reason::WaitingForTenant, message.clone()),
        valid: settle::valid(facts),
        signed_in: settle::signed_in(facts),
        uploaded: Condition::unknown(Reason::WaitingForTenant, message),
        progress: Progress::Stalled,
    };
    settle::with(facts, Some(conditions), &[Wait::Retry(Retry::Never)], now)
}
