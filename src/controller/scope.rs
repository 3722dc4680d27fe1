//! The namespaces that are served.

use std::collections::BTreeSet;

use kube::Api;

/// The namespaces in which sources of keys are watched and read. Our own kinds are watched in the whole cluster either way:
/// the object that holds a slot matters to the others, whatever its namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All namespaces.
    Cluster,
    /// Only these. The operator needs no right on Secrets and ServiceBindings in any other.
    Namespaces(BTreeSet<String>),
}

impl Scope {
    /// Serves these namespaces, or all of them if there is none.
    #[must_use]
    pub fn new(namespaces: impl IntoIterator<Item = String>) -> Self {
        let namespaces: BTreeSet<String> = namespaces.into_iter().filter(|namespace| !namespace.is_empty()).collect();
        if namespaces.is_empty() { Self::Cluster } else { Self::Namespaces(namespaces) }
    }

    /// Returns true if objects of the namespace are served.
    pub(crate) fn serves(&self, namespace: Option<&str>) -> bool {
        match self {
            Self::Cluster => true,
            Self::Namespaces(served) => namespace.is_some_and(|namespace| served.contains(namespace)),
        }
    }

    /// Returns the APIs to watch: one for the whole cluster, or one for each namespace, with its name.
    pub(crate) fn apis<K>(&self, api: impl Fn(Option<&str>) -> Api<K>) -> Vec<(Option<String>, Api<K>)> {
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
        assert_eq!(Scope::new([]), Scope::Cluster);
        assert_eq!(Scope::new([String::new()]), Scope::Cluster);
        assert!(Scope::Cluster.serves(Some("a")));
    }

    #[test]
    fn named_namespaces_are_served_and_no_others() {
        let scope = Scope::new(["a".to_owned(), "b".to_owned(), "a".to_owned()]);
        assert!(scope.serves(Some("a")) && scope.serves(Some("b")));
        assert!(!scope.serves(Some("c")) && !scope.serves(None));
    }
}
