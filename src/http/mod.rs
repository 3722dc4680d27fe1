//! The HTTP client of every adapter: hardened, and connecting only to permitted addresses.

pub mod client;
pub mod network;
