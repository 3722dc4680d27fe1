//! The kit that the tests run in: a real control plane, a test bed with simulator and operator as real processes, and a
//! proxy that injects faults between them.
#![allow(clippy::missing_panics_doc, reason = "the kit fails a test by a panic")]
#![allow(clippy::must_use_candidate, reason = "the kit is used by tests and the demo only")]

pub mod actionlint;
pub mod bed;
pub mod connect_proxy;
pub mod control_plane;
pub mod crash;
pub mod documented;
pub mod etcd;
pub mod health;
pub mod helm;
pub mod krew;
pub mod monitoring;
pub mod names;
pub mod prometheus;
pub mod promtool;
pub mod proxy;
pub mod secret_scan;

pub use bed::{Setup, Tenant, TestBed};
