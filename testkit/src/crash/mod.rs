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

pub use history::History;
pub use injector::SeenRequest;
pub use lifecycle::{Outcome, run_lifecycle};
pub use point::{ConcurrentEvent, CrashMode, Lifecycle, Phase, Point};

/// A test bed with a proxy. The operator logs as it does in production.
pub const SETUP: Setup = Setup { log: "info", proxy: true, ..Setup::DEFAULT };
