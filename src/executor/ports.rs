//! What a pass needs of the world. Implemented over HTTP and kube for real, and by models in tests.

use async_trait::async_trait;
use secrecy::SecretSlice;

use crate::domain::ledger;
use crate::domain::plan::{Now, Settlement, Verdict};
use crate::domain::service_key::ServiceKey;
use crate::domain::slot::{Owner, Ownership, RemoteTrouble, Revision, Slot, WriteAnswer};

/// The token endpoint of the key under test.
#[async_trait]
pub trait SignIn: Send + Sync {
    /// Asks whether `key` signs in. Whatever is not clear is [`Verdict::Unknown`].
    async fn sign_in(&self, key: &ServiceKey) -> Verdict;
}

/// The slot of one tenant.
#[async_trait]
pub trait LandscapeManagement: Send + Sync {
    /// Reads revision and owner.
    async fn read_slot(&self) -> Result<Slot, RemoteTrouble>;

    /// Reads the key in the slot; none if it has been emptied meanwhile.
    async fn read_content(&self) -> Result<Option<SecretSlice<u8>>, RemoteTrouble>;

    /// Ensures that the slot holds `key` under `owner`, if it still has `revision`.
    async fn put(&self, key: &ServiceKey, owner: &Owner, revision: &Revision) -> WriteAnswer;

    /// Ensures that the key in the slot is looked after by `owner`, or by nobody, if it still has `revision`.
    async fn set_owner(&self, owner: Option<&Ownership>, revision: &Revision) -> WriteAnswer;

    /// Ensures that the slot is empty, if it still has `revision`. An empty slot gets a new revision.
    async fn delete(&self, revision: &Revision) -> WriteAnswer;
}

/// The object's status.
#[async_trait]
pub trait LedgerStore: Send + Sync {
    /// Writes the ledger before a write to the slot, on the very version of the object that was decided on.
    async fn record(&mut self, ledger: &ledger::Ledger) -> Result<(), LedgerError>;

    /// Writes how the pass ended. Writes nothing if nothing changed.
    async fn settle(&mut self, settlement: &Settlement) -> Result<(), LedgerError>;
}

/// The status could not be written: nothing remote may follow in this pass.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// Somebody else wrote the object since it was loaded, or it is gone.
    #[error("the object has changed since this pass began")]
    Conflict,
    /// The API server did not take it.
    #[error("could not write the status")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// What time it is.
pub trait Clock: Send + Sync {
    /// On both clocks.
    fn now(&self) -> Now;
}

/// All of them, for one pass.
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
