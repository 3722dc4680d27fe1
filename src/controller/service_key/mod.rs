//! The controller of `ALMServiceKey`: load → pass → store → requeue.

pub mod controller;
mod load;
pub(crate) mod observations;
pub(crate) mod reconcile;
pub(crate) mod scheduling;
pub(crate) mod sibling_changes;
pub(crate) mod siblings;
mod status_writer;
pub mod watches;
