//! Which namespaces are served.

use std::collections::BTreeSet;

use kube::Api;

/// Where the sources of keys are watched and read. Our own kinds are watched in the whole cluster either way: whoever
/// holds a slot matters to the others, wherever it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everywhere.
    Cluster,
    /// There alone: no right on Secrets and ServiceBindings is needed anywhere else.
    Namespaces(BTreeSet<String>),
}

impl Scope {
    /// These namespaces; all if none is named.
    #[must_use]
    pub fn of(namespaces: impl IntoIterator<Item = String>) -> Self {
        let namespaces: BTreeSet<String> = namespaces.into_iter().filter(|namespace| !namespace.is_empty()).collect();
        if namespaces.is_empty() { Self::Cluster } else { Self::Namespaces(namespaces) }
    }

    /// Whether objects of the namespace are served.
    pub(crate) fn serves(&self, namespace: Option<&str>) -> bool {
        match self {
            Self::Cluster => true,
            Self::Namespaces(served) => namespace.is_some_and(|namespace| served.contains(namespace)),
        }
    }

    /// What to watch: everything at once, or each namespace by itself, whose name comes along.
    pub(crate) fn each<K>(&self, api: impl Fn(Option<&str>) -> Api<K>) -> Vec<(Option<String>, Api<K>)> {
        match self {
            Self::Cluster => vec![(None, api(None))],
            Self::Namespaces(served) => served.iter().map(|name| (Some(name.clone()), api(Some(name)))).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_namespace_or_an_empty_one_means_the_cluster() {
        assert_eq!(Scope::of([]), Scope::Cluster);
        assert_eq!(Scope::of([String::new()]), Scope::Cluster);
        assert!(Scope::Cluster.serves(Some("a")));
    }

    #[test]
    fn named_namespaces_are_served_and_no_others() {
        let scope = Scope::of(["a".to_owned(), "b".to_owned(), "a".to_owned()]);
        assert!(scope.serves(Some("a")) && scope.serves(Some("b")));
        assert!(!scope.serves(Some("c")) && !scope.serves(None));
    }
}
