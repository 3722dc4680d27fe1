//! The operator in its handles, as real processes: an API server, the simulator of SAP, the operator itself, and
//! the hands of those who act there: a platform team, BTP, a cluster admin.
//!
//! Used by the integration tests and the demo alike.

pub mod almtenant;
pub mod audit;
pub mod binding;
pub mod cluster;
pub mod follow;
pub mod key;
pub mod operator;
pub mod replay;
pub mod request;
pub mod simulator;
pub mod tenant;
pub mod waiting;

pub use cluster::{Setup, TestBed};
pub use tenant::Tenant;

/// The longest that anything is waited for: far more than it takes, so that reaching it means that it never comes.
pub const WAIT_LIMIT: std::time::Duration = std::time::Duration::from_mins(1);
