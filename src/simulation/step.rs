//! The steps of a history: actions of users and of SAP BTP, faults, and the passing of time.

use std::fmt;

use crate::domain::policy::AdoptionPolicy;
use crate::simulation::manual::people::{Deed, Errand};
use crate::simulation::model::document::Edition;

/// An `ALMServiceKey` of the simulation, and the user who owns it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Actor(usize);

/// Cluster, name and tenant of each actor: three siblings, one of another cluster for their slot, one of another tenant.
const PLACES: [(usize, &str, &str); 5] =
    [(0, "a", "acme"), (0, "b", "acme"), (0, "c", "acme"), (1, "a", "acme"), (0, "x", "other")];

impl Actor {
    /// The actor that takes part in each history.
    pub(crate) const FIRST: Self = Self(0);
    /// An object of the same cluster that wants the same slot.
    pub(crate) const SIBLING: Self = Self(1);
    /// An object of the other cluster with the same name and tenant as the first one.
    pub(crate) const NAMESAKE: Self = Self(3);
    /// Another object of the same cluster that wants the same slot.
    pub(crate) const THIRD: Self = Self(2);
    /// An object of the same cluster with another tenant.
    pub(crate) const OF_ANOTHER_TENANT: Self = Self(4);
    /// All actors.
    pub(crate) const ALL: [Self; 5] = [Self(0), Self(1), Self(2), Self(3), Self(4)];

    pub(crate) fn cluster(self) -> usize {
        PLACES[self.0].0
    }

    pub(crate) fn name(self) -> &'static str {
        PLACES[self.0].1
    }

    pub(crate) fn tenant(self) -> &'static str {
        PLACES[self.0].2
    }
}

impl fmt::Debug for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.cluster() + 1, self.name())
    }
}

/// A change that a user makes to an `ALMServiceKey`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyAction {
    Create,
    Delete,
    Observe(bool),
    Suspend(bool),
    Retain(bool),
    ReportDeadKey(bool),
    /// The grace period in seconds.
    GracePeriod(u32),
    /// The interval in seconds.
    Interval(u32),
    /// The source becomes a plain Secret (true) or a `ServiceBinding` (false).
    UseSecret(bool),
    Abandon,
    RequestReconciliation,
    Annotate,
    Tamper(Tamper),
}

/// A change of an `ALMServiceKey`'s status by another client than the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tamper {
    /// The status is removed, as a restored backup without it does.
    ClearStatus,
    /// The n-th last status that the operator wrote to an object of this name is restored.
    RestoreStatus(u8),
    /// The status of another object is written to this one.
    CopyStatus(Actor),
    /// The ledger claims another key at the slot's revision.
    ForgeFingerprint,
    /// The ledger claims its key, or a pending write, at a revision that never existed.
    ForgeRevision,
    /// The ledger claims a slot that holds no key of the object.
    ClaimSlot,
    /// The ledger claims a pending upload.
    ClaimWrite,
}

/// A change that a cluster admin makes to an `ALMTenant`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TenantAction {
    SetAdoption(AdoptionPolicy),
    /// The tenant admits the namespace of all objects, or does not.
    Admit(bool),
    Delete,
    Create,
    /// The status is removed, as a restored backup without it does. In manual mode, the record of the slot is lost.
    ClearStatus,
    /// The n-th last status that the operator wrote to a tenant of this name is restored.
    RestoreStatus(u8),
}

/// The key that a binding gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Credential {
    /// The key of the service instance: all its bindings share it, and it outlives each of them.
    Instance,
    /// A key of the binding's own, which dies with it.
    Own,
}

/// The content that a user writes into a plain Secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SecretContent {
    InstanceKey,
    FreshKey,
    /// A document that violates the rules for service keys.
    Invalid,
}

/// A change of the source of an `ALMServiceKey`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SourceAction {
    Bind(Credential),
    Unbind,
    Rotate,
    /// A user deletes the binding's Secret.
    DeleteBindingSecret,
    /// A user touches the binding, and the SAP BTP service operator recreates a missing Secret.
    Touch,
    WriteSecret(SecretContent),
    /// A user deletes the plain Secret.
    DeleteSecret,
    /// The document in the object's Secret changes, and its credentials do not.
    Edit(Edition),
    /// The binding's key is deleted in the BTP cockpit.
    KillKey,
    /// The SAP BTP service operator compares the binding with BTP.
    CheckBinding,
    /// The binding's key signs in again.
    ReviveKey,
    /// The stale copies of the binding are removed, and their keys die.
    ExpireStaleCopies,
}

/// A change in Landscape Management or BTP that bypasses the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AppAction {
    /// A user uploads a key of their own.
    Fill,
    /// A user uploads the key that the source of this object holds, in this edition.
    FillWithKeyOf(Actor, Edition),
    /// The document in the slot changes under the same owner, and its credentials do not.
    Edit(Edition),
    Empty,
    /// The slot's revision changes, and its content does not.
    BumpRevision,
    /// The key in the slot stops signing in.
    KillKey,
    /// The service instance is replaced, and its old key dies.
    ReplaceInstance,
}

/// A fault of the next write to a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SlotWriteFault {
    /// The write takes effect, and the answer is lost.
    AnswerLost,
    /// The write is delayed, and the caller gets no answer.
    Delayed,
    /// The write never arrives.
    Lost,
    /// The server answers 429.
    TooManyRequests,
}

/// A fault of the next write to an API server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ApiWriteFault {
    /// The write takes effect, and the answer is lost.
    AnswerLost,
    /// Another client wrote the object just before.
    Conflict,
}

/// A fault of all reads of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ApiReadFault {
    /// The right to read the kind was taken away.
    Forbidden,
    NoAnswer,
}

/// A kind that the operator reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ReadKind {
    Keys,
    Tenants,
    Bindings,
    Secrets,
    Definitions,
}

impl ReadKind {
    pub(crate) const ALL: [Self; 5] = [Self::Keys, Self::Tenants, Self::Bindings, Self::Secrets, Self::Definitions];
}

/// A watch of the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Watch {
    Keys,
    Tenants,
    Secrets,
    Bindings,
}

impl Watch {
    pub(crate) const ALL: [Self; 4] = [Self::Keys, Self::Tenants, Self::Secrets, Self::Bindings];
}

/// A fault, or its end. The number is a cluster's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    TokenEndpointDown(bool),
    /// The token endpoint knows no identity zone, as behind a wrong route, or knows them again.
    ZonesUnknown(bool),
    LandscapeDown(bool),
    NextSlotWrite(SlotWriteFault),
    /// All delayed writes reach their slots.
    DelayedWritesArrive,
    ApiServerDown(usize, bool),
    NextApiWrite(usize, ApiWriteFault),
    /// The operator's process is killed and started anew.
    Crash(usize),
    WatchLags(usize, Watch, bool),
    /// Reads of one kind fail, or succeed again.
    ReadsFail(usize, ReadKind, Option<ApiReadFault>),
    /// The wall clocks of all operators jump by this number of seconds.
    OperatorClocksJump(i32),
    /// The clock of an API server jumps by this number of seconds.
    ApiServerClockJumps(usize, i32),
    /// The kind `ServiceBinding` is defined, or its definition is removed.
    BindingKindDefined(usize, bool),
    /// The definition of `ALMServiceKey` is deleted.
    OwnKindDeleted(usize),
    /// The second cluster turns out to be a clone of the first one: its operator starts anew, with the same cluster ID.
    ClusterCloned,
}

/// A step of a history. Each is possible at any time, so that a part of a history is a history too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// All reconciliations run to their end, and the SAP BTP service operators finish their work.
    Settle,
    /// The running reconciliations proceed by this number of calls.
    Calls(u8),
    /// Time passes, in seconds, and all work that is due meanwhile is done.
    Wait(u32),
    /// The SAP BTP service operator of a cluster does one thing with each binding.
    ServiceOperator(usize),
    Key(Actor, KeyAction),
    Tenant(usize, &'static str, TenantAction),
    Source(Actor, SourceAction),
    App(usize, AppAction),
    Fault(Fault),
    /// All tenants are in manual mode. It has no effect once a reconciliation has begun, because a tenant cannot enter that
    /// mode later.
    ManualMode,
    /// All tenants get an HTTP endpoint instead of manual mode.
    HttpMode,
    /// A person does something that the operator asks for, or does not do it.
    Person(Errand, Deed),
}
