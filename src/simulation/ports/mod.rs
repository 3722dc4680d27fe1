//! The controller's ports, implemented on the models: the connections of one reconciliation.

pub(crate) mod api_server;
pub(crate) mod remote;
