//! From a `ServiceBinding` or a Secret to a key.

pub mod binding;
pub mod layout;
pub mod manifest;
pub mod observed_deletions;
pub mod resolve;
