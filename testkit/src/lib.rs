//! The kit that the tests run in: a real control plane, a test bed with simulator and operator as real processes, and a
//! proxy that injects faults between them.

pub mod bed;
pub mod control_plane;
pub mod crash;
pub mod etcd;
pub mod names;
pub mod proxy;
pub mod secret_scan;

pub use bed::{Setup, Tenant, TestBed};
