//! One combination of all states that a decision is based on, and its scenario.

use crate::domain::action::ActionOperation;
use crate::domain::ledger::Operation;
use crate::domain::plan::tests::scenario::*;
use crate::domain::plan::{Evidence, Step, Verdict};
use crate::domain::policy::{Adapter, AdoptionPolicy, DeletionPolicy, Mode};
use crate::domain::reason::Reason;
use crate::domain::service_key::ServiceKey;
use crate::domain::service_key::examples::key;
use crate::domain::slot::Owner;

/// The state of the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SourceState {
    Valid,
    Invalid,
    Unknown,
    Deleted,
    AbsentNow,
    AbsentForLong,
}

/// The answer of the token endpoint about the source's key and the slot's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SignIn {
    Yes,
    Refused,
    Dead,
    Unclear,
}

/// The holder of the slot, and the relation of its key to the source's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SlotState {
    Empty,
    Unknown,
    Ours,
    OursOutdated,
    OursAdopted,
    UnownedIdentical,
    UnownedDifferent,
    OfSibling,
    OfOtherCluster,
    Unreachable,
}

/// The content of the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LedgerState {
    Nothing,
    Uploaded,
    PendingAtRevision,
    PendingAtEarlierRevision,
    UnconfirmedAtRevision,
}

/// The state of the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ObjectState {
    Exists,
    Deleted,
    Abandoned,
}

/// The state of the tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TenantState {
    Open,
    Closed,
    Missing,
}

/// One combination.
#[derive(Clone, Copy, Debug)]
pub(super) struct Case {
    pub(super) source: SourceState,
    pub(super) signs_in: SignIn,
    pub(super) slot: SlotState,
    pub(super) ledger: LedgerState,
    pub(super) object: ObjectState,
    pub(super) tenant: TenantState,
    pub(super) adapter: Adapter,
    pub(super) observe: bool,
    pub(super) suspend: bool,
    pub(super) retain: bool,
    pub(super) adoption: AdoptionPolicy,
}

/// The outcome of the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// This write, or its record.
    Writes(Operation),
    /// The request of this write to a person.
    Asks(ActionOperation),
    /// The reconciliation ends and `Ready` has this reason.
    Says(Reason),
    /// The reconciliation ends and the conditions are unchanged.
    Keeps,
    /// The object is released.
    Releases,
}

impl Case {
    pub(super) fn is_deleted(&self) -> bool {
        self.object != ObjectState::Exists
    }

    pub(super) fn is_manual(&self) -> bool {
        self.adapter == Adapter::Manual
    }

    pub(super) fn source_is_gone(&self) -> bool {
        matches!(self.source, SourceState::Deleted | SourceState::AbsentNow | SourceState::AbsentForLong)
    }

    pub(super) fn is_ours(&self) -> bool {
        matches!(self.slot, SlotState::Ours | SlotState::OursOutdated | SlotState::OursAdopted)
    }

    pub(super) fn is_dead(&self) -> bool {
        self.signs_in == SignIn::Dead
    }

    /// Returns true if the slot holds no key as far as known.
    pub(super) fn is_empty(&self) -> bool {
        matches!(self.slot, SlotState::Empty | SlotState::Unknown)
    }

    pub(super) fn has_no_owner(&self) -> bool {
        matches!(self.slot, SlotState::UnownedIdentical | SlotState::UnownedDifferent)
    }

    pub(super) fn is_pending(&self) -> bool {
        self.ledger == LedgerState::PendingAtRevision
    }

    /// Returns true if a person may have uploaded a key of ours that the record does not have.
    pub(super) fn may_be_in_slot(&self) -> bool {
        let is_lost = self.slot == SlotState::Unknown && self.ledger == LedgerState::Uploaded;
        self.is_manual() && (is_lost || self.ledger == LedgerState::UnconfirmedAtRevision)
    }

    /// Returns true if a key of ours may be in the slot that the loss of its source removes.
    pub(super) fn may_have_been_uploaded(&self) -> bool {
        self.may_be_in_slot() && !self.retain && (self.is_empty() || self.has_no_owner())
    }

    /// Returns true if a key of ours that may come to the slot, or be there, must not be left to itself.
    pub(super) fn must_be_fenced(&self) -> bool {
        self.is_pending() || (self.may_be_in_slot() && !self.retain)
    }

    /// Returns true if `Ready=True` was found for the source's key.
    pub(super) fn was_ready(&self) -> bool {
        self.ledger == LedgerState::Uploaded && self.slot != SlotState::OursOutdated
    }

    pub(super) fn has_open_ledger(&self) -> bool {
        self.ledger != LedgerState::Nothing
    }

    pub(super) fn is_accepted(&self) -> bool {
        self.source == SourceState::Valid && self.signs_in == SignIn::Yes
    }

    /// Returns true for a ready object whose source is unknown for a moment.
    pub(super) fn is_in_source_grace(&self) -> bool {
        self.source == SourceState::Unknown && self.ledger == LedgerState::Uploaded
    }

    /// Returns true if the loss of the source does not justify the removal of the key yet.
    pub(super) fn must_wait_for_evidence(&self) -> bool {
        match (self.source, self.signs_in) {
            (SourceState::AbsentNow, SignIn::Yes)
            | (SourceState::AbsentNow | SourceState::AbsentForLong, SignIn::Unclear) => true,
            _ => self.retain && matches!(self.signs_in, SignIn::Refused | SignIn::Unclear),
        }
    }

    /// Returns true if another client overwrote the recorded key.
    pub(super) fn is_overwritten(&self) -> bool {
        self.was_ready()
            && matches!(
                self.slot,
                SlotState::UnownedIdentical | SlotState::UnownedDifferent | SlotState::OfOtherCluster
            )
    }
}

impl Case {
    fn content(&self) -> ServiceKey {
        match self.slot {
            SlotState::OursOutdated
            | SlotState::UnownedDifferent
            | SlotState::OfSibling
            | SlotState::OfOtherCluster => rotated(),
            SlotState::Empty
            | SlotState::Unknown
            | SlotState::Ours
            | SlotState::OursAdopted
            | SlotState::UnownedIdentical
            | SlotState::Unreachable => key(),
        }
    }

    fn verdict(&self) -> Verdict {
        match self.signs_in {
            SignIn::Yes => accepted(),
            SignIn::Refused | SignIn::Dead => refused(),
            SignIn::Unclear => unclear(),
        }
    }

    fn with_source(&self, scenario: Scenario) -> Scenario {
        match self.source {
            SourceState::Valid => scenario,
            SourceState::Invalid => scenario.source(present(Err(findings()))),
            SourceState::Unknown => scenario.source_is_unknown(),
            SourceState::Deleted => scenario.source_is_gone(Evidence::DeletionSeen),
            SourceState::AbsentNow | SourceState::AbsentForLong => scenario.source_is_gone(ABSENT),
        }
    }

    fn with_ledger(&self, scenario: Scenario) -> Scenario {
        let uploaded = if self.is_ours() { self.content() } else { key() };
        match self.ledger {
            LedgerState::Nothing => scenario,
            LedgerState::Uploaded => {
                scenario.ledger_has(&uploaded, "1").with(|facts| facts.previous = Some(ready_conditions()))
            }
            LedgerState::PendingAtRevision => scenario.pending(Operation::Upload, Some(&rotated()), "1"),
            LedgerState::PendingAtEarlierRevision => scenario.pending(Operation::Upload, Some(&key()), "0"),
            LedgerState::UnconfirmedAtRevision => scenario.unconfirmed(&key(), "1"),
        }
    }

    fn with_answers(&self, scenario: Scenario) -> Scenario {
        let scenario = match self.slot {
            SlotState::Empty => scenario.slot_is_empty("1"),
            SlotState::Unknown => scenario.slot_is_unknown("1"),
            SlotState::Ours | SlotState::OursOutdated => scenario.slot_is_ours("1"),
            SlotState::OursAdopted => scenario.slot_is_adopted("1"),
            SlotState::UnownedIdentical | SlotState::UnownedDifferent => scenario.slot_is_owned_by("1", None),
            SlotState::OfSibling => scenario.slot_is_owned_by("1", Some(Owner { name: "sibling".into(), ..us() })),
            SlotState::OfOtherCluster => {
                scenario.slot_is_owned_by("1", Some(Owner { cluster_id: "cluster-2".into(), ..us() }))
            }
            SlotState::Unreachable => scenario.with(|facts| facts.learn_slot(Err(unavailable()))),
        };
        scenario.slot_holds(&self.content()).source_signs_in(self.verdict()).slot_signs_in(self.verdict())
    }

    /// Returns the scenario with source, slot and ledger of this case.
    pub(super) fn scenario(&self) -> Scenario {
        let mut scenario = self.with_ledger(self.with_source(Scenario::new()));
        if self.is_dead() {
            for key in [key(), rotated()] {
                scenario = scenario.refused_at(&key, &[0, 60, 240, 600]);
            }
        }
        if self.source == SourceState::AbsentForLong {
            scenario = scenario.source_unchanged_for(100_000);
        }
        scenario.facts.observe_source(scenario.now);
        self.with_answers(scenario)
    }

    /// Returns the scenario with the settings and the states of object and tenant of this case.
    pub(super) fn with_settings(&self, scenario: Scenario) -> Scenario {
        let scenario = match self.tenant {
            TenantState::Open => scenario,
            TenantState::Closed => scenario.tenant_closed(),
            TenantState::Missing => scenario.tenant_missing(),
        };
        scenario.with(|facts| {
            facts.subject.deleting = self.is_deleted();
            facts.subject.abandoned = self.object == ObjectState::Abandoned;
            facts.policy.adapter = self.adapter;
            facts.policy.suspend = self.suspend;
            facts.policy.adoption = self.adoption;
            facts.policy.mode = if self.observe { Mode::Observe } else { Mode::Enforce };
            facts.policy.deletion = if self.retain { DeletionPolicy::Retain } else { DeletionPolicy::Delete };
        })
    }
}

/// Returns the outcome of the plan.
pub(super) fn planned(scenario: &Scenario) -> Outcome {
    match scenario.plan() {
        Step::Record(pending) => Outcome::Writes(pending.operation),
        Step::Ask(action) => Outcome::Asks(action.operation),
        Step::Put { .. } => Outcome::Writes(Operation::Upload),
        Step::Delete { .. } => Outcome::Writes(Operation::Delete),
        Step::Adopt { .. } => Outcome::Writes(Operation::Adopt),
        Step::Release { .. } => Outcome::Writes(Operation::Release),
        Step::Settle(settlement) if settlement.release => Outcome::Releases,
        Step::Settle(settlement) => {
            settlement.conditions.map_or(Outcome::Keeps, |conditions| Outcome::Says(conditions.ready.reason))
        }
        step @ (Step::SignIn(_) | Step::ReadSlot | Step::ReadContent) => panic!("{step:?} has been answered"),
    }
}
