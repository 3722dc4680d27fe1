//! The operator in its surroundings, as real processes: an API server, the simulator of SAP, the operator itself, and
//! the hands of those who act there: a platform team, BTP, a cluster admin.
//!
//! Used by the integration tests and the demo alike.
#![allow(dead_code, unused_imports, reason = "the test binary and the demo each use their part")]

pub mod almtenant;
mod audit;
pub mod binding;
pub mod cluster;
pub mod gate;
pub mod hunt;
pub mod key;
#[path = "../../src/bin/almkey-simulator/marker.rs"]
pub mod marker;
pub mod objects;
pub mod operator;
pub mod replay;
pub mod request;
pub mod simulator;
pub mod tenant;
pub mod waiting;

pub use cluster::{Setup, World};
pub use tenant::Tenant;

/// The longest that anything is waited for: far more than it takes, so that reaching it means that it never comes.
pub const PATIENCE: std::time::Duration = std::time::Duration::from_mins(1);
