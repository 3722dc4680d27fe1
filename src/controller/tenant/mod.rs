//! The controller of `ALMTenant`: checks that its Landscape Management answers and accepts the operator's credentials.

pub(crate) mod manual;
pub(crate) mod reconcile;
pub(crate) mod release;
mod status_writer;
pub(crate) mod watches;
