//! Landscape Management: the contract of the slot, and the client for it.

pub mod contract;
pub mod http;
