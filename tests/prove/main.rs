//! What is too long for `make test`: matrices of crashes and faults, on a real API server. `make prove` runs them.

#[path = "../controlplane/mod.rs"]
mod controlplane;
#[path = "../world/mod.rs"]
mod world;
