//! Landscape Management: the contract of the slot, and the client for it.

pub mod contract;
pub(crate) mod dangling_owner;
pub mod http;
pub mod manual;
pub mod unique_ids;
