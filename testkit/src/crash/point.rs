//! Where a life is struck, and how.

use std::fmt;

use crate::proxy::Name;

/// One crash of one life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    /// Of this life.
    pub life: Kind,
    /// At this request.
    pub request: Name,
    /// In this way.
    pub blow: CrashMode,
    /// This happens while the operator is away.
    pub meanwhile: ConcurrentEvent,
}

/// A kind of life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// The slot is empty: the key is uploaded, rotated and deleted.
    Uploaded,
    /// The key is in the slot already, and nobody's: it is taken over, and given up.
    Adopted,
}

/// What happens to the operator and to its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CrashMode {
    /// It is killed, and the request never leaves it.
    Before,
    /// It is killed when the request has taken effect, and never hears the answer.
    After,
    /// It lives, and never hears the answer of a request that has taken effect.
    Swallowed,
    /// It is killed, and the request takes effect just before its successor makes one like it.
    LateFirst,
    /// It is killed, and the request arrives when its successor has settled everything.
    LateLast,
}

/// What happens to the source or to the object at the moment of the crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ConcurrentEvent {
    /// Nothing.
    Nothing,
    /// The binding gets other credentials; the old ones die.
    Rotated,
    /// The binding is deleted, and its credentials with it.
    Unbound,
    /// The `ALMServiceKey` is deleted.
    Deleted,
}

/// A part of a life. Each ends when everything has settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Phase {
    /// The operator starts; there is a tenant and a binding.
    Start,
    /// The `ALMServiceKey` is applied: the key is uploaded.
    Create,
    /// The binding gets other credentials: they replace the key.
    Rotate,
    /// The `ALMServiceKey` is deleted: the key goes.
    Delete,
    /// The `ALMTenant` is deleted.
    Leave,
}

impl Kind {
    /// Its chapters, in their order.
    pub fn chapters(self) -> &'static [Phase] {
        use Phase::{Create, Delete, Leave, Rotate, Start};
        match self {
            Self::Uploaded => &[Start, Create, Rotate, Delete, Leave],
            Self::Adopted => &[Start, Create, Delete, Leave],
        }
    }

    /// What can happen meanwhile. Without an object, a source that changes concerns nobody. That an adopted key is dead
    /// takes ten minutes to prove, so its source stays.
    fn meanwhiles(self, chapter: Phase) -> &'static [ConcurrentEvent] {
        use ConcurrentEvent::{Deleted, Nothing, Rotated, Unbound};
        match (chapter, self) {
            (Phase::Start | Phase::Leave, _) | (Phase::Delete, Self::Adopted) => &[Nothing],
            (Phase::Create | Phase::Rotate, Self::Uploaded) => &[Nothing, Rotated, Unbound, Deleted],
            (Phase::Create | Phase::Rotate, Self::Adopted) => &[Nothing, Deleted],
            (Phase::Delete, Self::Uploaded) => &[Nothing, Rotated, Unbound],
        }
    }
}

impl Point {
    /// All points at a request that was made in this chapter. The two kinds of lives differ in what is written alone, so
    /// that the reads of the second are left out.
    pub fn all(life: Kind, request: &Name, chapter: Phase) -> Vec<Self> {
        if life == Kind::Adopted && !(request.is_write() && [Phase::Create, Phase::Delete].contains(&chapter)) {
            return Vec::new();
        }
        let blows: &[CrashMode] = if request.is_conditional() {
            &[CrashMode::Before, CrashMode::After, CrashMode::Swallowed, CrashMode::LateFirst, CrashMode::LateLast]
        } else if request.is_write() {
            &[CrashMode::Before, CrashMode::After, CrashMode::Swallowed]
        } else {
            &[CrashMode::Before, CrashMode::After]
        };
        let of = |blow: &CrashMode| {
            let blow = *blow;
            // After a read everything is as before it, and nobody waits for what lists and watches tell.
            let alone = request.is_of_a_collection() || (blow == CrashMode::After && !request.is_write());
            let meanwhiles = if alone { &[ConcurrentEvent::Nothing] } else { life.meanwhiles(chapter) };
            meanwhiles.iter().map(move |meanwhile| Self { life, request: request.clone(), blow, meanwhile: *meanwhile })
        };
        blows.iter().flat_map(of).collect()
    }
}

impl CrashMode {
    /// Whether the request arrives later.
    pub fn is_late(self) -> bool {
        matches!(self, Self::LateFirst | Self::LateLast)
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { life, request, blow, meanwhile } = self;
        write!(f, "{request}, {blow}{meanwhile}{life}")
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Uploaded => "",
            Self::Adopted => ", adopted key",
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
