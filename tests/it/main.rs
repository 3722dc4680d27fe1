//! All integration tests: one binary, so that one control plane and one operator serve every scenario that neither
//! kills nor configures them.

#[path = "../controlplane/mod.rs"]
mod controlplane;
#[path = "../world/mod.rs"]
mod world;

mod house;
mod processes;
mod scenarios;
