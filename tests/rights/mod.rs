//! The rights of the operator: declared in `docs/rights.md`, shipped in `deploy/`, used by the scenarios.
#![allow(dead_code, reason = "the test binary and the command each use their part")]

pub mod declared;
pub mod requests;
pub mod shipped;
pub mod verdict;

use std::fmt;

/// The operator's own namespace.
pub const NAMESPACE: &str = "alm-key-operator";
/// The operator, as the API server knows it.
pub const OPERATOR: &str = "system:serviceaccount:alm-key-operator:alm-key-operator";

/// How the operator is installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    /// `deploy/`: it serves all namespaces.
    ClusterWide,
    /// `deploy/namespaced/`: it serves single ones.
    NamespaceScoped,
}

impl Mode {
    /// Both.
    pub const ALL: [Self; 2] = [Self::ClusterWide, Self::NamespaceScoped];

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::ClusterWide => "cluster-wide",
            Self::NamespaceScoped => "namespace-scoped",
        }
    }
}

/// Where a right holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// In the whole cluster.
    Cluster,
    /// In the operator's own namespace.
    OwnNamespace,
    /// In each namespace that is served.
    ServedNamespaces,
}

impl Place {
    /// Where a `RoleBinding` in this namespace gives its rights.
    pub fn of_binding_in(namespace: &str) -> Self {
        if namespace == NAMESPACE { Self::OwnNamespace } else { Self::ServedNamespaces }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Cluster => "cluster",
            Self::OwnNamespace => "own namespace",
            Self::ServedNamespaces => "each served namespace",
        }
    }
}

/// One verb on one resource, by one role.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Right {
    /// The `Role` or `ClusterRole`.
    pub role: String,
    /// Where it is bound.
    pub place: Place,
    /// API group; empty for the core.
    pub group: String,
    /// Resource, with its subresource after a slash.
    pub resource: String,
    /// The one object that it is limited to; empty if it is not.
    pub name: String,
    /// The verb.
    pub verb: String,
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { role, place, group, resource, name, verb } = self;
        let dot = if group.is_empty() { "" } else { "." };
        let object = if name.is_empty() { String::new() } else { format!(" {name}") };
        write!(f, "{verb} {resource}{dot}{group}{object} ({role}, {})", place.name())
    }
}
