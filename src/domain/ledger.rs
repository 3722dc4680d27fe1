//! What `status` remembers of the slot. It only saves asking: the slot itself says whose it is.

use jiff::Timestamp;

use super::service_key::fingerprint::Fingerprint;
use super::slot::Revision;

/// The recorded part of the past.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// What of ours stands in the slot.
    pub uploaded: Option<Uploaded>,
    /// A write that was begun and whose end is not recorded yet.
    pub pending: Option<Pending>,
    /// A key of ours that somebody overwrote: it is not put over theirs again.
    pub overwritten: Option<Overwritten>,
}

impl Ledger {
    /// Whether something of the object stands in the slot or may be on its way there.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.uploaded.is_some() || self.pending.is_some()
    }
}

/// A key that we put and somebody replaced by another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overwritten {
    /// Which key of ours.
    pub fingerprint: Fingerprint,
    /// The generation of the object when that was seen: another one is a reason to try again.
    pub generation: i64,
}

/// How a key got under our care.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// We put it into the slot.
    Uploaded,
    /// It was there already, identical to the source's, and was taken over.
    Adopted,
}

/// A key of ours in the slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uploaded {
    /// How it got there.
    pub origin: Origin,
    /// The slot's revision with it.
    pub revision: Revision,
    /// Which key.
    pub fingerprint: Fingerprint,
    /// `uaa.identityzone`.
    pub identity_zone: String,
    /// `uaa.credential-type`.
    pub credential_type: String,
    /// `uaa.clientid`.
    pub client_id: String,
    /// When it was put there.
    pub uploaded_at: Timestamp,
    /// When it was proven to sign in, before it was put there.
    pub proven_at: Timestamp,
}

/// A write that may be under way. Recorded before it is sent, so that no crash forgets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// What is written.
    pub operation: Operation,
    /// Of which key; none for a deletion of content that is not known.
    pub fingerprint: Option<Fingerprint>,
    /// The revision that the write is conditional on.
    pub revision: Revision,
    /// When it was recorded.
    pub started_at: Timestamp,
}

/// A kind of write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// A `PUT`.
    Upload,
    /// A `DELETE`; also of the empty slot, to advance its revision.
    Delete,
    /// A `PATCH` that makes an identical key of nobody ours.
    Adopt,
    /// A `PATCH` that leaves the key there and ends our care for it; also of a key that is not ours, whose owner it
    /// leaves as it is, to advance the revision.
    Release,
}
