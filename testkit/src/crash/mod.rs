//! The life cycle of a key through the proxy, with a crash at one of its requests.
//!
//! Used by the matrix of all crash points and by the tests of the most dangerous ones.

mod history;
mod injector;
mod lifecycle;
mod person;
mod point;
mod requests;

use crate::bed::Setup;
use crate::bed::operator::Build;

pub use history::History;
pub use injector::SeenRequest;
pub use lifecycle::{Outcome, run_lifecycle};
pub use point::{ConcurrentEvent, CrashMode, Lifecycle, Phase, Point};

/// A test bed with a proxy. The operator logs as it does in production.
pub const SETUP: Setup = Setup {
    bindings: true,
    log: "info",
    // A single process need not wait for the Lease of one that was killed.
    arguments: &["--leader-elect=false"],
    audit: false,
    namespaces: &[],
    controller_manager: false,
    users: &[],
    uninstalled: false,
    proxy: true,
    build: Build::Debug,
};
