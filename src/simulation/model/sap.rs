//! SAP's side: the keys that BTP has issued, the token endpoint, and a slot for each tenant in Landscape Management.

use std::collections::VecDeque;
use std::fmt;

use crate::domain::policy::KeyRules;
use crate::domain::reason::Reason;
use crate::domain::service_key::ServiceKey;
use crate::domain::service_key::fingerprint::KeyFingerprint;
use crate::domain::slot::{Basis, Owner, Ownership, Revision, Slot};
use crate::simulation::model::document::{Edition, KeyDocument};
use crate::simulation::step::SlotWriteFault;

/// The identity zones of the two tenants. A zone's index is the number of its slot.
const ZONES: [&str; 2] = ["acme-calm", "other-calm"];

/// A mark in each secret value, and in nothing else.
pub(crate) const CANARY: &str = "CANARY";

/// The credentials of a key, by their position among all that BTP has issued.
pub(crate) type KeyNumber = usize;

/// A key that BTP has issued.
pub(crate) struct IssuedKey {
    zone: usize,
    /// True while the key signs in.
    is_alive: bool,
}

/// The change that a request makes to a slot.
#[derive(Clone, Debug)]
pub(crate) enum SlotWrite {
    Put { document: KeyDocument, owner: Ownership },
    SetOwner { owner: Option<Ownership> },
    Delete,
}

impl fmt::Display for SlotWrite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Put { document: KeyDocument { key, edition }, owner } => {
                write!(f, "PUT key {key} ({edition:?}) for {}", owner.owner)
            }
            Self::SetOwner { owner: Some(ownership) } => write!(f, "PATCH owner to {}", ownership.owner),
            Self::SetOwner { owner: None } => f.write_str("PATCH owner to none"),
            Self::Delete => f.write_str("DELETE"),
        }
    }
}

/// A write request on its way to a slot.
#[derive(Clone, Debug)]
pub(crate) struct WriteRequest {
    pub(crate) zone: usize,
    pub(crate) write: SlotWrite,
    /// The revision that the write is conditional on.
    pub(crate) revision: Revision,
    /// The reconciliation that sent the request.
    pub(crate) reconciliation: usize,
}

/// The key in a slot, and its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SlotContent {
    pub(crate) document: KeyDocument,
    pub(crate) owner: Option<Ownership>,
}

impl SlotContent {
    pub(crate) fn owner(&self) -> Option<&Owner> {
        self.owner.as_ref().map(|ownership| &ownership.owner)
    }

    pub(crate) fn is_adopted(&self) -> bool {
        self.owner.as_ref().is_some_and(|ownership| ownership.adopted)
    }
}

/// A slot. No revision is used twice.
#[derive(Default)]
pub(crate) struct SlotModel {
    counter: u64,
    pub(crate) content: Option<SlotContent>,
    /// The reconciliation whose delayed write produced the content.
    pub(crate) delayed_writer: Option<usize>,
}

impl SlotModel {
    pub(crate) fn revision(&self) -> Revision {
        Revision::new(format!("\"r{}\"", self.counter))
    }

    /// Returns the slot as Landscape Management reports it.
    pub(crate) fn to_slot(&self) -> Slot {
        match &self.content {
            None => Slot::Empty { revision: self.revision() },
            Some(SlotContent { owner, .. }) => {
                Slot::Filled { revision: self.revision(), owner: owner.clone(), basis: Basis::Content }
            }
        }
    }

    /// Replaces the content under a new revision.
    pub(crate) fn set(&mut self, content: Option<SlotContent>) {
        self.counter += 1;
        if self.content != content {
            self.delayed_writer = None;
        }
        self.content = content;
    }
}

/// The state of SAP's side.
pub(crate) struct Sap {
    keys: Vec<IssuedKey>,
    /// The key of each tenant's service instance.
    pub(crate) instance_keys: [KeyNumber; 2],
    pub(crate) slots: [SlotModel; 2],
    pub(crate) token_endpoint_is_down: bool,
    /// True while the token endpoint knows no identity zone.
    pub(crate) zones_are_unknown: bool,
    pub(crate) landscape_is_down: bool,
    pub(crate) slot_write_faults: VecDeque<SlotWriteFault>,
    pub(crate) delayed_writes: Vec<WriteRequest>,
}

/// The failure of a conditional write: the slot has another revision.
pub(crate) struct RevisionMismatch;

impl Sap {
    pub(crate) fn new() -> Self {
        let mut sap = Self {
            keys: Vec::new(),
            instance_keys: [0, 0],
            slots: Default::default(),
            token_endpoint_is_down: false,
            zones_are_unknown: false,
            landscape_is_down: false,
            slot_write_faults: VecDeque::new(),
            delayed_writes: Vec::new(),
        };
        sap.instance_keys = [sap.issue_key(0), sap.issue_key(1)];
        sap
    }

    /// Issues a key that signs in.
    pub(crate) fn issue_key(&mut self, zone: usize) -> KeyNumber {
        let number = self.keys.len();
        self.keys.push(IssuedKey { zone, is_alive: true });
        number
    }

    /// Issues another key for the tenant of `number`.
    pub(crate) fn issue_successor(&mut self, number: KeyNumber) -> KeyNumber {
        self.issue_key(self.keys[number].zone)
    }

    /// Returns the client ID in a document.
    pub(crate) fn client_id(&self, document: KeyDocument) -> String {
        document.client_id(ZONES[self.keys[document.key].zone])
    }

    /// Returns the fingerprint of a document, as a person computes it.
    pub(crate) fn fingerprint(&self, document: KeyDocument) -> KeyFingerprint {
        let rules = KeyRules {
            identity_zone: None,
            accepted_credential_types: vec!["instance-secret".into()],
            token_hosts: None,
            endpoint_hosts: None,
            accepted_services: None,
        };
        let key = ServiceKey::parse(self.text(document).as_bytes(), &rules);
        key.unwrap_or_else(|findings| panic!("the document is valid: {findings}")).fingerprint().clone()
    }

    /// Returns a document of this zone with this fingerprint.
    pub(crate) fn document(&self, zone: usize, fingerprint: &KeyFingerprint) -> Option<KeyDocument> {
        let keys = (0..self.keys.len()).filter(|key| self.keys[*key].zone == zone);
        let mut documents = keys.flat_map(|key| Edition::ALL.map(|edition| KeyDocument { key, edition }));
        documents.find(|document| self.fingerprint(*document) == *fingerprint)
    }

    /// Returns the fingerprint of the key in a slot, if there is one.
    pub(crate) fn slot_fingerprint(&self, zone: usize) -> Option<KeyFingerprint> {
        self.slots[zone].content.as_ref().map(|content| self.fingerprint(content.document))
    }

    /// Returns the JSON text of a document.
    pub(crate) fn text(&self, document: KeyDocument) -> String {
        document.to_json(ZONES[self.keys[document.key].zone])
    }

    pub(crate) fn is_alive(&self, number: KeyNumber) -> bool {
        self.keys[number].is_alive
    }

    /// Returns the reason for which the token endpoint refuses a key, if it does.
    pub(crate) fn refusal(&self, number: KeyNumber) -> Option<Reason> {
        match (self.zones_are_unknown, self.is_alive(number)) {
            (true, _) => Some(Reason::IdentityZoneNotFound),
            (false, false) => Some(Reason::CredentialsRefused),
            (false, true) => None,
        }
    }

    pub(crate) fn set_alive(&mut self, number: KeyNumber, is_alive: bool) {
        self.keys[number].is_alive = is_alive;
    }

    /// Replaces a service instance: the old key dies.
    pub(crate) fn replace_instance(&mut self, zone: usize) {
        self.keys[self.instance_keys[zone]].is_alive = false;
        self.instance_keys[zone] = self.issue_key(zone);
    }

    /// Returns the content that a slot has after a request.
    pub(crate) fn content_after(&self, request: &WriteRequest) -> Result<Option<SlotContent>, RevisionMismatch> {
        let slot = &self.slots[request.zone];
        if slot.revision() != request.revision {
            return Err(RevisionMismatch);
        }
        Ok(match (&request.write, &slot.content) {
            (SlotWrite::Put { document, owner }, _) => {
                Some(SlotContent { document: *document, owner: Some(owner.clone()) })
            }
            (SlotWrite::SetOwner { owner }, Some(content)) => {
                Some(SlotContent { owner: owner.clone(), ..content.clone() })
            }
            (SlotWrite::SetOwner { .. }, None) | (SlotWrite::Delete, _) => None,
        })
    }
}

/// Returns the index of a tenant's identity zone.
pub(crate) fn zone_index(tenant: &str) -> usize {
    usize::from(tenant == "other")
}

/// Returns the name of the tenant with the identity zone of this index.
pub(crate) fn tenant_name(zone: usize) -> &'static str {
    ["acme", "other"][zone]
}

/// Returns the name of a tenant's identity zone.
pub(crate) fn zone_name(tenant: &str) -> &'static str {
    ZONES[zone_index(tenant)]
}
