//! The ports of the executor. They are implemented over HTTP and kube, and by models in tests.

use async_trait::async_trait;
use jiff::Timestamp;
use secrecy::SecretSlice;

use crate::domain::ledger;
use crate::domain::plan::{Now, Settlement, Verdict};
use crate::domain::service_key::ServiceKey;
use crate::domain::service_key::fingerprint::KeyFingerprint;
use crate::domain::slot::{Ownership, RemoteTrouble, Revision, Slot, WriteAnswer};

/// The token endpoint of the key under test.
#[async_trait]
pub trait SignIn: Send + Sync {
    /// Signs in with `key`. Any unclear answer is [`Verdict::Unknown`].
    async fn sign_in(&self, key: &ServiceKey) -> Verdict;
}

/// The content of the slot, as far as the adapter knows it.
#[derive(Debug)]
pub enum SlotContent {
    /// The document in the slot.
    Document(SecretSlice<u8>),
    /// The key in the slot, which the adapter has from elsewhere, and the time at which it expires, if that is known.
    Key(Box<ServiceKey>, Option<Timestamp>),
    /// The fingerprint of the key in the slot, if a key is known to be there.
    Fingerprint(Option<KeyFingerprint>),
}

/// The slot of one tenant.
#[async_trait]
pub trait LandscapeManagement: Send + Sync {
    /// Reads the revision and owner.
    async fn read_slot(&self) -> Result<Slot, RemoteTrouble>;

    /// Reads the key in the slot; `None` if it has been emptied in the meantime.
    async fn read_content(&self) -> Result<Option<SlotContent>, RemoteTrouble>;

    /// Ensures that the slot holds `key` under `owner`, if it still has `revision`.
    async fn put(&self, key: &ServiceKey, owner: &Ownership, revision: &Revision) -> WriteAnswer;

    /// Ensures that the key in the slot has `owner`, or none, if the slot still has `revision`.
    async fn set_owner(&self, owner: Option<&Ownership>, revision: &Revision) -> WriteAnswer;

    /// Ensures that the slot is empty, if it still has `revision`. An empty slot gets a new revision.
    async fn delete(&self, revision: &Revision) -> WriteAnswer;
}

/// The status of the object.
#[async_trait]
pub trait LedgerStore: Send + Sync {
    /// Writes the ledger before a write to the slot, conditional on the object version that the decision was based on.
    async fn record(&mut self, ledger: &ledger::Ledger) -> Result<(), LedgerError>;

    /// Writes the settlement. Writes nothing if nothing changed.
    async fn settle(&mut self, settlement: &Settlement) -> Result<(), LedgerError>;
}

/// A failure to write the status. No remote call may follow in this reconciliation.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// Another client has written the object since it was loaded, or it is gone.
    #[error("the object has changed since this reconciliation began")]
    Conflict,
    /// The API server did not accept the write.
    #[error("could not write the status")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// The clock.
pub trait Clock: Send + Sync {
    /// Returns the current time on both clocks.
    fn now(&self) -> Now;
}

/// All ports of one reconciliation.
pub struct Ports<'a> {
    /// The token endpoint.
    pub sign_in: &'a dyn SignIn,
    /// The slot.
    pub landscape: &'a dyn LandscapeManagement,
    /// The status.
    pub ledger: &'a mut dyn LedgerStore,
    /// The clock.
    pub clock: &'a dyn Clock,
}
