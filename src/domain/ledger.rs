//! The ledger: the record of the slot in an object's `status`. It only saves calls; the slot itself names its owner.

use jiff::Timestamp;

use super::action::{Action, Unconfirmed};
use super::service_key::ServiceKey;
use super::service_key::fingerprint::{DocumentFingerprint, KeyFingerprint};
use super::slot::Revision;

/// The record of the slot in the status.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// The key of ours in the slot.
    pub uploaded: Option<Uploaded>,
    /// A write that was begun and whose result is not recorded.
    pub pending: Option<Pending>,
    /// A key of ours that another client overwrote. It is not uploaded again without a change.
    pub overwritten: Option<Overwritten>,
    /// The action that a person is asked for.
    pub action: Option<Action>,
    /// The keys whose upload a person was asked for and has not confirmed.
    pub unconfirmed: Option<Unconfirmed>,
}

impl Ledger {
    /// Returns true if a key of the object is in the slot or may be under way to it.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.uploaded.is_some() || self.pending.is_some() || self.unconfirmed.is_some()
    }

    /// Returns true if the ledger says that `key` is in the slot.
    #[must_use]
    pub fn records(&self, key: &ServiceKey) -> bool {
        self.uploaded.as_ref().is_some_and(|uploaded| uploaded.is_current(key) == Some(true))
    }
}

/// A key of ours that another client replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overwritten {
    /// The fingerprint of our key.
    pub fingerprint: KeyFingerprint,
    /// The generation of the object at that time. A new generation allows another upload.
    pub generation: i64,
}

/// The origin of a key of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The operator uploaded the key, or a person whom it asked.
    Uploaded,
    /// The key was already in the slot, identical to the source's, and was adopted.
    Adopted,
}

/// A key of ours in the slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uploaded {
    /// The origin.
    pub origin: Origin,
    /// The slot's revision with this key.
    pub revision: Revision,
    /// The fingerprint of the key: its credentials and endpoints.
    pub fingerprint: KeyFingerprint,
    /// The fingerprint of the source's document; `None` if a person uploaded the key, whose document is not known then,
    /// and in a ledger of a version that did not record it.
    pub document: Option<DocumentFingerprint>,
    /// `uaa.identityzone`.
    pub identity_zone: String,
    /// `uaa.credential-type`.
    pub credential_type: String,
    /// `uaa.clientid`.
    pub client_id: String,
    /// The time of the upload or adoption.
    pub uploaded_at: Timestamp,
    /// The time of the successful sign-in before that.
    pub proven_at: Timestamp,
}

impl Uploaded {
    /// Returns true if the recorded content of the slot is up to date with `key`. Returns `None` if the content must be read
    /// for that, because another version of the operator recorded it.
    ///
    /// A document that the operator put is compared as a whole, any other key by credentials and endpoints.
    #[must_use]
    pub fn is_current(&self, key: &ServiceKey) -> Option<bool> {
        match (self.origin, &self.document) {
            (Origin::Uploaded, Some(document)) => {
                document.is_comparable().then(|| document == key.document_fingerprint())
            }
            (Origin::Uploaded, None) | (Origin::Adopted, _) => {
                self.fingerprint.is_comparable().then(|| self.fingerprint == *key.fingerprint())
            }
        }
    }
}

/// A write that may be under way. It is recorded before it is sent, so that a crash does not lose it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// The kind of write.
    pub operation: Operation,
    /// The fingerprint of the key; `None` for unknown content.
    pub fingerprint: Option<KeyFingerprint>,
    /// The revision that the write is conditional on.
    pub revision: Revision,
    /// The time of the record.
    pub started_at: Timestamp,
}

/// A kind of write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// A `PUT`.
    Upload,
    /// A `DELETE`, which also advances the revision of an empty slot.
    Delete,
    /// A `PATCH` that makes this object the owner of an identical key without an owner.
    Adopt,
    /// A `PATCH` that leaves the key in the slot and ends our ownership. For a key that is not ours, it only advances
    /// the revision.
    Release,
}
