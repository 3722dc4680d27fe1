//! The record of the slot in manual mode: what people have confirmed. The operator cannot read the slot itself.

#[cfg(test)]
mod tests;

use jiff::Timestamp;

use crate::domain::action::ActionOperation;
use crate::domain::ledger::{Ledger, Origin};
use crate::domain::service_key::fingerprint::KeyFingerprint;
use crate::domain::slot::{Basis, Owner, Ownership, Revision, Slot};

/// The record of one tenant's slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The revision, drawn at random with each change, and never used again.
    pub revision: Revision,
    /// The content of the slot.
    pub content: RecordedContent,
    /// The key of a deleted object, whose deletion a person was asked for. There is at most one, as there is one slot.
    pub removal: Option<Removal>,
}

/// The content of the slot, as far as it is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordedContent {
    /// No person has confirmed what the slot holds.
    Unknown,
    /// The slot holds no key.
    Empty,
    /// The slot holds a key.
    Key {
        /// The fingerprint of the key.
        fingerprint: KeyFingerprint,
        /// The ownership; `None` if a person or SAP uploaded the key.
        owner: Option<Ownership>,
        /// The basis of this knowledge.
        basis: Basis,
    },
}

/// The request to delete the key of an object that does not exist any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removal {
    /// The ID, drawn at random and never used again. A confirmation names it.
    pub id: String,
    /// The fingerprints of the keys. One of them may be in the slot.
    pub keys: Vec<KeyFingerprint>,
    /// The object whose key it was.
    pub owner: Owner,
    /// The time of the request.
    pub requested_at: Timestamp,
}

/// A statement of a person about the slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Confirmation {
    /// The action with this ID was carried out.
    Done(String),
    /// An action was carried out, and the slot holds the key with this fingerprint now: a file was compared.
    DoneWith(KeyFingerprint),
    /// The slot holds the key with this fingerprint: a file was compared.
    Holds(KeyFingerprint),
    /// The slot holds no key.
    HoldsNothing,
}

/// The reason why a confirmation changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ignored {
    /// The ID is not that of the current action.
    NotCurrent,
    /// The slot holds the key of another object.
    OfAnother,
    /// A person is asked to delete this very key, and has not done so.
    StillThere,
}

impl Record {
    /// Returns the record of a slot that nothing is known of.
    #[must_use]
    pub fn unknown(revision: Revision) -> Self {
        Self { revision, content: RecordedContent::Unknown, removal: None }
    }

    /// Returns the slot as a reconciliation sees it.
    #[must_use]
    pub fn slot(&self) -> Slot {
        let revision = self.revision.clone();
        let leaving = self.removal.as_ref().map(|removal| removal.keys.clone()).unwrap_or_default();
        match &self.content {
            RecordedContent::Unknown => Slot::Unknown { revision, leaving },
            RecordedContent::Empty => Slot::Empty { revision },
            RecordedContent::Key { owner, basis, .. } => Slot::Filled { revision, owner: owner.clone(), basis: *basis },
        }
    }

    /// Returns the fingerprint of the key in the slot, if one is recorded.
    #[must_use]
    pub fn fingerprint(&self) -> Option<&KeyFingerprint> {
        match &self.content {
            RecordedContent::Key { fingerprint, .. } => Some(fingerprint),
            RecordedContent::Unknown | RecordedContent::Empty => None,
        }
    }

    /// Returns the owner of the key in the slot, if one is recorded.
    #[must_use]
    pub fn owner(&self) -> Option<&Owner> {
        match &self.content {
            RecordedContent::Key { owner, .. } => owner.as_ref().map(|ownership| &ownership.owner),
            RecordedContent::Unknown | RecordedContent::Empty => None,
        }
    }

    /// Returns the record with another owner of the key, or none. A removal ends with an owner: the slot holds another key.
    #[must_use]
    pub fn with_owner(self, owner: Option<&Ownership>, revision: Revision) -> Self {
        let removal = self.removal.filter(|_| owner.is_none());
        let content = match self.content {
            RecordedContent::Key { fingerprint, owner: _, basis } => {
                RecordedContent::Key { fingerprint, owner: owner.cloned(), basis }
            }
            content @ (RecordedContent::Unknown | RecordedContent::Empty) => content,
        };
        Self { revision, content, removal }
    }

    /// Returns the record after an object was deleted whose keys `removal` names: a person is asked to delete them, and
    /// until then it is not known what the slot holds. A removal that was requested before becomes a part of it.
    #[must_use]
    pub fn with_removal(self, removal: Removal, revision: Revision) -> Self {
        let before = self.removal;
        let mut keys = before.as_ref().map(|before| before.keys.clone()).unwrap_or_default();
        let added: Vec<_> = removal.keys.into_iter().filter(|key| !keys.contains(key)).collect();
        keys.extend(added);
        // The time of the first request counts, so that further ones do not hide that it is overdue.
        let requested_at = before.map_or(removal.requested_at, |before| before.requested_at);
        let content = match self.content {
            // The slot holds another key, and the removal is for the case that it was replaced.
            content @ RecordedContent::Key { .. } if !content.holds_one_of(&keys) => content,
            RecordedContent::Key { .. } | RecordedContent::Unknown | RecordedContent::Empty => RecordedContent::Unknown,
        };
        Self { revision, content, removal: Some(Removal { keys, requested_at, ..removal }) }
    }

    /// Returns the record after a person has said something about the slot on behalf of the object `me`, whose ledger is
    /// `ledger`. `others` are the keys that living siblings have uploaded. A statement that the record has made before
    /// changes nothing but the revision.
    ///
    /// # Errors
    /// The reason why the record stays as it is.
    pub fn confirmed(
        self,
        me: &Owner,
        ledger: &Ledger,
        others: &[KeyFingerprint],
        confirmation: &Confirmation,
        revision: Revision,
    ) -> Result<Self, Ignored> {
        if self.owner().is_some_and(|owner| owner != me) {
            return Err(Ignored::OfAnother);
        }
        match confirmation {
            Confirmation::Done(id) => self.done(me, ledger, id, revision),
            Confirmation::DoneWith(key) => self.holds(me, ledger, others, key, true, revision),
            Confirmation::Holds(key) => self.holds(me, ledger, others, key, false, revision),
            Confirmation::HoldsNothing => Ok(Self { revision, content: RecordedContent::Empty, removal: None }),
        }
    }

    /// Returns the record after the action with this ID was carried out.
    fn done(self, me: &Owner, ledger: &Ledger, id: &str, revision: Revision) -> Result<Self, Ignored> {
        let action = ledger.action.as_ref().filter(|action| action.id == id).ok_or(Ignored::NotCurrent)?;
        let content = match (action.operation, &action.fingerprint) {
            (ActionOperation::Upload | ActionOperation::Replace, Some(key)) => RecordedContent::Key {
                fingerprint: key.clone(),
                owner: Some(Ownership { owner: me.clone(), adopted: false }),
                basis: Basis::Confirmation,
            },
            (ActionOperation::Upload | ActionOperation::Replace, None) => return Err(Ignored::NotCurrent),
            (ActionOperation::Delete, _) => RecordedContent::Empty,
        };
        // A crash may have kept the object from noting that its confirmation was recorded.
        if action.revision != self.revision && self.content != content {
            return Err(Ignored::NotCurrent);
        }
        Ok(Self { revision, content, removal: None })
    }

    /// Returns the record after the content of the slot was compared. `is_done` is true if the person has carried out an
    /// action.
    fn holds(
        self,
        me: &Owner,
        ledger: &Ledger,
        others: &[KeyFingerprint],
        key: &KeyFingerprint,
        is_done: bool,
        revision: Revision,
    ) -> Result<Self, Ignored> {
        let is_to_be_deleted = ledger.action.as_ref().is_some_and(|action| {
            action.operation == ActionOperation::Delete && action.fingerprint.as_ref() == Some(key)
        });
        if is_done && is_to_be_deleted {
            return Err(Ignored::StillThere);
        }
        let owner = self.owner_of(me, ledger, key, is_done);
        if owner.is_none() && others.contains(key) {
            return Err(Ignored::OfAnother);
        }
        if owner.is_none() && self.is_leaving(key) {
            return Err(Ignored::StillThere);
        }
        // A removal ends with the upload of another key; what else the slot holds is for the admin to say, who was asked.
        let removal = self.removal.filter(|_| owner.is_none());
        let content = RecordedContent::Key { fingerprint: key.clone(), owner, basis: Basis::Content };
        // What was requested on the basis of this revision is still right.
        let revision = if self.content.is_same_owned_key(&content) { self.revision } else { revision };
        Ok(Self { revision, content, removal })
    }

    /// Returns true if a person was asked to delete this key after the deletion of its object.
    fn is_leaving(&self, key: &KeyFingerprint) -> bool {
        self.removal.as_ref().is_some_and(|removal| removal.keys.contains(key))
    }

    /// Returns the ownership of `key` in the slot: it is ours if the record or the ledger says so, or if a person was asked
    /// to upload it and has done so.
    fn owner_of(&self, me: &Owner, ledger: &Ledger, key: &KeyFingerprint, is_done: bool) -> Option<Ownership> {
        let ours = |adopted| Some(Ownership { owner: me.clone(), adopted });
        match &self.content {
            RecordedContent::Key { fingerprint, owner: Some(ownership), .. } if fingerprint == key => {
                return Some(ownership.clone());
            }
            RecordedContent::Unknown
                if let Some(uploaded) = &ledger.uploaded
                    && uploaded.fingerprint == *key =>
            {
                return ours(uploaded.origin == Origin::Adopted);
            }
            RecordedContent::Key { .. } | RecordedContent::Unknown | RecordedContent::Empty => {}
        }
        let was_requested = ledger.unconfirmed.as_ref().is_some_and(|unconfirmed| unconfirmed.keys.contains(key));
        // In a slot of which nothing is known, a requested key may have been there before.
        let was_absent = self.content != RecordedContent::Unknown || self.is_leaving(key);
        if was_requested && (is_done || was_absent) { ours(false) } else { None }
    }

    /// Returns the record after a statement about a pending removal, on behalf of the tenant itself.
    ///
    /// # Errors
    /// The reason why the record stays as it is.
    pub fn removed(self, confirmation: &Confirmation, revision: Revision) -> Result<Self, Ignored> {
        let content = match confirmation {
            Confirmation::Done(id) if self.removal.as_ref().is_none_or(|removal| removal.id != *id) => {
                return Err(Ignored::NotCurrent);
            }
            Confirmation::DoneWith(key) | Confirmation::Holds(key) if self.is_leaving(key) => {
                return Err(Ignored::StillThere);
            }
            _ if self.owner().is_some() => return Err(Ignored::OfAnother),
            Confirmation::DoneWith(key) | Confirmation::Holds(key) => {
                RecordedContent::Key { fingerprint: key.clone(), owner: None, basis: Basis::Content }
            }
            Confirmation::Done(_) => match self.content {
                RecordedContent::Unknown | RecordedContent::Empty => RecordedContent::Empty,
                content @ RecordedContent::Key { .. } => content,
            },
            Confirmation::HoldsNothing => RecordedContent::Empty,
        };
        Ok(Self { revision, content, removal: None })
    }

    /// Returns the record without the removal of `keys`, which living objects want in the slot. The removal of any other
    /// keys is another request, with `id`. The revision stays: what was requested on its basis is still right.
    #[must_use]
    pub fn without_removal_of(self, keys: &[KeyFingerprint], id: &str) -> Self {
        let removal = self.removal.and_then(|removal| {
            let left: Vec<_> = removal.keys.iter().filter(|key| !keys.contains(key)).cloned().collect();
            (!left.is_empty()).then(|| Removal { id: id.to_owned(), keys: left, ..removal })
        });
        Self { removal, ..self }
    }
}

impl RecordedContent {
    /// Returns true if both are the same key of the same owner, whatever the basis of that knowledge is.
    #[must_use]
    pub fn is_same_owned_key(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::Key { fingerprint, owner: Some(owner), .. },
                Self::Key { fingerprint: other_fingerprint, owner: Some(other_owner), .. },
            ) => fingerprint == other_fingerprint && owner == other_owner,
            _ => false,
        }
    }

    /// Returns true if the slot holds one of `keys`.
    fn holds_one_of(&self, keys: &[KeyFingerprint]) -> bool {
        matches!(self, Self::Key { fingerprint, .. } if keys.contains(fingerprint))
    }
}
