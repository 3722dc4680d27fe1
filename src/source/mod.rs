//! Sources of a key: a `ServiceBinding` or a Secret in the cluster, or a file.

pub mod binding;
pub mod layout;
pub mod manifest;
pub mod observed_deletions;
pub mod resolve;
pub mod stale_copy;
mod text;
