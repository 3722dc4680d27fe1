//! A real control plane on this machine, without a container engine.
//!
//! Used by the integration tests, the demo and the benchmark alike; knows nothing of the operator.
#![allow(dead_code, reason = "the test binary, the demo and the benchmark each use their part")]

mod binaries;
mod control_plane;
mod kubeconfig;
mod process;
mod watchdog;

pub use control_plane::{ControlPlane, Options, service_account_user};
pub use process::Supervised;
