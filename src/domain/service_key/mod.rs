//! The SAP Cloud ALM service key, parsed from bytes into a type that only a valid key can have.

mod finding;
pub mod fingerprint;
mod json;
mod key;
mod rules;
mod strict;
mod unambiguous;

#[cfg(test)]
pub(crate) mod examples;
#[cfg(test)]
mod tests;

pub use finding::{Finding, Findings};
pub use json::{BYTE_ORDER_MARK, MAX_BYTES, MAX_DEPTH, read as read_object};
pub use key::ServiceKey;
