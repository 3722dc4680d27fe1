//! The models that the controller's code runs against: clusters with their API servers, SAP BTP, and Landscape Management.

pub(crate) mod api_server;
pub(crate) mod binding;
pub(crate) mod cluster;
pub(crate) mod remote;
pub(crate) mod sap;
pub(crate) mod service_operator;
