//! Nothing of ours may stay in the slot: the source is gone, or the object is being deleted.

use std::time::Duration;

use super::settle::{self, Wait};
use super::{Evidence, Facts, Now, Settlement, Step, Tenant, Verdict, hand_over, probe, write};
use crate::domain::conditions::{Condition, Conditions, Progress};
use crate::domain::ledger::Ledger;
use crate::domain::policy::Mode;
use crate::domain::reason::Reason;
use crate::domain::retry::Retry;
use crate::domain::slot::{Holder, RemoteTrouble, Revision};

/// The object is being deleted: it goes when nothing of it is left, also nothing under way.
pub(super) fn object_deleted(facts: &Facts, now: Now) -> Step {
    if facts.subject.abandoned || facts.policy.mode == Mode::Observe {
        return Step::Settle(Box::new(settle::let_go(facts, now)));
    }
    if let Tenant::Missing { name } = &facts.tenant {
        return Step::Settle(Box::new(deleted_without_tenant(facts, name, now)));
    }
    match cleared(facts, now) {
        Cleared::No(step) => in_the_way(facts, step),
        Cleared::Ours(revision) => match hand_over::with_object(facts, revision, now) {
            Err(step) => in_the_way(facts, step),
            Ok(waits) => Step::Settle(Box::new(not_known_to_be_dead(facts, &waits, now))),
        },
        Cleared::Unknown(trouble) => Step::Settle(Box::new(removing(facts, settle::trouble(facts, trouble, now)))),
        Cleared::Yes => Step::Settle(Box::new(settle::released(facts, now))),
    }
}

/// The step; if it ends the pass, the object says all the same that it is being removed.
fn in_the_way(facts: &Facts, step: Step) -> Step {
    match step {
        Step::Settle(settlement) => Step::Settle(Box::new(removing(facts, *settlement))),
        step => step,
    }
}

/// The source is gone: its key goes too, as soon as the evidence suffices.
pub(super) fn source_gone(facts: &Facts, evidence: Evidence, message: &str, now: Now) -> Step {
    match cleared(facts, now) {
        Cleared::No(step) => step,
        Cleared::Unknown(trouble) => Step::Settle(Box::new(settle::trouble(facts, trouble, now))),
        Cleared::Ours(_) if hand_over::is_adopted(facts) => match probe::test(facts, now) {
            Err(step) => step,
            Ok(waits) => Step::Settle(Box::new(gone_and_adopted(facts, message, waits, now))),
        },
        Cleared::Ours(revision) => match still_to_wait(facts, evidence, now) {
            Err(step) => step,
            Ok(waits) if waits.is_empty() => match hand_over::with_source(facts, revision, now) {
                Err(step) => step,
                Ok(waits) => Step::Settle(Box::new(removal_pending(facts, message, &waits, now))),
            },
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
    /// It could not be looked at.
    Unknown(&'a RemoteTrouble),
    /// So it is.
    Yes,
}

fn cleared(facts: &Facts, now: Now) -> Cleared<'_> {
    match probe::slot(facts) {
        Err(step) => Cleared::No(step),
        Ok(Err(trouble)) => Cleared::Unknown(trouble),
        Ok(Ok(slot)) => match slot.holder(&facts.subject.owner) {
            Holder::Us(revision) => Cleared::Ours(revision),
            _ if !write::may_still_land(facts, slot.revision()) => Cleared::Yes,
            // Not ours, but a write of ours may still reach it: it gets another revision, and stays what it is.
            Holder::Empty(revision) => Cleared::No(write::delete(facts, revision, now)),
            Holder::Nobody(revision) => Cleared::No(write::release(facts, revision, None, now)),
            Holder::Sibling(owner, revision) | Holder::Elsewhere(owner, revision) => {
                Cleared::No(write::release(facts, revision, Some(owner.clone()), now))
            }
        },
    }
}

/// What there is to wait for before a key of a source that is gone may be deleted; nothing if it may be now.
fn still_to_wait(facts: &Facts, evidence: Evidence, now: Now) -> Result<Vec<Wait>, Step> {
    let absent = facts.observations.gone_since.unwrap_or(now.monotonic).elapsed(now.monotonic);
    let until = |needed: Duration| {
        let rest = needed.saturating_sub(absent);
        (!rest.is_zero()).then_some(Wait::Exactly(rest))
    };
    match evidence {
        Evidence::DeletionSeen | Evidence::SecretAbsent => match until(facts.policy.grace_period) {
            None => Ok(Vec::new()),
            // Its death ends the grace.
            Some(wait) => Ok([vec![wait], probe::test(facts, now)?].concat()),
        },
        // Its deletion was not seen: the key itself is asked, and if it lives, the absence must last.
        Evidence::BindingAbsent { .. } => match probe::slot_verdict(facts)? {
            Ok(Some(Verdict::Refused { .. })) => Ok(Vec::new()),
            Ok(Some(Verdict::Accepted { .. }) | None) => {
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
        others_stand: false,
    };
    settle::with(facts, Some(conditions), waits, now)
}

/// The key was there before us: it stays, and is tested, until it dies.
fn gone_and_adopted(facts: &Facts, message: &str, waits: Vec<Wait>, now: Now) -> Settlement {
    let waits: Vec<Wait> = waits.into_iter().map(Wait::at_most_hourly).collect();
    let conditions = Conditions {
        ready: Condition::no(
            Reason::SourceGone,
            format!(
                "{message}; its key stood in Landscape Management before it was taken over, and so stays there until \
                 it no longer signs in"
            ),
        ),
        valid: settle::valid(facts),
        signed_in: settle::signed_in(facts),
        uploaded: settle::uploaded(facts),
        progress: Progress::Stalled,
        others_stand: false,
    };
    settle::with(facts, Some(conditions), &waits, now)
}

/// The key was there before us, and whether it still signs in is not settled.
fn not_known_to_be_dead(facts: &Facts, waits: &[Wait], now: Now) -> Settlement {
    let conditions = Conditions {
        ready: Condition::unknown(
            Reason::Removing,
            "the object is being deleted; whether its key still signs in decides if it stays in Landscape Management, \
             and is not known yet",
        ),
        valid: settle::valid(facts),
        signed_in: settle::signed_in(facts),
        uploaded: settle::uploaded(facts),
        progress: Progress::Reconciling,
        others_stand: false,
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
        others_stand: false,
    };
    Settlement { ledger: Ledger::default(), ..settle::with(facts, Some(conditions), &[Wait::Retry(Retry::Never)], now) }
}

/// Whatever the trouble, the object says that it is being removed.
pub(super) fn removing(facts: &Facts, settlement: Settlement) -> Settlement {
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
    if !facts.ledger.is_open() {
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
        others_stand: false,
    };
    settle::with(facts, Some(conditions), &[Wait::Retry(Retry::Never)], now)
}
