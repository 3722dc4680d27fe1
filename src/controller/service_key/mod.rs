//! The controller of `ALMServiceKey`: load → pass → store → requeue.

mod attend;
mod line;
mod load;
pub(crate) mod memories;
pub mod reconcile;
mod siblings;
mod store;
mod turn;
pub mod watches;

#[cfg(test)]
mod tests;
