//! The decision: one pure function names the next step.
//!
//! [`plan`] looks at the [`Facts`] and names a [`Step`]; the pass performs it, adds its answer to the facts, and asks
//! again, until the step is [`Step::Settle`]. Nothing else decides what happens to a key.

mod blocked;
mod ensure_uploaded;
mod facts;
mod hand_over;
mod learn;
mod observe;
mod occupied;
mod probe;
mod remove;
mod settle;
mod write;

#[cfg(test)]
mod tests;

use std::time::Duration;

use jiff::Timestamp;

pub use blocked::SOURCE_NOT_READ;
pub use facts::{Answers, Content, Evidence, Facts, Heir, Siblings, Source, SourceIdentity, Subject, Tenant, Verdict};

use super::conditions::Conditions;
use super::evidence::Observations;
use super::ledger::{Ledger, Pending};
use super::policy::Mode;
use super::slot::{Ownership, RemoteTrouble, Revision};
use super::time::Moment;

/// What time it is, on both clocks.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// For durations.
    pub monotonic: Moment,
    /// For the record.
    pub wall: Timestamp,
}

/// The next thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Ask the token endpoint whether a key signs in.
    SignIn(KeyRole),
    /// Look at the slot: its revision and owner.
    ReadSlot,
    /// Read the key in the slot.
    ReadContent,
    /// Record a write before it is sent.
    Record(Pending),
    /// Put the source's key into the slot, if it still has this revision.
    Put {
        /// For `If-Match`.
        revision: Revision,
    },
    /// Empty the slot, if it still has this revision; an empty one gets a new revision by it.
    Delete {
        /// For `If-Match`.
        revision: Revision,
    },
    /// Make the key of nobody that is in the slot ours, if the slot still has this revision.
    Adopt {
        /// For `If-Match`.
        revision: Revision,
    },
    /// Leave the key that is in the slot to another owner or to none, if the slot still has this revision.
    Release {
        /// For `If-Match`.
        revision: Revision,
        /// Who looks after it from then on.
        to: Option<Ownership>,
    },
    /// The pass is over.
    Settle(Box<Settlement>),
}

/// Which key to sign in with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyRole {
    /// The one that the source holds.
    Source,
    /// The one that the slot holds.
    Slot,
}

/// How a pass ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// The verdict; none if it is as it stands in the status.
    pub conditions: Option<Conditions>,
    /// What the status is to remember of the slot.
    pub ledger: Ledger,
    /// Whether nothing holds the object back any more.
    pub release: bool,
    /// Whether something of the object may stay in the slot, with nobody to look after it.
    pub orphan: bool,
    /// When to look again, if nothing tells us to do so before.
    pub next: Duration,
    /// What this process is to remember; only valid once the settlement has been written.
    pub observations: Observations,
}

/// Names the next step.
#[must_use]
pub fn plan(facts: &Facts, now: Now) -> Step {
    if let Some(unchanged) = settle::nothing_new(facts, now) {
        return unchanged;
    }
    let step = enforced(facts, now);
    match facts.policy.mode {
        Mode::Enforce => step,
        Mode::Observe => observe::instead_of(step, facts, now),
    }
}

fn enforced(facts: &Facts, now: Now) -> Step {
    if facts.subject.deleting {
        return remove::object_deleted(facts, now);
    }
    if facts.policy.suspend {
        return blocked::suspended(facts, now);
    }
    if let Tenant::Missing { name } = &facts.tenant {
        return blocked::without_tenant(facts, name, now);
    }
    match (&facts.source, &facts.tenant) {
        // What is wrong with a source is no matter of a tenant that does not take its key.
        (Source::Unknown { .. }, Tenant::Closed { reason, message, .. }) => {
            blocked::closed(facts, None, *reason, message, now)
        }
        (Source::Gone { .. }, Tenant::Closed { reason, message, .. }) if blocked::is_out_of_sight(facts, *reason) => {
            blocked::closed(facts, None, *reason, message, now)
        }
        (Source::Gone { evidence, message }, _) => remove::source_gone(facts, *evidence, message, now),
        (Source::Unknown { reason, message, retry }, _) => blocked::unknown(facts, *reason, message, *retry, now),
        (Source::Present { key, .. }, Tenant::Closed { reason, message, .. }) => {
            blocked::closed(facts, key.as_ref().err(), *reason, message, now)
        }
        (Source::Present { key: Err(findings), .. }, _) => blocked::invalid(facts, findings, now),
        (Source::Present { key: Ok(key), .. }, _) => ensure_uploaded::ensure_uploaded(facts, key, now),
    }
}

/// Ends a pass in which the steps ran out: somebody else writes to the slot again and again.
#[must_use]
pub fn settle_exhausted(facts: &Facts, now: Now) -> Settlement {
    let trouble = RemoteTrouble {
        reason: super::reason::Reason::SlotUnknown,
        message: "the slot of Landscape Management changed again and again while it was looked at".into(),
        retry: super::retry::Retry::Backoff,
    };
    let settlement = settle::trouble(facts, &trouble, now);
    if facts.subject.deleting { remove::removing(facts, settlement) } else { settlement }
}
