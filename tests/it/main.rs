//! All integration tests: one binary, so that one control plane and one operator serve every scenario that neither
//! kills nor configures them.

#[path = "../controlplane/mod.rs"]
mod controlplane;
#[path = "../crash/mod.rs"]
mod crash;
#[path = "../world/mod.rs"]
mod world;

mod audit;
mod commands;
mod conformance;
mod fuzzing;
mod house;
mod hunting;
mod limits;
mod outcomes;
mod panics;
mod processes;
mod promises;
#[path = "../proofs/mod.rs"]
mod proofs;
#[path = "../properties/mod.rs"]
mod properties;
#[path = "../rights/mod.rs"]
mod rights;
mod scenarios;
mod threats;

use tokio::sync::Semaphore;

/// Control planes beside the shared one: each takes 300 MB and half a core while it starts, so three are up at most.
static OWN_CONTROL_PLANES: Semaphore = Semaphore::const_new(2);
