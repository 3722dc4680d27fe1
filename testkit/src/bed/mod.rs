//! The test bed: an API server, the simulator of SAP and the operator as real processes, and the actions of those who
//! work with them: a platform team, the SAP BTP service operator, a cluster admin.
//!
//! Used by the test suites and by the demo.

pub mod almtenant;
pub mod audit;
pub mod binding;
pub mod chart;
pub mod cluster;
pub mod follow;
pub mod key;
mod kubeconfig;
pub mod manual;
pub mod operator;
pub mod replay;
pub mod request;
pub mod simulator;
pub mod tenant;
pub mod waiting;

pub use cluster::{Setup, TestBed};
pub use tenant::Tenant;
pub use waiting::WAIT_LIMIT;
