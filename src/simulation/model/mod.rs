//! The models of everything around the controller: clusters, SAP BTP, and Landscape Management.

pub(crate) mod binding;
pub(crate) mod cluster;
pub(crate) mod document;
pub(crate) mod sap;
pub(crate) mod service_operator;
