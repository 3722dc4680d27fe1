//! Keeps the SAP Cloud ALM service key in Landscape Management in sync with the cluster.
//!
//! The modules, from the inside out:
//!
//! * [`domain`]: keys, the slot, evidence and policy, without I/O. [`domain::plan`] makes every decision.
//! * [`executor`]: performs the steps of a plan over ports, until the plan is settled.
//! * [`api`]: the kinds `ALMServiceKey` and `ALMTenant`, and their resolution into a [`domain::policy::Policy`].
//! * [`http`]: the hardened HTTP client.
//! * [`sign_in`], [`landscape`] and [`source`]: the adapters of token endpoints, of the slot, and of the sources of a key.
//! * [`cluster`]: calls to the API server.
//! * [`controller`]: watches, scheduling, reconciliation and status of both kinds.
//! * [`process`]: admin server, leader election, logging, metrics and shutdown.
//! * [`cli`]: the commands.
//! * `simulation`: the simulated cluster and services that drive the controller in tests.
//!
//! [`names`] lists the names that are part of an interface.

pub mod api;
pub mod cli;
pub mod cluster;
pub mod controller;
pub mod domain;
pub mod executor;
pub mod http;
pub mod landscape;
pub mod names;
pub mod process;
pub mod sign_in;
#[cfg(test)]
mod simulation;
pub mod source;
