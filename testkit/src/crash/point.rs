//! Crash points: the request at which a life cycle is disturbed, and the kind of disturbance.

use std::fmt;

use crate::proxy::RequestName;

/// One crash in one life cycle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    /// The life cycle that is disturbed.
    pub lifecycle: Lifecycle,
    /// The request at which it is disturbed.
    pub request: RequestName,
    /// The kind of crash.
    pub mode: CrashMode,
    /// The event while the operator is down.
    pub event: ConcurrentEvent,
}

/// A life cycle of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Lifecycle {
    /// The slot is empty. The key is uploaded, rotated and deleted.
    Uploaded,
    /// The key is in the slot and has no owner. It is adopted and released.
    Adopted,
    /// The tenant is in manual mode. A person uploads, replaces and deletes the key.
    Manual,
}

/// The fate of the operator and of its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CrashMode {
    /// The operator is killed, and the request is never sent.
    Before,
    /// The operator is killed after the request has taken effect, and never sees the answer.
    After,
    /// The operator lives, and never sees the answer of a request that has taken effect.
    Swallowed,
    /// The operator is killed, and the request takes effect just before its successor sends one like it.
    LateFirst,
    /// The operator is killed, and the request arrives after its successor has settled everything.
    LateLast,
}

/// A change of the source or of the object at the moment of the crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ConcurrentEvent {
    /// No change.
    Nothing,
    /// The binding gets new credentials, and the old ones are revoked.
    Rotated,
    /// The binding is deleted, and its credentials are revoked.
    Unbound,
    /// The `ALMServiceKey` is deleted.
    Deleted,
}

/// A phase of a life cycle. Each one ends when everything has settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Phase {
    /// The operator starts. A tenant and a binding exist.
    Start,
    /// The `ALMServiceKey` is created, and the key is uploaded.
    Create,
    /// The binding gets new credentials, which replace the key.
    Rotate,
    /// The `ALMServiceKey` is deleted, and the key is removed.
    Delete,
    /// The `ALMTenant` is deleted.
    Leave,
}

impl Lifecycle {
    /// Returns the phases in their order.
    pub fn phases(self) -> &'static [Phase] {
        use Phase::{Create, Delete, Leave, Rotate, Start};
        match self {
            Self::Uploaded | Self::Manual => &[Start, Create, Rotate, Delete, Leave],
            Self::Adopted => &[Start, Create, Delete, Leave],
        }
    }

    /// Returns the events that can happen in a phase. A source that changes matters only while there is an object. The
    /// source of an adopted key stays, as it takes ten minutes to prove that such a key is dead. That of a key in manual
    /// mode changes in its phase alone, so that the number of points stays affordable.
    fn events(self, phase: Phase) -> &'static [ConcurrentEvent] {
        use ConcurrentEvent::{Deleted, Nothing, Rotated, Unbound};
        match (phase, self) {
            (Phase::Start | Phase::Leave, _) | (Phase::Delete, Self::Adopted | Self::Manual) => &[Nothing],
            (Phase::Create | Phase::Rotate, Self::Uploaded) => &[Nothing, Rotated, Unbound, Deleted],
            (Phase::Create | Phase::Rotate, Self::Adopted | Self::Manual) => &[Nothing, Deleted],
            (Phase::Delete, Self::Uploaded) => &[Nothing, Rotated, Unbound],
        }
    }

    /// Returns true if a request that is sent in this phase makes points. A life leaves out what the first one covers. In
    /// manual mode, the record is in the status of the tenant, and stale copies of the binding are listed.
    fn includes(self, request: &RequestName, phase: Phase) -> bool {
        match self {
            Self::Uploaded => true,
            Self::Adopted => request.is_write() && [Phase::Create, Phase::Delete].contains(&phase),
            Self::Manual => {
                let lists_copies = phase == Phase::Rotate && request.kind == "LIST servicebindings";
                request.is_conditional() || lists_copies
            }
        }
    }

    /// Returns true if an event makes a point of its own in this mode. In manual mode, each request before which an object
    /// can be deleted follows another one after which it is.
    fn combines(self, mode: CrashMode, event: ConcurrentEvent) -> bool {
        self != Self::Manual || event == ConcurrentEvent::Nothing || mode == CrashMode::After
    }
}

impl Point {
    /// Returns all points at a request that is sent in this phase.
    pub fn all(lifecycle: Lifecycle, request: &RequestName, phase: Phase) -> Vec<Self> {
        if !lifecycle.includes(request, phase) {
            return Vec::new();
        }
        let modes: &[CrashMode] = if request.is_conditional() {
            &[CrashMode::Before, CrashMode::After, CrashMode::Swallowed, CrashMode::LateFirst, CrashMode::LateLast]
        } else if request.is_write() {
            &[CrashMode::Before, CrashMode::After, CrashMode::Swallowed]
        } else {
            &[CrashMode::Before, CrashMode::After]
        };
        let points = |mode: &CrashMode| {
            let mode = *mode;
            // A read changes nothing, and no step of the operator depends on the end of a list or watch.
            let is_without_event = request.is_list_or_watch() || (mode == CrashMode::After && !request.is_write());
            let events = if is_without_event { &[ConcurrentEvent::Nothing] } else { lifecycle.events(phase) };
            let events = events.iter().filter(move |event| lifecycle.combines(mode, **event));
            events.map(move |event| Self { lifecycle, request: request.clone(), mode, event: *event })
        };
        modes.iter().flat_map(points).collect()
    }
}

impl CrashMode {
    /// Returns true if the request arrives after the crash.
    pub fn is_late(self) -> bool {
        matches!(self, Self::LateFirst | Self::LateLast)
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { lifecycle, request, mode, event } = self;
        write!(f, "{request}, {mode}{event}{lifecycle}")
    }
}

impl fmt::Display for Lifecycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Uploaded => "",
            Self::Adopted => ", adopted key",
            Self::Manual => ", manual mode",
        })
    }
}

impl fmt::Display for CrashMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Before => "killed before",
            Self::After => "killed after",
            Self::Swallowed => "answer swallowed",
            Self::LateFirst => "killed and late",
            Self::LateLast => "killed and last",
        })
    }
}

impl fmt::Display for ConcurrentEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nothing => "",
            Self::Rotated => ", source rotated",
            Self::Unbound => ", binding gone",
            Self::Deleted => ", object deleted",
        })
    }
}
