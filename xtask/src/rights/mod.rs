//! The rights of the operator: declared in `docs/rights.md`, shipped in `deploy/`, used by the scenarios.

pub mod declared;
pub mod report;
pub mod requests;
mod right;
pub mod shipped;
pub mod verdict;

#[cfg(test)]
mod tests;

pub use right::{Mode, NAMESPACE, OPERATOR, Place, Right};
