//! Identities of objects, read once where an object enters.
//!
//! An API server sets the uid of every object and the namespace of every namespaced one. Only an object that a unit test
//! builds can lack them: its identity is empty then, which no object of a cluster has.

use std::fmt;

use kube::{Resource, ResourceExt};

/// The uid of an object: an object that is deleted and created again has another one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Uid(String);

impl Uid {
    /// Reads the uid of an object.
    #[must_use]
    pub fn new(object: &impl Resource) -> Self {
        Self(object.uid().unwrap_or_default())
    }
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The identity of an `ALMServiceKey`. It is displayed as `namespace/name`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KeyId {
    /// Namespace of the object.
    pub namespace: String,
    /// Name of the object.
    pub name: String,
    /// Uid of the object.
    pub uid: Uid,
}

impl KeyId {
    /// Reads the identity of an object.
    #[must_use]
    pub fn new(object: &impl Resource) -> Self {
        Self { namespace: object.namespace().unwrap_or_default(), name: object.name_any(), uid: Uid::new(object) }
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}
