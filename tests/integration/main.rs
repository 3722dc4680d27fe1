//! All integration tests: one binary, so that one control plane and one operator serve every scenario that neither
//! kills nor configures them.

mod architecture;
mod commands;
mod conformance;
mod fuzzing;
mod limits;
mod processes;
mod remote_answers;
mod scenarios;
mod secret_scan;
mod threats;
mod traceability;

use tokio::sync::Semaphore;

/// Control planes beside the shared one: each takes 300 MB and half a core while it starts, so three are up at most.
static OWN_CONTROL_PLANES: Semaphore = Semaphore::const_new(2);
