//! The HTTP client of every adapter: hardened, connecting only to permitted addresses, and through the admin's proxy if
//! there is one.

mod cause;
pub mod client;
pub mod egress;
pub mod network;
