//! A real control plane on this machine, without a container engine.
//!
//! Used by the test suites and by the demo. It is independent of the operator.

mod binaries;
mod build;
mod certificates;
mod commands;
mod control_plane;
mod directory;
mod error;
mod faults;
mod kubeconfig;
mod process;
mod readiness;
mod watchdog;

pub use self::{
    control_plane::{Audit, ControlPlane, Options},
    error::Error,
    faults::{Backup, Part},
    kubeconfig::{User, service_account_user},
    process::Supervised,
};
