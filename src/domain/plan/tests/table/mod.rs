//! The decision as a table: the outcome for every combination of states once all reads and sign-ins have been answered.

mod case;

use std::collections::BTreeSet;

use Outcome::{Asks, Keeps, Releases, Says, Writes};
use case::{Case, LedgerState, ObjectState, Outcome, SignIn, SlotState, SourceState, TenantState, planned};

use crate::domain::action::ActionOperation;
use crate::domain::ledger::Operation::{Adopt, Delete, Release, Upload};
use crate::domain::policy::{Adapter, AdoptionPolicy};
use crate::domain::reason::Reason;

type Row = (&'static str, fn(&Case) -> bool, Outcome);

/// The outcomes for an object that is being deleted.
const DELETED: &[Row] = &[
    ("an abandoned object is released at once", |c| c.object == ObjectState::Abandoned, Releases),
    ("an observed object has no key to remove", |c| c.observe, Releases),
    (
        "without a tenant, an object with a begun upload waits",
        |c| c.tenant == TenantState::Missing && c.has_open_ledger(),
        Says(Reason::WaitingForTenant),
    ),
    ("without a tenant, an object without an upload is released", |c| c.tenant == TenantState::Missing, Releases),
    ("an unreachable slot delays the decision", |c| c.slot == SlotState::Unreachable, Says(Reason::Removing)),
    (
        "an accepted adopted key is left without an owner",
        |c| c.slot == SlotState::OursAdopted && c.signs_in == SignIn::Yes,
        Writes(Release),
    ),
    ("a dead adopted key is deleted", |c| c.slot == SlotState::OursAdopted && c.is_dead(), Writes(Delete)),
    ("an adopted key that may be alive stays", |c| c.slot == SlotState::OursAdopted, Says(Reason::Removing)),
    (
        "our accepted key is left without an owner with Retain",
        |c| c.is_ours() && c.retain && c.signs_in == SignIn::Yes,
        Writes(Release),
    ),
    ("a dead key is deleted even with Retain", |c| c.is_ours() && c.retain && c.is_dead(), Writes(Delete)),
    ("with Retain, a key that may be dead waits", |c| c.is_ours() && c.retain, Says(Reason::Removing)),
    ("our key is deleted with its object", |c| c.is_ours(), Writes(Delete)),
    ("an upload that may come is fenced in the empty slot", |c| c.is_empty() && c.must_be_fenced(), Writes(Delete)),
    ("an upload that may come is fenced in a slot that is not ours", Case::must_be_fenced, Writes(Release)),
    ("the slot has no key of ours", |_| true, Releases),
];

/// The outcomes for a source that is gone.
const GONE: &[Row] = &[
    (
        "an object that is not admitted and has no key causes no call",
        |c| c.tenant == TenantState::Closed && !c.has_open_ledger(),
        Says(Reason::NamespaceNotAllowed),
    ),
    (
        "an unreachable slot delays the decision",
        |c| c.slot == SlotState::Unreachable,
        Says(Reason::LandscapeManagementUnavailable),
    ),
    ("a dead adopted key is deleted", |c| c.slot == SlotState::OursAdopted && c.is_dead(), Writes(Delete)),
    ("an adopted key stays until it is dead", |c| c.slot == SlotState::OursAdopted, Says(Reason::SourceGone)),
    (
        "insufficient evidence delays the removal",
        |c| c.is_ours() && c.must_wait_for_evidence(),
        Says(Reason::RemovalPending),
    ),
    (
        "a key that is not dead is left without an owner with Retain",
        |c| c.is_ours() && c.retain && !c.is_dead(),
        Writes(Release),
    ),
    ("our key is deleted with its source", |c| c.is_ours(), Writes(Delete)),
    (
        "a key that a person may have uploaded waits for the evidence",
        |c| c.may_have_been_uploaded() && c.source == SourceState::AbsentNow,
        Says(Reason::RemovalPending),
    ),
    (
        "a person is asked to delete a key that may have been uploaded",
        Case::may_have_been_uploaded,
        Asks(ActionOperation::Delete),
    ),
    ("an upload that may come is fenced in the empty slot", |c| c.is_empty() && c.must_be_fenced(), Writes(Delete)),
    ("an upload that may come is fenced in a slot that is not ours", Case::must_be_fenced, Writes(Release)),
    ("the slot has no key of ours", |_| true, Says(Reason::SourceGone)),
];

/// The outcomes for a source that is uncertain or invalid, or whose tenant admits no upload.
const BLOCKED: &[Row] = &[
    (
        "a short uncertainty of the source keeps Ready",
        |c| c.tenant == TenantState::Open && c.is_in_source_grace(),
        Keeps,
    ),
    (
        "an object that is not admitted and has no key causes no call",
        |c| c.tenant == TenantState::Closed && !c.has_open_ledger(),
        Says(Reason::NamespaceNotAllowed),
    ),
    ("a dead key of ours is deleted", |c| c.is_ours() && c.is_dead(), Writes(Delete)),
    ("a closed tenant is reported", |c| c.tenant == TenantState::Closed, Says(Reason::NamespaceNotAllowed)),
    ("an unknown source delays the decision", |c| c.source == SourceState::Unknown, Says(Reason::WaitingForBinding)),
    ("an invalid key is not put", |_| true, Says(Reason::MissingCredentials)),
];

/// The outcomes for a valid key that is refused, or without a clear answer.
const NOT_ACCEPTED: &[Row] = &[
    ("an outage keeps Ready", |c| c.signs_in == SignIn::Unclear && c.was_ready(), Keeps),
    ("an outage proves nothing", |c| c.signs_in == SignIn::Unclear, Says(Reason::SignInUnknown)),
    ("a dead key of ours is deleted", |c| c.is_ours() && c.is_dead(), Writes(Delete)),
    ("a pending write is fenced", |c| c.is_empty() && c.is_pending(), Writes(Delete)),
    (
        "a person is asked to delete a dead key that may have been uploaded",
        |c| c.is_empty() && c.may_be_in_slot() && c.is_dead(),
        Asks(ActionOperation::Delete),
    ),
    ("a refused key is not put", |_| true, Says(Reason::CredentialsRefused)),
];

/// The outcomes for a valid key that is accepted.
const ACCEPTED: &[Row] = &[
    ("an outage keeps Ready", |c| c.slot == SlotState::Unreachable && c.was_ready(), Keeps),
    (
        "an unreachable slot delays the decision",
        |c| c.slot == SlotState::Unreachable,
        Says(Reason::LandscapeManagementUnavailable),
    ),
    ("the empty slot is filled", Case::is_empty, Writes(Upload)),
    ("a pending write is repeated", |c| c.is_ours() && c.is_pending() && !c.is_manual(), Writes(Upload)),
    ("an outdated key of ours is replaced", |c| c.slot == SlotState::OursOutdated, Writes(Upload)),
    ("our key is in the slot", |c| c.is_ours(), Says(Reason::Uploaded)),
    ("a sibling's key stays", |c| c.slot == SlotState::OfSibling, Says(Reason::NotSlotOwner)),
    (
        "an identical key without an owner is adopted",
        |c| c.slot == SlotState::UnownedIdentical && c.adoption != AdoptionPolicy::Never,
        Writes(Adopt),
    ),
    ("an overwritten key is not put back", Case::is_overwritten, Says(Reason::SlotOverwritten)),
    ("a different key is replaced with Replace", |c| c.adoption == AdoptionPolicy::Replace, Writes(Upload)),
    ("a different key stays", |_| true, Says(Reason::SlotOccupied)),
];

/// The outcomes for an object that is suspended or has no tenant.
const INACTIVE: &[Row] = &[
    ("a suspended object causes no call", |c| c.suspend, Says(Reason::Suspended)),
    ("an object without a tenant causes no call", |_| true, Says(Reason::WaitingForTenant)),
];

fn rows(case: &Case) -> &'static [Row] {
    match case {
        case if case.is_deleted() => DELETED,
        case if case.suspend || case.tenant == TenantState::Missing => INACTIVE,
        case if case.source_is_gone() => GONE,
        case if case.source != SourceState::Valid || case.tenant == TenantState::Closed => BLOCKED,
        case if case.is_accepted() => ACCEPTED,
        _ => NOT_ACCEPTED,
    }
}

/// Returns the outcome in manual mode: a person is asked for an upload, and for the removal of our key, unless its object is
/// deleted. Owners and fences are matters of the record.
fn by_a_person(case: &Case, outcome: Outcome) -> Outcome {
    match outcome {
        Writes(Upload) if case.is_empty() => Asks(ActionOperation::Upload),
        Writes(Upload) => Asks(ActionOperation::Replace),
        Writes(Delete) if case.is_ours() && !case.is_deleted() => Asks(ActionOperation::Delete),
        outcome => outcome,
    }
}

/// Returns the outcome in the mode Observe: a write is only reported, and a removal is reported as what is wrong.
fn observed(case: &Case, outcome: Outcome) -> Outcome {
    match outcome {
        Writes(Delete | Release) | Asks(ActionOperation::Delete) if case.source_is_gone() => Says(Reason::SourceGone),
        Writes(Delete | Release) | Asks(ActionOperation::Delete) => Says(Reason::CredentialsRefused),
        Writes(_) | Asks(_) => Says(Reason::WouldChange),
        Says(Reason::Uploaded) => Says(Reason::Observed),
        outcome => outcome,
    }
}

fn expected(case: &Case) -> (&'static str, Outcome) {
    let (sentence, _, outcome) =
        rows(case).iter().find(|(_, applies, _)| applies(case)).expect("the last row applies to every case");
    let outcome = if case.is_manual() { by_a_person(case, *outcome) } else { *outcome };
    (sentence, if case.observe { observed(case, outcome) } else { outcome })
}

const TABLES: [&[Row]; 6] = [DELETED, INACTIVE, GONE, BLOCKED, NOT_ACCEPTED, ACCEPTED];

const SOURCES: [SourceState; 6] = [
    SourceState::Valid,
    SourceState::Invalid,
    SourceState::Unknown,
    SourceState::Deleted,
    SourceState::AbsentNow,
    SourceState::AbsentForLong,
];
const SIGN_INS: [SignIn; 4] = [SignIn::Yes, SignIn::Refused, SignIn::Dead, SignIn::Unclear];
const SLOTS: [SlotState; 10] = [
    SlotState::Empty,
    SlotState::Unknown,
    SlotState::Ours,
    SlotState::OursOutdated,
    SlotState::OursAdopted,
    SlotState::UnownedIdentical,
    SlotState::UnownedDifferent,
    SlotState::OfSibling,
    SlotState::OfOtherCluster,
    SlotState::Unreachable,
];
const LEDGERS: [LedgerState; 5] = [
    LedgerState::Nothing,
    LedgerState::Uploaded,
    LedgerState::PendingAtRevision,
    LedgerState::PendingAtEarlierRevision,
    LedgerState::UnconfirmedAtRevision,
];
const OBJECTS: [ObjectState; 3] = [ObjectState::Exists, ObjectState::Deleted, ObjectState::Abandoned];
const TENANTS: [TenantState; 3] = [TenantState::Open, TenantState::Closed, TenantState::Missing];
const ADAPTERS: [Adapter; 2] = [Adapter::Http, Adapter::Manual];
const ADOPTIONS: [AdoptionPolicy; 3] = [AdoptionPolicy::Never, AdoptionPolicy::IfIdentical, AdoptionPolicy::Replace];

/// Returns all states of source, slot and ledger.
fn states() -> impl Iterator<Item = Case> {
    (0..6 * 4 * 10 * 5).map(|number: usize| Case {
        source: SOURCES[number % 6],
        signs_in: SIGN_INS[number / 6 % 4],
        slot: SLOTS[number / 24 % 10],
        ledger: LEDGERS[number / 240 % 5],
        object: ObjectState::Exists,
        tenant: TenantState::Open,
        adapter: Adapter::Http,
        observe: false,
        suspend: false,
        retain: false,
        adoption: AdoptionPolicy::IfIdentical,
    })
}

/// Returns all settings and states of object and tenant, applied to `state`.
fn variants(state: Case) -> impl Iterator<Item = Case> {
    (0..3 * 3 * 3 * 2 * 2 * 2 * 2).map(move |number: usize| Case {
        object: OBJECTS[number % 3],
        tenant: TENANTS[number / 3 % 3],
        adoption: ADOPTIONS[number / 9 % 3],
        observe: number / 27 % 2 == 1,
        suspend: number / 54 % 2 == 1,
        retain: number / 108 % 2 == 1,
        adapter: ADAPTERS[number / 216 % 2],
        ..state
    })
}

#[test]
fn the_plan_follows_the_table_in_every_combination() {
    let mut met = BTreeSet::new();
    for state in states() {
        let scenario = state.scenario();
        for case in variants(state) {
            let (sentence, outcome) = expected(&case);
            assert_eq!(planned(&case.with_settings(scenario.clone())), outcome, "{sentence}: {case:?}");
            met.insert(sentence);
        }
    }
    let unmet: Vec<_> = TABLES.iter().copied().flatten().map(|row| row.0).filter(|row| !met.contains(row)).collect();
    assert_eq!(unmet, Vec::<&str>::new(), "rows that apply to no combination");
}
