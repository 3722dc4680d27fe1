//! One combination of all that a decision rests on, and the world in which it holds.

use crate::domain::ledger::Operation;
use crate::domain::plan::tests::scenario::*;
use crate::domain::plan::{Evidence, Step, Verdict};
use crate::domain::policy::{AdoptionPolicy, DeletionPolicy, Mode};
use crate::domain::reason::Reason;
use crate::domain::service_key::ServiceKey;
use crate::domain::service_key::examples::key;
use crate::domain::slot::Owner;

/// The state of the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum From {
    Valid,
    Invalid,
    Unknown,
    Deleted,
    AbsentNow,
    AbsentForLong,
}

/// What a sign-in says, of the source's key and of the slot's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SignsIn {
    Yes,
    Refused,
    Dead,
    Unclear,
}

/// Whose key the slot holds, and whether it is the very key of the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum In {
    Empty,
    Ours,
    OursEarlier,
    OursAdopted,
    NobodysSame,
    NobodysOther,
    Siblings,
    Elsewheres,
    Unreachable,
}

/// What the status remembers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Remembers {
    Nothing,
    Uploaded,
    PendingHere,
    PendingBefore,
}

/// Whether the object stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Object {
    Stays,
    Goes,
    GoesAbandoned,
}

/// The state of the tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admits {
    Open,
    Closed,
    Missing,
}

/// One combination.
#[derive(Clone, Copy, Debug)]
pub(super) struct Case {
    pub(super) from: From,
    pub(super) signs_in: SignsIn,
    pub(super) slot: In,
    pub(super) remembers: Remembers,
    pub(super) object: Object,
    pub(super) tenant: Admits,
    pub(super) observes: bool,
    pub(super) suspended: bool,
    pub(super) retains: bool,
    pub(super) adoption: AdoptionPolicy,
}

/// What the operator does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Does {
    /// This write, or its record.
    Writes(Operation),
    /// The pass ends and `Ready` has this reason.
    Says(Reason),
    /// The pass ends and the conditions stay as they are.
    Keeps,
    /// The object may go.
    Releases,
}

impl Case {
    pub(super) fn goes(&self) -> bool {
        self.object != Object::Stays
    }

    pub(super) fn gone(&self) -> bool {
        matches!(self.from, From::Deleted | From::AbsentNow | From::AbsentForLong)
    }

    pub(super) fn ours(&self) -> bool {
        matches!(self.slot, In::Ours | In::OursEarlier | In::OursAdopted)
    }

    pub(super) fn dead(&self) -> bool {
        self.signs_in == SignsIn::Dead
    }

    pub(super) fn fenced(&self) -> bool {
        self.remembers != Remembers::PendingHere
    }

    /// `Ready=True` was said of the source's key.
    pub(super) fn was_well(&self) -> bool {
        self.remembers == Remembers::Uploaded && self.slot != In::OursEarlier
    }

    pub(super) fn open_ledger(&self) -> bool {
        self.remembers != Remembers::Nothing
    }

    pub(super) fn uploads(&self) -> bool {
        self.from == From::Valid && self.signs_in == SignsIn::Yes
    }

    /// A settled object whose source is unknown for a moment keeps its verdict.
    pub(super) fn blinks(&self) -> bool {
        self.from == From::Unknown && self.remembers == Remembers::Uploaded
    }

    /// The key in the slot is ours, and the end of its source does not suffice yet.
    pub(super) fn absence_is_too_short(&self) -> bool {
        match (self.from, self.signs_in) {
            (From::AbsentNow, SignsIn::Yes) | (From::AbsentNow | From::AbsentForLong, SignsIn::Unclear) => true,
            _ => self.retains && matches!(self.signs_in, SignsIn::Refused | SignsIn::Unclear),
        }
    }

    /// The key that is remembered is not the one that is there.
    pub(super) fn overwritten(&self) -> bool {
        self.was_well() && matches!(self.slot, In::NobodysSame | In::NobodysOther | In::Elsewheres)
    }
}

impl Case {
    fn content(&self) -> ServiceKey {
        match self.slot {
            In::OursEarlier | In::NobodysOther | In::Siblings | In::Elsewheres => rotated(),
            In::Empty | In::Ours | In::OursAdopted | In::NobodysSame | In::Unreachable => key(),
        }
    }

    fn verdict(&self) -> Verdict {
        match self.signs_in {
            SignsIn::Yes => accepted(),
            SignsIn::Refused | SignsIn::Dead => refused(),
            SignsIn::Unclear => unclear(),
        }
    }

    fn source(&self, bed: World) -> World {
        match self.from {
            From::Valid => bed,
            From::Invalid => bed.source(present(Err(findings()))),
            From::Unknown => bed.source_is_unknown(),
            From::Deleted => bed.source_is_gone(Evidence::DeletionSeen),
            From::AbsentNow | From::AbsentForLong => bed.source_is_gone(ABSENT),
        }
    }

    fn remembered(&self, bed: World) -> World {
        let mine = if self.ours() { self.content() } else { key() };
        match self.remembers {
            Remembers::Nothing => bed,
            Remembers::Uploaded => bed.remembers(&mine, "1").with(|facts| facts.previous = Some(all_well())),
            Remembers::PendingHere => bed.pending(Operation::Upload, Some(&rotated()), "1"),
            Remembers::PendingBefore => bed.pending(Operation::Upload, Some(&key()), "0"),
        }
    }

    fn answered(&self, bed: World) -> World {
        let bed = match self.slot {
            In::Empty => bed.slot_is_empty("1"),
            In::Ours | In::OursEarlier => bed.slot_is_ours("1"),
            In::OursAdopted => bed.slot_is_adopted("1"),
            In::NobodysSame | In::NobodysOther => bed.slot_is_held("1", None),
            In::Siblings => bed.slot_is_held("1", Some(Owner { name: "sibling".into(), ..us() })),
            In::Elsewheres => bed.slot_is_held("1", Some(Owner { cluster_id: "cluster-2".into(), ..us() })),
            In::Unreachable => bed.with(|facts| facts.learn_slot(Err(unavailable()))),
        };
        bed.slot_holds(&self.content()).source_signs_in(self.verdict()).slot_signs_in(self.verdict())
    }

    /// The world with what is known of source, slot and past.
    pub(super) fn bed(&self) -> World {
        let mut bed = self.remembered(self.source(World::new()));
        if self.dead() {
            for key in [key(), rotated()] {
                bed = bed.refused_at(&key, &[0, 60, 240, 600]);
            }
        }
        if self.from == From::AbsentForLong {
            bed = bed.lasting(100_000);
        }
        bed.facts.begin(bed.now);
        self.answered(bed)
    }

    /// That world with what is wanted of the object.
    pub(super) fn wanted(&self, bed: World) -> World {
        let bed = match self.tenant {
            Admits::Open => bed,
            Admits::Closed => bed.tenant_closed(),
            Admits::Missing => bed.tenant_missing(),
        };
        bed.with(|facts| {
            facts.subject.deleting = self.goes();
            facts.subject.abandoned = self.object == Object::GoesAbandoned;
            facts.policy.suspend = self.suspended;
            facts.policy.adoption = self.adoption;
            facts.policy.mode = if self.observes { Mode::Observe } else { Mode::Enforce };
            facts.policy.deletion = if self.retains { DeletionPolicy::Retain } else { DeletionPolicy::Delete };
        })
    }
}

/// What the plan does in `world`.
pub(super) fn done(bed: &World) -> Does {
    match bed.plan() {
        Step::Record(pending) => Does::Writes(pending.operation),
        Step::Put { .. } => Does::Writes(Operation::Upload),
        Step::Delete { .. } => Does::Writes(Operation::Delete),
        Step::Adopt { .. } => Does::Writes(Operation::Adopt),
        Step::Release { .. } => Does::Writes(Operation::Release),
        Step::Settle(settlement) if settlement.release => Does::Releases,
        Step::Settle(settlement) => {
            settlement.conditions.map_or(Does::Keeps, |conditions| Does::Says(conditions.ready.reason))
        }
        step @ (Step::SignIn(_) | Step::ReadSlot | Step::ReadContent) => panic!("{step:?} was answered already"),
    }
}
