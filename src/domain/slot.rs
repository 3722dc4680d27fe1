//! The slot of Landscape Management: one key, a revision that is never used twice, and an owner.

use std::fmt;

use super::service_key::fingerprint::KeyFingerprint;

/// The strong `ETag` of the slot. An empty slot has one, too. No revision is used twice, so a late write cannot bring
/// back a dead key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision(String);

impl Revision {
    /// Returns the revision as sent by the server, including the quotes.
    #[must_use]
    pub fn new(etag: impl Into<String>) -> Self {
        Self(etag.into())
    }

    /// Returns the text as sent by the server.
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

/// An `ALMServiceKey` of any cluster, as the slot identifies it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The ID of the cluster.
    pub cluster_id: String,
    /// The namespace of the object.
    pub namespace: String,
    /// The name of the object.
    pub name: String,
}

impl Owner {
    /// Returns true if the parts are a valid cluster ID, namespace (RFC 1123 label) and object name (RFC 1123
    /// subdomain).
    #[must_use]
    pub fn is_well_formed(&self) -> bool {
        let is_namespace = self.namespace.len() <= 63 && is_label(&self.namespace);
        is_cluster_id(&self.cluster_id) && is_namespace && is_object_name(&self.name)
    }
}

/// Returns true for a valid object name (RFC 1123 subdomain). Nothing else may become a part of a request's path.
#[must_use]
pub fn is_object_name(text: &str) -> bool {
    text.len() <= 253 && text.split('.').all(is_label)
}

fn is_label(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !text.is_empty() && text.bytes().all(inner) && !text.starts_with('-') && !text.ends_with('-')
}

/// Returns true for a valid cluster ID: 1 to 253 letters, digits, `.`, `_` and `-`.
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

/// The ownership of a key in the slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ownership {
    /// The owner.
    pub owner: Owner,
    /// True if the key was already in the slot and was adopted.
    pub adopted: bool,
}

/// The basis of the knowledge that the slot holds a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// The content: Landscape Management returned it, or a person compared a file that was downloaded there.
    Content,
    /// The word of a person.
    Confirmation,
}

/// The state of the slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Slot {
    /// The slot holds no key.
    Empty {
        /// The revision of the empty slot.
        revision: Revision,
    },
    /// The slot holds a key.
    Filled {
        /// The revision with this key and owner.
        revision: Revision,
        /// The ownership; `None` if a person or SAP uploaded the key, or if its owner no longer exists.
        owner: Option<Ownership>,
        /// The basis of this knowledge.
        basis: Basis,
    },
    /// The content of the slot is not known: in manual mode, no person has confirmed what it holds.
    Unknown {
        /// The revision of the record.
        revision: Revision,
        /// The keys whose deletion a person was asked for. The slot may hold one of them.
        leaving: Vec<KeyFingerprint>,
    },
}

/// The holder of the slot from the view of one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holder<'a> {
    /// The slot is empty.
    Empty(&'a Revision),
    /// The content of the slot is not known.
    Unknown(&'a Revision),
    /// This object owns the key.
    Us(&'a Revision),
    /// The key has no owner: a person or SAP uploaded it.
    Nobody(&'a Revision),
    /// Another object of this cluster owns the key.
    Sibling(&'a Ownership, &'a Revision),
    /// An object of another cluster owns the key.
    Elsewhere(&'a Ownership, &'a Revision),
}

impl Slot {
    /// Returns the holder from the view of the object `me`.
    #[must_use]
    pub fn holder<'a>(&'a self, me: &Owner) -> Holder<'a> {
        match self {
            Self::Empty { revision } => Holder::Empty(revision),
            Self::Unknown { revision, .. } => Holder::Unknown(revision),
            Self::Filled { revision, owner: None, .. } => Holder::Nobody(revision),
            Self::Filled { revision, owner: Some(ownership), .. } if ownership.owner == *me => Holder::Us(revision),
            Self::Filled { revision, owner: Some(ownership), .. } if ownership.owner.cluster_id == me.cluster_id => {
                Holder::Sibling(ownership, revision)
            }
            Self::Filled { revision, owner: Some(ownership), .. } => Holder::Elsewhere(ownership, revision),
        }
    }

    /// Returns the ownership of the key, if there is a key with an owner.
    #[must_use]
    pub fn ownership(&self) -> Option<&Ownership> {
        match self {
            Self::Empty { .. } | Self::Unknown { .. } => None,
            Self::Filled { owner, .. } => owner.as_ref(),
        }
    }

    /// Returns the slot with the same key, but without an owner.
    #[must_use]
    pub fn without_owner(self) -> Self {
        match self {
            Self::Filled { revision, owner: _, basis } => Self::Filled { revision, owner: None, basis },
            Self::Empty { .. } | Self::Unknown { .. } => self,
        }
    }

    /// Returns the basis of the knowledge that the slot holds a key; `None` if it is not known to hold one.
    #[must_use]
    pub fn basis(&self) -> Option<Basis> {
        match self {
            Self::Filled { basis, .. } => Some(*basis),
            Self::Empty { .. } | Self::Unknown { .. } => None,
        }
    }

    /// Returns true if the owner adopted the key.
    #[must_use]
    pub fn is_adopted(&self) -> bool {
        self.ownership().is_some_and(|ownership| ownership.adopted)
    }

    /// Returns the revision.
    #[must_use]
    pub fn revision(&self) -> &Revision {
        match self {
            Self::Empty { revision } | Self::Filled { revision, .. } | Self::Unknown { revision, .. } => revision,
        }
    }
}

/// The answer to a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WriteAnswer {
    /// The write took effect, and this is the new revision.
    Done(Revision),
    /// A person was asked for the write, and nothing waits for that person. This is the new revision of the record.
    HandedOver(Revision),
    /// The write did not take effect, because the revision has changed (412).
    Changed,
    /// The write did not take effect, and will not until its input changes (422, 400). The message contains no value.
    Rejected(String),
    /// The write did not take effect (401, 403, 429).
    Refused(RemoteTrouble),
    /// The write may or may not have taken effect.
    Unknown(RemoteTrouble),
}

/// A failure to use Landscape Management.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteTrouble {
    /// The reason of the condition.
    pub reason: super::reason::Reason,
    /// The attempt and its failure. The message is constant for the same failure and contains no value of a key.
    pub message: String,
    /// The time of the next attempt.
    pub retry: super::retry::Retry,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_name_consists_of_labels_and_cannot_leave_its_path() {
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
