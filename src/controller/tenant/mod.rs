//! The controller of `ALMTenant`: is its Landscape Management there, and does it accept the operator?

pub(crate) mod duplicates;
pub(crate) mod finalizer;
pub(crate) mod reconcile;
mod status_writer;
pub(crate) mod watches;
