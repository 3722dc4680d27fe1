//! All integration tests, in one binary: one control plane and one operator serve every scenario that neither kills nor
//! configures them. `tests/README.md` says which test goes where and how to run one.

mod alerts;
mod architecture;
mod certificates;
mod chart;
mod commands;
mod conformance;
mod documentation;
mod egress_proxy;
mod fuzzing;
mod help;
mod hosted_ci;
mod image;
mod kubernetes_versions;
mod limits;
mod processes;
mod recorded_uaa;
mod remote_answers;
mod scenarios;
mod secret_scan;
mod tables;
mod threats;
mod traceability;

use tokio::sync::Semaphore;

/// Permits for control planes beside the shared one. Each takes 300 MB, and half a core while it starts.
static OWN_CONTROL_PLANES: Semaphore = Semaphore::const_new(3);
