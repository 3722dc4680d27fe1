//! The slot of Landscape Management: one key, a revision that is never used twice, and an owner.

use std::fmt;

/// The strong `ETag` of the slot. The empty slot has one too, and none ever comes back: a write that arrives late cannot
/// revive a dead key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision(String);

impl Revision {
    /// The revision as the server wrote it, quotes included.
    #[must_use]
    pub fn new(etag: impl Into<String>) -> Self {
        Self(etag.into())
    }

    /// As the server wrote it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An `ALMServiceKey` of some cluster, as the slot names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The cluster.
    pub cluster_id: String,
    /// Namespace of the object.
    pub namespace: String,
    /// Name of the object.
    pub name: String,
}

impl Owner {
    /// Whether these can be names: of a cluster, of a namespace (RFC 1123 label) and of an object (RFC 1123 subdomain).
    #[must_use]
    pub fn is_well_formed(&self) -> bool {
        let is_namespace = self.namespace.len() <= 63 && is_label(&self.namespace);
        is_cluster_id(&self.cluster_id) && is_namespace && is_object_name(&self.name)
    }
}

/// Whether this can be the name of an object (RFC 1123 subdomain). Nothing else may become a part of a request's path.
#[must_use]
pub fn is_object_name(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(is_label)
}

fn is_label(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !text.is_empty() && text.bytes().all(inner) && !text.starts_with('-') && !text.ends_with('-')
}

/// Whether this can be the name of a cluster: 1 to 253 letters, digits, `.`, `_` and `-`.
#[must_use]
pub fn is_cluster_id(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (1..=253).contains(&text.len()) && text.bytes().all(inner)
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{} of cluster {}", self.namespace, self.name, self.cluster_id)
    }
}

/// That a key in the slot is looked after, and by whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ownership {
    /// By whom.
    pub owner: Owner,
    /// Whether the key was there already and has only been taken over.
    pub adopted: bool,
}

/// What a look at the slot showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Slot {
    /// No key there.
    Empty {
        /// Also the empty slot has one.
        revision: Revision,
    },
    /// A key there.
    Filled {
        /// Of this content under this owner.
        revision: Revision,
        /// Who looks after it; none if a person or SAP put it there, or if whoever looked after it is no more.
        owner: Option<Ownership>,
    },
}

/// Whose key the slot holds, seen from one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holder<'a> {
    /// There is no key.
    Empty(&'a Revision),
    /// This object's.
    Us(&'a Revision),
    /// A person's or SAP's.
    Nobody(&'a Revision),
    /// Another object's of this cluster.
    Sibling(&'a Ownership, &'a Revision),
    /// Another cluster's.
    Elsewhere(&'a Ownership, &'a Revision),
}

impl Slot {
    /// Whose key it holds, for the object that owns as `me`.
    #[must_use]
    pub fn holder<'a>(&'a self, me: &Owner) -> Holder<'a> {
        match self {
            Self::Empty { revision } => Holder::Empty(revision),
            Self::Filled { revision, owner: None } => Holder::Nobody(revision),
            Self::Filled { revision, owner: Some(held) } if held.owner == *me => Holder::Us(revision),
            Self::Filled { revision, owner: Some(held) } if held.owner.cluster_id == me.cluster_id => {
                Holder::Sibling(held, revision)
            }
            Self::Filled { revision, owner: Some(held) } => Holder::Elsewhere(held, revision),
        }
    }

    /// Who looks after the key there, if there is one and somebody does.
    #[must_use]
    pub fn ownership(&self) -> Option<&Ownership> {
        match self {
            Self::Empty { .. } => None,
            Self::Filled { owner, .. } => owner.as_ref(),
        }
    }

    /// Whether the key there was only taken over by whoever looks after it.
    #[must_use]
    pub fn is_adopted(&self) -> bool {
        self.ownership().is_some_and(|held| held.adopted)
    }

    /// The revision it has now.
    #[must_use]
    pub fn revision(&self) -> &Revision {
        match self {
            Self::Empty { revision } | Self::Filled { revision, .. } => revision,
        }
    }
}

/// What became of a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WriteAnswer {
    /// It took effect, and this is the slot's revision now.
    Done(Revision),
    /// It did not take effect: the slot is not what we thought (412).
    Changed,
    /// It did not take effect, and will not until its input changes (422, 400). The text is ours, without values.
    Rejected(String),
    /// It did not take effect (401, 403, 429).
    Refused(RemoteTrouble),
    /// It may or may not have taken effect.
    Unknown(RemoteTrouble),
}

/// Why Landscape Management could not be used just now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteTrouble {
    /// What kind of trouble.
    pub reason: super::reason::Reason,
    /// What was attempted and what happened, the same for the same trouble. Holds no value of a key.
    pub message: String,
    /// When to try again.
    pub retry: super::retry::Retry,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_has_a_name_of_labels_and_nothing_that_could_lead_out_of_a_path() {
        let longest = "n".repeat(253);
        for name in ["a", "a-1.b", longest.as_str()] {
            assert!(is_object_name(name), "{name}");
        }
        for other in
            ["", ".", "a..b", "-a", "a-", "A", "a_b", "a/b", "../a", "a?b", "a#b", "a%2fb", "a b", "a\n", "\u{e4}"]
        {
            assert!(!is_object_name(other), "{other}");
        }
        assert!(!is_object_name(&"n".repeat(254)));
    }
}
