//! Landscape Management: where the slot is.

pub mod contract;
pub mod http;
