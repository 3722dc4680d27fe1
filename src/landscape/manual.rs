//! The slot in manual mode: a record in the status of the `ALMTenant`. A person alone can change the slot itself.

use std::sync::Mutex;

use async_trait::async_trait;
use jiff::Timestamp;

use super::dangling_owner::ignore_dangling_owner;
use super::unique_ids::UniqueIds;
use crate::api::resolve::rules;
use crate::api::service_key::DeletionPolicy;
use crate::api::slot::{PendingRemoval, SlotStatus, removal};
use crate::api::status::ALMServiceKeyStatus;
use crate::api::tenant::ALMTenantStatus;
use crate::api::time::whole_seconds;
use crate::api::{ALMServiceKey, ALMTenant};
use crate::cluster::CallError;
use crate::cluster::identity::KeyId;
use crate::cluster::objects::Objects;
use crate::domain::ledger::Ledger;
use crate::domain::policy::KeyRules;
use crate::domain::reason::Reason;
use crate::domain::record::{Record, RecordedContent, Removal};
use crate::domain::retry::Retry;
use crate::domain::service_key::ServiceKey;
use crate::domain::service_key::fingerprint::KeyFingerprint;
use crate::domain::slot::{Owner, Ownership, RemoteTrouble, Revision, Slot, WriteAnswer};
use crate::domain::steps;
use crate::executor::ports::{LandscapeManagement, SlotContent};
use crate::process::lock::lock;
use crate::source::stale_copy::{self, Rotated};

/// Reads the record of a tenant's slot; none if there is none yet, or if it was lost.
#[must_use]
pub fn read_record(tenant: &ALMTenant, cluster_id: &str) -> Option<Record> {
    let status = tenant.status.as_ref()?;
    status.slot.as_ref()?.record(&status.pending_removals, cluster_id)
}

/// Returns the status of a tenant with this record.
#[must_use]
pub fn with_record(tenant: &ALMTenant, record: &Record, now: Timestamp) -> ALMTenantStatus {
    let before =
        tenant.status.clone().unwrap_or_else(|| ALMTenantStatus { observed_generation: -1, ..Default::default() });
    ALMTenantStatus {
        slot: Some(SlotStatus::recorded(record, before.slot.as_ref(), whole_seconds(now))),
        pending_removals: record.removal.iter().map(|removal| pending_removal(tenant, removal)).collect(),
        ..before
    }
}

/// Returns a removal with its steps, which follow from the tenant and the keys.
fn pending_removal(tenant: &ALMTenant, removal: &Removal) -> PendingRemoval {
    let steps = steps::removal(&rules(&tenant.spec), &tenant_name(tenant), &removal.keys, &removal.id);
    PendingRemoval::new(removal, steps)
}

/// Ensures that the tenant has a record. Returns the tenant as it is now; none if it does not exist any more.
///
/// # Errors
/// The status of the tenant could not be written.
pub async fn ensure_record(
    cluster: &dyn Objects,
    tenant: ALMTenant,
    cluster_id: &str,
    ids: &UniqueIds,
    now: Timestamp,
) -> Result<Option<ALMTenant>, CallError> {
    if read_record(&tenant, cluster_id).is_some() {
        return Ok(Some(tenant));
    }
    // A removal that is still there was requested, whatever became of the rest.
    let removals = tenant.status.as_ref().map(|status| status.pending_removals.as_slice()).unwrap_or_default();
    let record = Record { removal: removal(removals, cluster_id), ..Record::unknown(ids.revision()) };
    let status = with_record(&tenant, &record, now);
    cluster.write_tenant_status(&tenant, &status).await
}

/// The slot of one tenant, on behalf of one object.
pub struct ManualLandscape<'a> {
    /// The API server.
    pub cluster: &'a dyn Objects,
    /// Identifies this cluster as an owner of slots.
    pub cluster_id: &'a str,
    /// The tenant as it was last read or written.
    pub tenant: Mutex<ALMTenant>,
    /// The object.
    pub object: &'a ALMServiceKey,
    /// The valid key of its source, if there is one.
    pub source_key: Option<ServiceKey>,
    /// The rules that a key in the slot must comply with to be tested.
    pub rules: KeyRules,
    /// The source of IDs and revisions.
    pub ids: &'a UniqueIds,
    /// The current time.
    pub now: Timestamp,
}

impl ManualLandscape<'_> {
    fn tenant(&self) -> ALMTenant {
        lock(&self.tenant).clone()
    }

    fn record(&self) -> Result<Record, RemoteTrouble> {
        read_record(&self.tenant(), self.cluster_id).ok_or_else(|| RemoteTrouble {
            reason: Reason::SlotUnknown,
            message: "the record of the slot in the status of the ALMTenant is missing".into(),
            retry: Retry::Backoff,
        })
    }

    fn me(&self) -> Owner {
        let KeyId { namespace, name, .. } = KeyId::new(self.object);
        Owner { cluster_id: self.cluster_id.to_owned(), namespace, name }
    }

    /// Writes what `change` makes of the record, if it still has `revision`. Another client may have changed the tenant
    /// since it was read, but not the record: this replica alone has the lock.
    async fn change(
        &self,
        revision: &Revision,
        answer: fn(Revision) -> WriteAnswer,
        change: impl Fn(Record, Revision) -> Record + Send,
    ) -> WriteAnswer {
        let next = self.ids.revision();
        for _ in 0..2 {
            let record = match self.record() {
                Ok(record) if record.revision == *revision => record,
                Ok(_) => return WriteAnswer::Changed,
                Err(trouble) => return WriteAnswer::Refused(trouble),
            };
            let tenant = self.tenant();
            let status = with_record(&tenant, &change(record, next.clone()), self.now);
            match self.cluster.write_tenant_status(&tenant, &status).await {
                Ok(Some(written)) => {
                    *lock(&self.tenant) = written;
                    return answer(next);
                }
                Ok(None) => return WriteAnswer::Changed,
                Err(error) if error.status() == Some(409) => match self.cluster.tenant(&tenant_name(&tenant)).await {
                    Ok(Some(latest)) => *lock(&self.tenant) = latest,
                    Ok(None) => return WriteAnswer::Changed,
                    Err(error) => return WriteAnswer::Refused(trouble(&error)),
                },
                Err(error) => return WriteAnswer::Unknown(trouble(&error)),
            }
        }
        WriteAnswer::Changed
    }

    /// Returns the keys of the object that may be in the slot.
    fn keys_to_remove(&self, record: &Record) -> Vec<KeyFingerprint> {
        let Ledger { uploaded, unconfirmed, .. } = self.ledger();
        let recorded = match &record.content {
            RecordedContent::Key { fingerprint, .. } if record.owner() == Some(&self.me()) => Some(fingerprint.clone()),
            // The record was lost: the ledger is all that is known.
            RecordedContent::Unknown => uploaded.map(|uploaded| uploaded.fingerprint),
            RecordedContent::Key { .. } | RecordedContent::Empty => None,
        };
        let is_lost = record.content == RecordedContent::Unknown;
        let unconfirmed = unconfirmed.filter(|unconfirmed| is_lost || unconfirmed.revision == record.revision);
        let mut keys: Vec<_> = recorded.into_iter().collect();
        for key in unconfirmed.map(|unconfirmed| unconfirmed.keys).unwrap_or_default() {
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        keys
    }

    fn ledger(&self) -> Ledger {
        self.object.status.as_ref().map(ALMServiceKeyStatus::ledger).unwrap_or_default()
    }

    /// Returns the record with a request to delete the keys of this object, whose deletion does not wait for a person.
    fn with_removal(&self, record: Record, revision: Revision) -> Record {
        let keys = self.keys_to_remove(&record);
        if keys.is_empty() {
            return Record { revision, ..record };
        }
        let removal = Removal { id: self.ids.id().to_owned(), keys, owner: self.me(), requested_at: self.now };
        record.with_removal(removal, revision)
    }

    /// Returns the key in the slot and the time at which it expires, if a stale copy of the source holds it.
    async fn key_of_stale_copy(
        &self,
        fingerprint: &KeyFingerprint,
    ) -> Result<Option<(ServiceKey, Option<Timestamp>)>, CallError> {
        let source = self.object.status.as_ref().and_then(|status| status.source.as_ref());
        let Some(source) = source.filter(|source| source.binding_id.is_some()) else { return Ok(None) };
        let namespace = KeyId::new(self.object).namespace;
        let binding = Rotated { namespace: &namespace, name: &source.name, uid: &source.uid };
        stale_copy::find_key(self.cluster, binding, fingerprint, &self.rules).await
    }
}

fn tenant_name(tenant: &ALMTenant) -> String {
    tenant.metadata.name.clone().unwrap_or_default()
}

fn trouble(error: &CallError) -> RemoteTrouble {
    RemoteTrouble {
        reason: Reason::SlotUnknown,
        message: format!("the record of the slot could not be written: {}", error.stable_message()),
        retry: Retry::Backoff,
    }
}

#[async_trait]
impl LandscapeManagement for ManualLandscape<'_> {
    async fn read_slot(&self) -> Result<Slot, RemoteTrouble> {
        let (tenant, me) = (self.tenant(), self.me());
        ignore_dangling_owner(self.record()?.slot(), self.cluster, Some(&tenant), self.cluster_id, Some(&me)).await
    }

    async fn read_content(&self) -> Result<Option<SlotContent>, RemoteTrouble> {
        let record = self.record()?;
        let Some(fingerprint) = record.fingerprint() else { return Ok(Some(SlotContent::Fingerprint(None))) };
        if let Some(key) = self.source_key.as_ref().filter(|key| key.fingerprint() == fingerprint) {
            return Ok(Some(SlotContent::Key(Box::new(key.clone()), None)));
        }
        let found = self.key_of_stale_copy(fingerprint).await.map_err(|error| RemoteTrouble {
            reason: Reason::SourceUnreadable,
            message: format!("could not read the stale copies of the binding: {}", error.stable_message()),
            retry: Retry::Backoff,
        })?;
        Ok(Some(match found {
            Some((key, expires_at)) => SlotContent::Key(Box::new(key), expires_at),
            None => SlotContent::Fingerprint(Some(fingerprint.clone())),
        }))
    }

    async fn put(&self, _: &ServiceKey, _: &Ownership, _: &Revision) -> WriteAnswer {
        WriteAnswer::Rejected("in manual mode, a person alone can upload a key".into())
    }

    async fn set_owner(&self, owner: Option<&Ownership>, revision: &Revision) -> WriteAnswer {
        let me = self.me();
        self.change(revision, WriteAnswer::Done, |record, next| {
            let was_ours = record.owner() == Some(&me);
            let is_ours = owner.is_some_and(|ownership| ownership.owner == me);
            // The key of another owner keeps it, so that our own key alone is asked to be removed.
            let retains = self.object.spec.deletion_policy == Some(DeletionPolicy::Retain);
            match (was_ours, is_ours) {
                (_, true) => record.with_owner(owner, next),
                (true, false) if retains => record.with_owner(owner, next),
                // A person may have replaced the key that is given up.
                (true, false) => {
                    let revision = record.revision.clone();
                    self.with_removal(record.with_owner(owner, revision), next)
                }
                (false, false) => self.with_removal(record, next),
            }
        })
        .await
    }

    async fn delete(&self, revision: &Revision) -> WriteAnswer {
        self.change(revision, WriteAnswer::HandedOver, |record, next| self.with_removal(record, next)).await
    }
}
