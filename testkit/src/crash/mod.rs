//! The whole life of a key through the gate, with a crash at one request of it.
//!
//! Used by the matrix of all crash points and by the tests of the most dangerous ones.
#![allow(dead_code, unused_imports, reason = "the matrix and the integration tests each use their part")]

mod history;
mod injector;
mod life;
mod point;

use crate::bed::Setup;

pub use injector::Seen;
pub use life::{Lived, live};
pub use point::{ConcurrentEvent, CrashMode, Kind, Phase, Point};

/// A world with a gate. The operator logs what it would in production.
pub const SETUP: Setup = Setup {
    bindings: true,
    log: "info",
    // One process, which need not wait for the Lease of one that was killed.
    arguments: &["--leader-elect=false"],
    audit: false,
    namespaces: &[],
    controller_manager: false,
    people: &[],
    gate: true,
};
