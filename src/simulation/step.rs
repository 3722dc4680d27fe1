//! What can happen.

use std::fmt;

use crate::domain::policy::AdoptionPolicy;
use crate::simulation::model::binding::Credential;
use crate::simulation::model::cluster::{ReadFault, Reads, WriteFault};
use crate::simulation::model::sap::Fault;
use crate::simulation::operator::Watch;

/// An `ALMServiceKey` by its place: cluster, name, tenant.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Who(usize);

/// Three siblings, one of another cluster for the same slot, and one of another tenant.
const ALL: [(usize, &str, &str); 5] =
    [(0, "a", "acme"), (0, "b", "acme"), (0, "c", "acme"), (1, "a", "acme"), (0, "x", "other")];

impl Who {
    /// The one that most happens to.
    pub(crate) const FIRST: Self = Self(0);
    /// One that wants the same slot.
    pub(crate) const SIBLING: Self = Self(1);
    /// Those of its slot, and at last one of another.
    pub(crate) const EVERYBODY: [Self; 5] = [Self(0), Self(1), Self(2), Self(3), Self(4)];

    pub(crate) fn cluster(self) -> usize {
        ALL[self.0].0
    }

    pub(crate) fn name(self) -> &'static str {
        ALL[self.0].1
    }

    pub(crate) fn tenant(self) -> &'static str {
        ALL[self.0].2
    }
}

impl fmt::Debug for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.cluster() + 1, self.name())
    }
}

/// What people do with an `ALMServiceKey`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Create,
    Delete,
    Observe(bool),
    Suspend(bool),
    Retain(bool),
    Report(bool),
    /// Grace in seconds.
    Grace(u32),
    /// Interval in seconds.
    Interval(u32),
    /// From a plain Secret, or from a binding.
    FromSecret(bool),
    Abandon,
    Request,
    Annotate,
    Tamper(Tamper),
}

/// What somebody else writes into the status of an `ALMServiceKey`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tamper {
    /// Nothing: a backup without it is restored.
    Loses,
    /// What the operator wrote so many times ago, for this object or for one of its name.
    Restores(u8),
    /// That another key stands at the slot's revision.
    NamesAnotherKey,
    /// That the key stands, or a write is under way, at a revision that never was.
    NamesAnotherRevision,
    /// That the object's last key stands where somebody else's does or none.
    ClaimsTheSlot,
    /// That a write is under way.
    ClaimsAWrite,
}

/// What people do with an `ALMTenant`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TenantAct {
    Adoption(AdoptionPolicy),
    Admit(bool),
    Delete,
    Create,
}

/// What a plain Secret is made to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paste {
    Instance,
    Fresh,
    Broken,
}

/// What happens to the source of an `ALMServiceKey`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SourceAct {
    Bind(Credential),
    Unbind,
    Rotate,
    /// The binding's Secret is deleted by hand.
    SecretDeleted,
    /// Somebody touches the binding: the operator makes its Secret anew.
    Touch,
    Paste(Paste),
    /// The plain Secret is deleted.
    Drop,
    /// Its key is deleted in the cockpit.
    Kill,
    /// The operator notices that.
    Notice,
    /// Its key signs in again.
    Revive,
}

/// What happens in the app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AppAct {
    /// A person puts a key of their own there.
    Fill,
    /// A person puts there what an object has.
    FillAlike(Who),
    Empty,
    /// The same content under a new revision.
    Restamp,
    /// The key there dies.
    Kill,
    /// The service instance is made anew.
    ReplaceInstance,
}

/// What goes wrong, and right again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    TokenEndpointDown(bool),
    LandscapeDown(bool),
    NextWrite(Fault),
    HeldWritesLand,
    ApiServerDown(usize, bool),
    NextStatusWrite(usize, WriteFault),
    Crash(usize),
    Lag(usize, Watch, bool),
    /// Reads of one kind of objects fail, or work again.
    ReadsFail(usize, Reads, Option<ReadFault>),
    /// The operators' wall clocks jump, by so many seconds.
    ClocksJump(i32),
    /// The clock of an API server jumps, by so many seconds.
    ClusterClockJumps(usize, i32),
    BindingKind(usize, bool),
    OwnKindGoes(usize),
}

/// One thing that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// All passes run to their end, and BTP's operator does its work.
    Settle,
    /// The passes that run make so many calls.
    Calls(u8),
    /// Time passes, in seconds, and all is done that is due meanwhile.
    Wait(u32),
    /// BTP's operator does one thing with each binding.
    Work(usize),
    Key(Who, Act),
    Tenant(usize, &'static str, TenantAct),
    Source(Who, SourceAct),
    App(usize, AppAct),
    Trouble(Trouble),
}
