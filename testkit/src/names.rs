//! Names that the whole kit shares.

/// Namespace of the operator, of its service account and of the tenants' credentials.
pub const NAMESPACE: &str = "alm-key-operator";
