//! The controller of `ALMServiceKey`: throttle -> lock -> load -> plan and perform -> write status -> report -> requeue.
//!
//! [`watches`] triggers a reconciliation. [`controller`] runs it in the process: throttle, lock, report, requeue.
//! [`reconcile`] is the part that needs ports only, so that the simulation runs it, too: load, plan and perform, write
//! status.

mod confirmation;
pub(crate) mod context;
pub(crate) mod controller;
mod load;
pub(crate) mod reconcile;
pub(crate) mod scheduling;
pub(crate) mod sibling_changes;
pub(crate) mod siblings;
mod status_writer;
pub(crate) mod watches;
