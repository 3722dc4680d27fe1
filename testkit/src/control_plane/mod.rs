//! A real control plane on this machine, without a container engine.
//!
//! Used by the test suites and by the demo. It is independent of the operator.

mod binaries;
mod build;
mod certificates;
mod commands;
mod directory;
mod error;
mod faults;
mod instance;
mod kubeconfig;
mod process;
mod readiness;
mod watchdog;

pub use self::{
    error::Error,
    faults::{Backup, Part},
    instance::{Audit, ControlPlane, Options},
    kubeconfig::{User, service_account_user},
    process::Supervised,
};
