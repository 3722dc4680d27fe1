//! The controller of `ALMServiceKey`: load → pass → store → requeue.

mod load;
pub(crate) mod memories;
pub mod reconcile;
mod store;
pub mod watches;
