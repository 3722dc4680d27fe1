//! A real control plane on this machine, without a container engine.
//!
//! Used by the test suites and by the demo. It is independent of the operator.

mod binaries;
mod certificates;
mod commands;
mod directory;
mod error;
mod faults;
mod go_build;
mod go_cache;
mod instance;
mod kubeconfig;
mod kubernetes;
mod process;
mod readiness;
mod watchdog;

pub(crate) use self::go_build::{GoModule, Program};
pub use self::{
    error::Error,
    faults::{Backup, Part},
    instance::{Audit, ControlPlane, Options},
    kubeconfig::{User, service_account_user},
    kubernetes::Kubernetes,
    process::Supervised,
};
