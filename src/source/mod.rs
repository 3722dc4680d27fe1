//! From a `ServiceBinding` or a Secret to a key.

pub mod binding;
pub mod layout;
pub mod manifest;
pub mod resolve;
pub mod sightings;
