//! The controller of `ALMTenant`: is its Landscape Management there, and does it accept the operator?

pub(crate) mod hold;
pub(crate) mod reconcile;
mod store;
pub(crate) mod twins;
pub(crate) mod watches;
