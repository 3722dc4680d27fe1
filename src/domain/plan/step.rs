//! The steps of a reconciliation, and how it ends.

use std::time::Duration;

use jiff::Timestamp;

use crate::domain::action::Action;
use crate::domain::conditions::Conditions;
use crate::domain::evidence::Observations;
use crate::domain::ledger::{Ledger, Pending};
use crate::domain::slot::{Ownership, Revision};
use crate::domain::time::Moment;

/// The current time on both clocks.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// The monotonic time, for durations.
    pub monotonic: Moment,
    /// The wall-clock time, for timestamps in the status.
    pub wall: Timestamp,
}

/// The next action of a reconciliation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Ask the token endpoint to accept or refuse a key.
    SignIn(KeyRole),
    /// Read the slot's revision and owner.
    ReadSlot,
    /// Read the key in the slot.
    ReadContent,
    /// Record a write in the status before it is sent.
    Record(Pending),
    /// Ask a person for a write. Nothing is sent: the settlement records the action in the status.
    Ask(Box<Action>),
    /// Put the source's key into the slot if the slot still has this revision.
    Put {
        /// The revision for `If-Match`.
        revision: Revision,
        /// True if the slot holds an adopted key with the same credentials, which stays an adopted one.
        adopted: bool,
    },
    /// Empty the slot if it still has this revision. An empty slot gets a new revision.
    Delete {
        /// The revision for `If-Match`.
        revision: Revision,
    },
    /// Become the owner of the unowned key in the slot if the slot still has this revision.
    Adopt {
        /// The revision for `If-Match`.
        revision: Revision,
    },
    /// Leave the key in the slot to another owner, or without one, if the slot still has this revision.
    Release {
        /// The revision for `If-Match`.
        revision: Revision,
        /// The owner after the release.
        to: Option<Ownership>,
    },
    /// End the reconciliation.
    Settle(Box<Settlement>),
}

/// The key to sign in with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyRole {
    /// The key in the source.
    Source,
    /// The key in the slot.
    Slot,
}

/// The result of a reconciliation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// The new conditions; `None` leaves those in the status unchanged.
    pub conditions: Option<Conditions>,
    /// The ledger to be written to the status.
    pub ledger: Ledger,
    /// True if the finalizer may be removed.
    pub release: bool,
    /// True if a key of the object may stay in the slot without an owner that exists.
    pub orphan: bool,
    /// The delay until the next reconciliation, unless a change triggers one earlier.
    pub next: Duration,
    /// The observations that this process keeps; only valid once the settlement has been written.
    pub observations: Observations,
}
