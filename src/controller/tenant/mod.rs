//! The controller of `ALMTenant`: is its Landscape Management there, and does it accept the operator?

pub(crate) mod reconcile;
pub(crate) mod watches;
