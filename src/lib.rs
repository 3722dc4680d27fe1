//! Keeps the SAP Cloud ALM service key of Landscape Management true to the cluster.
//!
//! A map of the house, from the inside out:
//!
//! * [`domain`]: what is true of keys, the slot and evidence; [`domain::plan`] decides, and nothing else does.
//! * [`pass`]: the loop that performs what was decided, over ports.
//! * [`api`]: the two kinds that people write, and how they resolve into a [`domain::policy::Policy`].
//! * [`source`]: a binding or a Secret to a key.
//! * [`sign_in`] and [`landscape`]: the two ports that speak HTTP.
//! * [`controller`]: watches, loads the facts, runs the pass, writes the status.
//! * [`process`]: what a process needs beside that. [`cli`]: its commands.
//! * [`wiped`]: memory that held key material.

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
pub mod wiped;
