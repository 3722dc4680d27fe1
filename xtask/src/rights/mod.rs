//! The rights of the operator: declared in `docs/rights.md`, shipped in `deploy/`, used by the scenarios.

pub mod declared;
pub mod requests;
pub mod shipped;
pub mod verdict;

#[cfg(test)]
mod tests;

use std::fmt;
use std::path::Path;
use std::process::ExitCode;

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

/// Prints, as JSON, the namespaces that each test of a run created.
#[expect(clippy::print_stdout, reason = "this is a command")]
#[must_use]
pub fn print_namespaces(folder: &Path) -> ExitCode {
    let made = requests::namespaces_below(folder);
    println!("{}", serde_json::to_string_pretty(&made).expect("JSON"));
    ExitCode::SUCCESS
}

/// Prints how the requests of two runs compare with the declared rights. Fails if they differ.
#[expect(clippy::print_stdout, reason = "this is a command")]
#[must_use]
pub fn print_verdict(cluster_wide: &Path, namespace_scoped: &Path) -> ExitCode {
    let of = |mode, folder: &Path| (mode, verdict::Verdict::of(declared::of(mode), &requests::below(folder)));
    let verdicts = [of(Mode::ClusterWide, cluster_wide), of(Mode::NamespaceScoped, namespace_scoped)];
    println!("{}", verdict::table(&verdicts));
    let summaries: Vec<_> = verdicts.iter().map(|(mode, verdict)| verdict.summary(*mode)).collect();
    println!("audit: {}", summaries.join("; "));
    let clean = verdicts.iter().all(|(_, verdict)| verdict.is_clean());
    if clean { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
