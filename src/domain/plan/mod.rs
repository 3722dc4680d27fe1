//! The decision: one pure function returns the next step.
//!
//! [`plan`] derives a [`Step`] from the [`Facts`]. The executor performs it, adds the answer to the facts and calls
//! `plan` again, until the step is [`Step::Settle`]. Nothing else decides what happens to a key.

mod blocked;
mod comparison;
mod disposal;
mod ensure_uploaded;
mod facts;
mod learn;
mod observe;
mod occupied;
mod possible_keys;
mod probe;
mod put;
mod remove;
mod request;
mod settle;
mod step;
mod steps;
mod suspended;
mod write;

#[cfg(test)]
mod tests;

pub use blocked::SOURCE_NOT_READ;
pub use facts::{
    Answers, Content, Evidence, Facts, Heir, Siblings, Source, SourceIdentity, Subject, Tenant, Verdict, Written,
};
pub use step::{KeyRole, Now, Settlement, Step};

use super::policy::Mode;
use super::reason::Reason;
use super::retry::Retry;
use super::slot::RemoteTrouble;

/// Returns the next step.
#[must_use]
pub fn plan(facts: &Facts, now: Now) -> Step {
    match decide(facts, now) {
        Ok(settlement) => Step::Settle(Box::new(settlement)),
        Err(step) => step,
    }
}

/// Returns the settlement, or as an error the step that must be performed first.
fn decide(facts: &Facts, now: Now) -> Result<Settlement, Step> {
    if let Some(unchanged) = settle::unchanged(facts, now) {
        return Ok(unchanged);
    }
    let decision = enforce(facts, now);
    match facts.policy.mode {
        Mode::Enforce => decision,
        Mode::Observe => observe::without_writes(decision, facts, now),
    }
}

/// Returns the decision in `spec.mode: Enforce`.
fn enforce(facts: &Facts, now: Now) -> Result<Settlement, Step> {
    if let Some(failed) = write::failed(facts, now) {
        return Ok(if facts.subject.deleting { remove::report_as_removing(facts, failed) } else { failed });
    }
    if facts.subject.deleting {
        return remove::object_deleted(facts, now);
    }
    if facts.policy.suspend {
        return Ok(suspended::suspended(facts, now));
    }
    if let Tenant::Missing { name } = &facts.tenant {
        return Ok(blocked::without_tenant(facts, name, now));
    }
    match (&facts.source, &facts.tenant) {
        // A tenant that admits no upload makes an uncertain source irrelevant.
        (Source::Unknown { .. }, Tenant::Closed { reason, message, .. }) => {
            blocked::tenant_closed(facts, None, *reason, message, now)
        }
        (Source::Gone { .. }, Tenant::Closed { reason, message, .. }) if blocked::skips_slot(facts, *reason) => {
            blocked::tenant_closed(facts, None, *reason, message, now)
        }
        (Source::Gone { evidence, message }, _) => remove::source_gone(facts, *evidence, message, now),
        (Source::Unknown { reason, message, retry }, _) => {
            blocked::source_unknown(facts, *reason, message, *retry, now)
        }
        (Source::Present { key, .. }, Tenant::Closed { reason, message, .. }) => {
            blocked::tenant_closed(facts, key.as_ref().err(), *reason, message, now)
        }
        (Source::Present { key: Err(findings), .. }, _) => blocked::key_invalid(facts, findings, now),
        (Source::Present { key: Ok(key), .. }, _) => ensure_uploaded::ensure_uploaded(facts, key, now),
    }
}

/// Ends a reconciliation that ran out of steps because other clients keep writing to the slot.
#[must_use]
pub fn settle_exhausted(facts: &Facts, now: Now) -> Settlement {
    let trouble = RemoteTrouble {
        reason: Reason::SlotUnknown,
        message: "the slot of Landscape Management kept changing while it was being read".into(),
        retry: Retry::Backoff,
    };
    let settlement = settle::slot_unavailable(facts, &trouble, now);
    if facts.subject.deleting { remove::report_as_removing(facts, settlement) } else { settlement }
}
