//! A right, and the ways to install the operator.

use std::fmt;

/// The operator's own namespace.
pub const NAMESPACE: &str = "alm-key-operator";
/// The operator's user name at the API server.
pub const OPERATOR: &str = "system:serviceaccount:alm-key-operator:alm-key-operator";

/// A way to install the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    /// `deploy/`: the operator serves all namespaces.
    ClusterWide,
    /// `deploy/namespaced/`: the operator serves single namespaces.
    NamespaceScoped,
}

impl Mode {
    /// Both modes.
    pub const ALL: [Self; 2] = [Self::ClusterWide, Self::NamespaceScoped];

    /// Returns the mode's name in messages.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ClusterWide => "cluster-wide",
            Self::NamespaceScoped => "namespace-scoped",
        }
    }
}

/// The namespaces in which a right holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// The whole cluster.
    Cluster,
    /// The operator's own namespace.
    OwnNamespace,
    /// Each namespace that is served.
    ServedNamespaces,
}

impl Place {
    /// Returns the place in which a `RoleBinding` in this namespace gives its rights.
    #[must_use]
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

/// One verb on one resource, given by one role.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Right {
    /// The `Role` or `ClusterRole`.
    pub role: String,
    /// The place in which it is bound.
    pub place: Place,
    /// The API group; empty for the core.
    pub group: String,
    /// The resource, with its subresource after a slash.
    pub resource: String,
    /// The one object that the right is limited to; empty without such a limit.
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
