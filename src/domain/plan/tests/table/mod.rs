//! The decision as a table: every combination of states, and what is done in it once all that can be asked was asked.

mod case;

use std::collections::BTreeSet;

use Does::{Keeps, Releases, Says, Writes};
use case::{Admits, Case, Does, From, In, Object, Remembers, SignsIn, done};

use crate::domain::ledger::Operation::{Adopt, Delete, Release, Upload};
use crate::domain::policy::AdoptionPolicy;
use crate::domain::reason::Reason;

type Row = (&'static str, fn(&Case) -> bool, Does);

/// An object that goes.
const GOES: &[Row] = &[
    ("an abandoned object goes at once", |c| c.object == Object::GoesAbandoned, Releases),
    ("who observes has nothing to remove", |c| c.observes, Releases),
    (
        "without a tenant, what was begun waits",
        |c| c.tenant == Admits::Missing && c.open_ledger(),
        Says(Reason::WaitingForTenant),
    ),
    ("without a tenant, what was never begun goes", |c| c.tenant == Admits::Missing, Releases),
    ("what cannot be looked at waits", |c| c.slot == In::Unreachable, Says(Reason::Removing)),
    (
        "a living adopted key is left to nobody",
        |c| c.slot == In::OursAdopted && c.signs_in == SignsIn::Yes,
        Writes(Release),
    ),
    ("a dead adopted key is deleted", |c| c.slot == In::OursAdopted && c.dead(), Writes(Delete)),
    ("an adopted key that may live waits", |c| c.slot == In::OursAdopted, Says(Reason::Removing)),
    (
        "our living key is left to nobody if so wished",
        |c| c.ours() && c.retains && c.signs_in == SignsIn::Yes,
        Writes(Release),
    ),
    ("a dead key is not left there, whatever is wished", |c| c.ours() && c.retains && c.dead(), Writes(Delete)),
    ("a key to be left there that may be dead waits", |c| c.ours() && c.retains, Says(Reason::Removing)),
    ("our key is deleted with its object", |c| c.ours(), Writes(Delete)),
    ("a write that may land is fenced in the empty slot", |c| c.slot == In::Empty && !c.fenced(), Writes(Delete)),
    ("a write that may land is fenced beside a key of others", |c| !c.fenced(), Writes(Release)),
    ("nothing of ours is there", |_| true, Releases),
];

/// A source that is gone.
const GONE: &[Row] = &[
    (
        "who is not admitted and left nothing there asks nothing",
        |c| c.tenant == Admits::Closed && !c.open_ledger(),
        Says(Reason::NamespaceNotAllowed),
    ),
    ("what cannot be looked at waits", |c| c.slot == In::Unreachable, Says(Reason::LandscapeManagementUnavailable)),
    ("a dead adopted key is deleted", |c| c.slot == In::OursAdopted && c.dead(), Writes(Delete)),
    ("an adopted key stays until it dies", |c| c.slot == In::OursAdopted, Says(Reason::SourceGone)),
    ("an end that is not certain waits", |c| c.ours() && c.absence_is_too_short(), Says(Reason::RemovalPending)),
    ("a living key is left to nobody if so wished", |c| c.ours() && c.retains && !c.dead(), Writes(Release)),
    ("our key is deleted with its source", |c| c.ours(), Writes(Delete)),
    ("a write that may land is fenced in the empty slot", |c| c.slot == In::Empty && !c.fenced(), Writes(Delete)),
    ("a write that may land is fenced beside a key of others", |c| !c.fenced(), Writes(Release)),
    ("nothing of ours is there", |_| true, Says(Reason::SourceGone)),
];

/// A source of which nothing certain is known, that is invalid, or whose tenant admits no upload.
const HELD: &[Row] = &[
    ("a verdict does not blink with the source", |c| c.tenant == Admits::Open && c.blinks(), Keeps),
    (
        "who is not admitted and left nothing there asks nothing",
        |c| c.tenant == Admits::Closed && !c.open_ledger(),
        Says(Reason::NamespaceNotAllowed),
    ),
    ("a dead key of ours is deleted", |c| c.ours() && c.dead(), Writes(Delete)),
    ("a tenant that is closed says so", |c| c.tenant == Admits::Closed, Says(Reason::NamespaceNotAllowed)),
    ("an unknown source is waited for", |c| c.from == From::Unknown, Says(Reason::WaitingForBinding)),
    ("an invalid key is not put", |_| true, Says(Reason::MissingCredentials)),
];

/// A valid key that does not sign in, or of which that is not known.
const UNPROVEN: &[Row] = &[
    ("an outage does not end what stood well", |c| c.signs_in == SignsIn::Unclear && c.was_well(), Keeps),
    ("an outage proves nothing", |c| c.signs_in == SignsIn::Unclear, Says(Reason::SignInUnknown)),
    ("a dead key of ours is deleted", |c| c.ours() && c.dead(), Writes(Delete)),
    ("a write that may land is fenced", |c| c.slot == In::Empty && !c.fenced(), Writes(Delete)),
    ("a refused key is not put", |_| true, Says(Reason::CredentialsRefused)),
];

/// A valid key that signs in.
const PROVEN: &[Row] = &[
    ("an outage does not end what stood well", |c| c.slot == In::Unreachable && c.was_well(), Keeps),
    ("what cannot be looked at waits", |c| c.slot == In::Unreachable, Says(Reason::LandscapeManagementUnavailable)),
    ("the empty slot is filled", |c| c.slot == In::Empty, Writes(Upload)),
    ("a write that may land is repeated", |c| c.ours() && !c.fenced(), Writes(Upload)),
    ("an earlier key of ours is replaced", |c| c.slot == In::OursEarlier, Writes(Upload)),
    ("our key stands there", |c| c.ours(), Says(Reason::Uploaded)),
    ("a sibling's key stays", |c| c.slot == In::Siblings, Says(Reason::NotSlotOwner)),
    ("the very key is taken over", |c| c.slot == In::NobodysSame && c.adoption != AdoptionPolicy::Never, Writes(Adopt)),
    ("what was overwritten is not put back", Case::overwritten, Says(Reason::SlotOverwritten)),
    ("another key is replaced if so wished", |c| c.adoption == AdoptionPolicy::Replace, Writes(Upload)),
    ("another key stays", |_| true, Says(Reason::SlotOccupied)),
];

/// An object that is suspended, or has no tenant.
const APART: &[Row] = &[
    ("a suspended object asks nothing", |c| c.suspended, Says(Reason::Suspended)),
    ("without a tenant nothing is asked", |_| true, Says(Reason::WaitingForTenant)),
];

fn rows_of(case: &Case) -> &'static [Row] {
    match case {
        case if case.goes() => GOES,
        case if case.suspended || case.tenant == Admits::Missing => APART,
        case if case.gone() => GONE,
        case if case.from != From::Valid || case.tenant == Admits::Closed => HELD,
        case if case.uploads() => PROVEN,
        _ => UNPROVEN,
    }
}

/// Who only observes writes nothing, and says so.
fn observed(does: Does) -> Does {
    match does {
        Writes(_) => Says(Reason::WouldChange),
        Says(Reason::Uploaded) => Says(Reason::Observed),
        does => does,
    }
}

fn stated(case: &Case) -> (&'static str, Does) {
    let (sentence, _, does) = rows_of(case).iter().find(|(_, applies, _)| applies(case)).expect("a last row for all");
    (sentence, if case.observes { observed(*does) } else { *does })
}

const TABLES: [&[Row]; 6] = [GOES, APART, GONE, HELD, UNPROVEN, PROVEN];

const SOURCES: [From; 6] =
    [From::Valid, From::Invalid, From::Unknown, From::Deleted, From::AbsentNow, From::AbsentForLong];
const SIGN_INS: [SignsIn; 4] = [SignsIn::Yes, SignsIn::Refused, SignsIn::Dead, SignsIn::Unclear];
const SLOTS: [In; 9] = [
    In::Empty,
    In::Ours,
    In::OursEarlier,
    In::OursAdopted,
    In::NobodysSame,
    In::NobodysOther,
    In::Siblings,
    In::Elsewheres,
    In::Unreachable,
];
const MEMORIES: [Remembers; 4] =
    [Remembers::Nothing, Remembers::Uploaded, Remembers::PendingHere, Remembers::PendingBefore];
const OBJECTS: [Object; 3] = [Object::Stays, Object::Goes, Object::GoesAbandoned];
const TENANTS: [Admits; 3] = [Admits::Open, Admits::Closed, Admits::Missing];
const ADOPTIONS: [AdoptionPolicy; 3] = [AdoptionPolicy::Never, AdoptionPolicy::IfIdentical, AdoptionPolicy::Replace];

/// All states of source, slot and past.
fn states() -> impl Iterator<Item = Case> {
    (0..6 * 4 * 9 * 4).map(|number: usize| Case {
        from: SOURCES[number % 6],
        signs_in: SIGN_INS[number / 6 % 4],
        slot: SLOTS[number / 24 % 9],
        remembers: MEMORIES[number / 216 % 4],
        object: Object::Stays,
        tenant: Admits::Open,
        observes: false,
        suspended: false,
        retains: false,
        adoption: AdoptionPolicy::IfIdentical,
    })
}

/// All that can be wanted in the state `of`.
fn wishes(of: Case) -> impl Iterator<Item = Case> {
    (0..3 * 3 * 3 * 2 * 2 * 2).map(move |number: usize| Case {
        object: OBJECTS[number % 3],
        tenant: TENANTS[number / 3 % 3],
        adoption: ADOPTIONS[number / 9 % 3],
        observes: number / 27 % 2 == 1,
        suspended: number / 54 % 2 == 1,
        retains: number / 108 % 2 == 1,
        ..of
    })
}

#[test]
fn in_every_combination_the_plan_does_what_the_table_says() {
    let mut met = BTreeSet::new();
    for state in states() {
        let bed = state.bed();
        for case in wishes(state) {
            let (sentence, does) = stated(&case);
            assert_eq!(done(&case.wanted(bed.clone())), does, "{sentence}: {case:?}");
            met.insert(sentence);
        }
    }
    let unmet: Vec<_> = TABLES.iter().copied().flatten().map(|row| row.0).filter(|row| !met.contains(row)).collect();
    assert_eq!(unmet, Vec::<&str>::new(), "rows that no combination meets");
}
