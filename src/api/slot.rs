//! The slot of a tenant in its status and, in manual mode, the record of it.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::time::whole_seconds;
use crate::domain::record::{Record, RecordedContent, Removal};
use crate::domain::service_key::fingerprint::KeyFingerprint;
use crate::domain::slot::{Basis, Owner, Ownership, Revision};

/// The content of the slot of a tenant.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct SlotStatus {
    /// Empty: no key; Ours: the key of an ALMServiceKey of this cluster; Foreign: any other key; Unknown: the slot
    /// could not be read, or in manual mode, no person has confirmed what it holds.
    pub state: SlotState,
    /// The ALMServiceKey whose key is in the slot. Set only while the state is Ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_ref: Option<KeyRef>,
    /// Time at which the current state and keyRef were first observed (RFC 3339, whole seconds).
    pub since: Time,
    /// The revision of this record in manual mode. Each change of the record draws another one. Not set in other modes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// The fingerprint of the key in the slot in manual mode, as `almkey validate` prints it. Set only while the state is
    /// Ours or Foreign.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// The evidence for the key in the slot in manual mode. Confirmed: a person said so. Compared: a file that was downloaded
    /// in the app was compared. Set only while the state is Ours or Foreign.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Evidence")]
    pub evidence: Option<Evidence>,
    /// True if the key was in the slot before, and was adopted, in manual mode. Set only while the state is Ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adopted: Option<bool>,
}

/// The possible contents of a slot.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlotState {
    /// No key.
    Empty,
    /// The key of an `ALMServiceKey` of this cluster.
    Ours,
    /// Any other key.
    Foreign,
    /// The slot could not be read, or no person has confirmed what it holds.
    Unknown,
}

/// The way in which the key in the slot is known in manual mode.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// A person said so.
    Confirmed,
    /// A file that was downloaded in the app was compared.
    Compared,
}

/// A reference to an ALMServiceKey.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct KeyRef {
    /// Namespace of the ALMServiceKey.
    pub namespace: String,
    /// Name of the ALMServiceKey.
    pub name: String,
}

/// A request to delete the key of an ALMServiceKey that does not exist any more, in manual mode.
#[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct PendingRemoval {
    /// Identifies the removal. It is drawn at random and never used again. A confirmation names it.
    pub id: String,
    /// The ALMServiceKey whose key it was.
    pub key_ref: KeyRef,
    /// Fingerprints of the keys, as `almkey validate` prints them. One of them may be in the slot.
    #[schemars(extend("x-kubernetes-list-type" = "atomic"))]
    pub fingerprints: Vec<String>,
    /// Time of the request (RFC 3339, whole seconds).
    pub requested_at: Time,
    /// The instructions, one step each, for a person who has never opened the app.
    #[serde(default)]
    #[schemars(extend("x-kubernetes-list-type" = "atomic"))]
    pub steps: Vec<String>,
}

impl SlotStatus {
    /// Returns the slot as it was read.
    #[must_use]
    pub fn observed(state: SlotState, key_ref: Option<KeyRef>, since: Time) -> Self {
        Self { state, key_ref, since, revision: None, fingerprint: None, evidence: None, adopted: None }
    }

    /// Returns the slot as it is recorded. `before` is its status until now, and `now` the current time.
    #[must_use]
    pub fn recorded(record: &Record, before: Option<&Self>, now: Time) -> Self {
        let revision = Some(record.revision.as_str().to_owned());
        let (state, key_ref, adopted) = match &record.content {
            RecordedContent::Unknown => (SlotState::Unknown, None, None),
            RecordedContent::Empty => (SlotState::Empty, None, None),
            RecordedContent::Key { owner: None, .. } => (SlotState::Foreign, None, None),
            RecordedContent::Key { owner: Some(Ownership { owner, adopted }), .. } => {
                let key_ref = KeyRef { namespace: owner.namespace.clone(), name: owner.name.clone() };
                (SlotState::Ours, Some(key_ref), Some(*adopted))
            }
        };
        let evidence = match &record.content {
            RecordedContent::Unknown | RecordedContent::Empty => None,
            RecordedContent::Key { basis: Basis::Confirmation, .. } => Some(Evidence::Confirmed),
            RecordedContent::Key { basis: Basis::Content, .. } => Some(Evidence::Compared),
        };
        let fingerprint = record.fingerprint().map(|fingerprint| fingerprint.as_str().to_owned());
        let same = before.filter(|before| before.state == state && before.key_ref == key_ref);
        let since = same.map_or(now, |before| before.since.clone());
        Self { state, key_ref, since, revision, fingerprint, evidence, adopted }
    }

    /// Returns the record; none if this is no record, or a damaged one, which says nothing of the slot.
    #[must_use]
    pub fn record(&self, removals: &[PendingRemoval], cluster_id: &str) -> Option<Record> {
        let revision = Revision::new(self.revision.as_ref()?);
        let content = match (self.state, &self.fingerprint) {
            (SlotState::Unknown, _) => RecordedContent::Unknown,
            (SlotState::Empty, _) => RecordedContent::Empty,
            (SlotState::Ours | SlotState::Foreign, None) => return None,
            (SlotState::Ours | SlotState::Foreign, Some(fingerprint)) => RecordedContent::Key {
                fingerprint: KeyFingerprint::recorded(fingerprint),
                owner: self.ownership(cluster_id).ok()?,
                basis: match self.evidence {
                    Some(Evidence::Compared) => Basis::Content,
                    Some(Evidence::Confirmed) | None => Basis::Confirmation,
                },
            },
        };
        Some(Record { revision, content, removal: removal(removals, cluster_id) })
    }

    /// Returns the ownership of the key; an error if the record is damaged. A client that restores a status may leave a
    /// `keyRef` beside another state, which says nothing.
    fn ownership(&self, cluster_id: &str) -> Result<Option<Ownership>, ()> {
        match (self.state, &self.key_ref) {
            (SlotState::Ours, Some(key_ref)) => {
                Ok(Some(Ownership { owner: key_ref.owner(cluster_id), adopted: self.adopted.unwrap_or_default() }))
            }
            (SlotState::Ours, None) => Err(()),
            (SlotState::Empty | SlotState::Foreign | SlotState::Unknown, _) => Ok(None),
        }
    }
}

impl KeyRef {
    fn owner(&self, cluster_id: &str) -> Owner {
        Owner { cluster_id: cluster_id.to_owned(), namespace: self.namespace.clone(), name: self.name.clone() }
    }
}

/// Returns the pending removal, if there is one.
#[must_use]
pub fn removal(removals: &[PendingRemoval], cluster_id: &str) -> Option<Removal> {
    removals.first().map(|removal| Removal {
        id: removal.id.clone(),
        keys: removal.fingerprints.iter().map(|key| KeyFingerprint::recorded(key)).collect(),
        owner: removal.key_ref.owner(cluster_id),
        requested_at: removal.requested_at.0,
    })
}

impl PendingRemoval {
    /// Returns a removal with the steps for the person who carries it out.
    #[must_use]
    pub fn new(removal: &Removal, steps: Vec<String>) -> Self {
        Self {
            id: removal.id.clone(),
            key_ref: KeyRef { namespace: removal.owner.namespace.clone(), name: removal.owner.name.clone() },
            fingerprints: removal.keys.iter().map(|key| key.as_str().to_owned()).collect(),
            requested_at: whole_seconds(removal.requested_at),
            steps,
        }
    }
}
