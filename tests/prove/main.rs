//! What is too long for `make test`: matrices of crashes and faults, on a real API server. `make prove` runs them.

#[path = "../controlplane/mod.rs"]
mod controlplane;
#[path = "../crash/mod.rs"]
mod crash;
mod crash_matrix;
#[path = "../world/mod.rs"]
mod world;

mod api_server;
mod fault_matrix;
mod hostile;
mod limits;
mod replicas;
mod worlds;
