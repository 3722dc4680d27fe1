//! The stored state of one cluster: its objects, their versions, and the events of its watches.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time as ApiTime};
use kube::ResourceExt;

use crate::api::status::ALMServiceKeyStatus;
use crate::api::tenant::ALMTenantStatus;
use crate::api::{ALMServiceKey, ALMTenant};
use crate::domain::slot::Owner;
use crate::names::KEY_FINALIZER;
use crate::simulation::model::binding::{Binding, StaleCopy, key_secret};
use crate::simulation::model::document::{Edition, KeyDocument};
use crate::simulation::model::sap::{KeyNumber, Sap};
use crate::simulation::step::{ApiReadFault, ApiWriteFault, ReadKind};

/// The namespace of all objects.
pub(crate) const NAMESPACE: &str = "monitoring";

/// An event of a watch.
pub(crate) enum WatchEvent<T> {
    Applied(T),
    Deleted(T),
}

/// The definition of the kind `ServiceBinding`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum BindingKind {
    Defined {
        since: Duration,
        /// The creation time by the API server's clock.
        created_at: Timestamp,
    },
    /// All bindings are marked as deleted, and no operator unbinds them.
    Terminating,
    #[default]
    Missing,
}

/// The end of a binding.
#[derive(Clone, Copy, Debug)]
pub(crate) enum BindingEnd {
    /// A user deleted the binding.
    Deleted(Duration),
    /// The binding went with its kind, and its key lives on.
    LostWithKind {
        at: Duration,
        /// The deletion time by the API server's clock.
        deleted_at: Timestamp,
    },
}

/// A cluster.
#[derive(Default)]
pub(crate) struct Cluster {
    pub(crate) id: String,
    version: u64,
    /// The error of the API server's clock in seconds. It shows in the timestamps of objects.
    pub(crate) clock_offset: i64,
    /// The true creation times of objects, by uid.
    pub(crate) created_at: BTreeMap<String, Duration>,
    pub(crate) keys: BTreeMap<String, ALMServiceKey>,
    pub(crate) tenants: BTreeMap<String, ALMTenant>,
    pub(crate) bindings: BTreeMap<String, Binding>,
    pub(crate) secrets: BTreeMap<String, Secret>,
    pub(crate) binding_kind: BindingKind,
    /// The first definition of `ServiceBinding` for each creation time. Two definitions with the same time are
    /// indistinguishable to the operator.
    first_defined: BTreeMap<Timestamp, Duration>,
    /// The processes that found the kind missing since they last saw this binding (a uid) terminate.
    found_kind_missing: BTreeSet<(usize, String)>,
    /// True while `ALMServiceKey` itself is being removed.
    pub(crate) own_kind_is_terminating: bool,
    pub(crate) is_down: bool,
    pub(crate) read_faults: BTreeMap<ReadKind, ApiReadFault>,
    pub(crate) next_write_fault: Option<ApiWriteFault>,
    pub(crate) key_events: Vec<WatchEvent<ALMServiceKey>>,
    pub(crate) tenant_events: Vec<WatchEvent<ALMTenant>>,
    pub(crate) secret_events: Vec<ObjectMeta>,
    pub(crate) binding_events: Vec<ObjectMeta>,
    /// The uid of the last binding that was created under each name.
    pub(crate) last_bindings: BTreeMap<String, String>,
    /// The ends of bindings, by uid.
    pub(crate) binding_ends: BTreeMap<String, BindingEnd>,
    /// The times at which Secrets were deleted, by name.
    pub(crate) secret_deleted_at: BTreeMap<String, Duration>,
    /// All keys that a source has ever held, by the source's name.
    pub(crate) keys_held: BTreeMap<String, BTreeSet<KeyNumber>>,
    /// The keys in plain Secrets, by name. `None` is an invalid document.
    pub(crate) plain_keys: BTreeMap<String, Option<KeyNumber>>,
    /// The editions of documents that were edited in a Secret since it was last written, by the Secret's name.
    pub(crate) editions: BTreeMap<String, Edition>,
    /// The objects whose status another client wrote, by uid, with the number of reconciliations begun by then.
    pub(crate) tampered: BTreeMap<String, usize>,
    /// The statuses that the operator wrote, by the object's name, latest last.
    pub(crate) status_history: BTreeMap<String, Vec<ALMServiceKeyStatus>>,
    /// The statuses that the operator wrote, by the tenant's name, latest last.
    pub(crate) tenant_status_history: BTreeMap<String, Vec<ALMTenantStatus>>,
    /// The tenants whose status another client wrote, by name, with the number of reconciliations begun by then.
    pub(crate) tampered_tenants: BTreeMap<String, usize>,
    /// The copies that keep the old keys of bindings that were rotated.
    pub(crate) stale_copies: Vec<StaleCopy>,
    /// The objects, by uid, that were released without a promise to clean up: abandoned, observing, or tampered with.
    pub(crate) released_uncleaned: BTreeSet<String>,
}

/// Returns the time that a correct clock shows.
pub(crate) fn wall_clock(now: Duration) -> Timestamp {
    let seconds = i64::try_from(now.as_secs()).expect("a history is shorter");
    Timestamp::from_second(1_790_000_000 + seconds).expect("a time of this century")
}

impl Cluster {
    pub(crate) fn new(id: &str) -> Self {
        let mut cluster = Self { id: id.into(), ..Self::default() };
        cluster.define_binding_kind(Duration::ZERO);
        cluster
    }

    /// Returns the time that the API server's clock shows.
    pub(crate) fn timestamp(&self, now: Duration) -> Timestamp {
        let seconds = wall_clock(now).as_second() + self.clock_offset;
        Timestamp::from_second(seconds).expect("a time of this century")
    }

    /// Returns the slot owner that stands for the object of this name.
    pub(crate) fn owner(&self, name: &str) -> Owner {
        Owner { cluster_id: self.id.clone(), namespace: NAMESPACE.into(), name: name.into() }
    }

    /// Defines the kind `ServiceBinding`.
    pub(crate) fn define_binding_kind(&mut self, now: Duration) {
        let created_at = self.timestamp(now);
        let since = *self.first_defined.entry(created_at).or_insert(now);
        self.binding_kind = BindingKind::Defined { since, created_at };
    }

    /// Records that a process has read a binding.
    pub(crate) fn record_binding_read(&mut self, process: usize, binding: &ObjectMeta) {
        if binding.deletion_timestamp.is_some() {
            self.found_kind_missing.remove(&(process, binding.uid.clone().unwrap_or_default()));
        }
    }

    /// Records that a process has found the kind missing while it looked for a binding.
    pub(crate) fn record_kind_missing(&mut self, process: usize, uid: &str) {
        self.found_kind_missing.insert((process, uid.to_owned()));
    }

    /// Returns true if a process cannot know that a binding went with its kind.
    ///
    /// The API server's clock was set back between, so that the binding seems to have been deleted under the present
    /// definition, and the process did not read while the kind was missing. No read reveals that, and the checker demands
    /// only what the process can know. A process that has read in time must not be misled.
    pub(crate) fn looks_deleted(&self, process: usize, uid: &str) -> bool {
        let (Some(BindingEnd::LostWithKind { deleted_at, .. }), BindingKind::Defined { created_at, .. }) =
            (self.binding_ends.get(uid), self.binding_kind)
        else {
            return false;
        };
        *deleted_at > created_at && !self.found_kind_missing.contains(&(process, uid.to_owned()))
    }

    fn next_version(&mut self) -> u64 {
        self.version += 1;
        self.version
    }

    /// Returns the metadata of an object that is created now.
    pub(crate) fn new_metadata(&mut self, name: &str, now: Duration) -> ObjectMeta {
        let version = self.next_version();
        let uid = format!("{}-{version}", self.id);
        self.created_at.insert(uid.clone(), now);
        ObjectMeta {
            name: Some(name.into()),
            namespace: Some(NAMESPACE.into()),
            uid: Some(uid),
            resource_version: Some(version.to_string()),
            generation: Some(1),
            creation_timestamp: Some(ApiTime(self.timestamp(now))),
            ..ObjectMeta::default()
        }
    }

    pub(crate) fn insert_key(&mut self, key: ALMServiceKey) {
        self.key_events.push(WatchEvent::Applied(key.clone()));
        self.keys.insert(key.name_any(), key);
    }

    /// Changes an object, and removes it if it is deleted and has no finalizer left.
    pub(crate) fn change_key(&mut self, name: &str, change: impl FnOnce(&mut ALMServiceKey)) {
        let version = self.next_version();
        let Some(key) = self.keys.get_mut(name) else { return };
        change(key);
        key.metadata.resource_version = Some(version.to_string());
        let is_gone = key.metadata.deletion_timestamp.is_some() && key.finalizers().is_empty();
        let key = key.clone();
        if is_gone {
            self.keys.remove(name);
            self.key_events.push(WatchEvent::Deleted(key));
        } else {
            self.key_events.push(WatchEvent::Applied(key));
        }
    }

    pub(crate) fn insert_tenant(&mut self, tenant: ALMTenant) {
        self.tenant_events.push(WatchEvent::Applied(tenant.clone()));
        self.tenants.insert(tenant.name_any(), tenant);
    }

    /// Changes a tenant, and removes it if it is deleted and has no finalizer left.
    pub(crate) fn change_tenant(&mut self, name: &str, change: impl FnOnce(&mut ALMTenant)) {
        let version = self.next_version();
        let Some(tenant) = self.tenants.get_mut(name) else { return };
        change(tenant);
        tenant.metadata.resource_version = Some(version.to_string());
        let is_gone = tenant.metadata.deletion_timestamp.is_some() && tenant.finalizers().is_empty();
        let tenant = tenant.clone();
        if is_gone {
            self.tenants.remove(name);
            self.tenant_events.push(WatchEvent::Deleted(tenant));
        } else {
            self.tenant_events.push(WatchEvent::Applied(tenant));
        }
    }

    /// Writes a Secret with a document as BTP issues it.
    pub(crate) fn write_secret(&mut self, secret: Secret) {
        self.editions.remove(&secret.name_any());
        self.store_secret(secret);
    }

    fn store_secret(&mut self, secret: Secret) {
        self.secret_events.push(secret.metadata.clone());
        self.secrets.insert(secret.name_any(), secret);
    }

    pub(crate) fn remove_secret(&mut self, name: &str, now: Duration) {
        if let Some(secret) = self.secrets.remove(name) {
            self.secret_events.push(secret.metadata);
            self.secret_deleted_at.insert(name.to_owned(), now);
        }
    }

    /// Replaces the document in an object's Secret by another edition of it, as a user or the service operator does.
    pub(crate) fn edit_secret(&mut self, object: &ALMServiceKey, edition: Edition, sap: &Sap) {
        let (Some(key), Some(name)) = (self.source_key(object), secret_name(object)) else { return };
        let Some(metadata) = self.secrets.get(name).map(|secret| secret.metadata.clone()) else { return };
        let resource_version = Some(self.next_version().to_string());
        let metadata = ObjectMeta { resource_version, ..metadata };
        self.editions.insert(name.to_owned(), edition);
        self.store_secret(key_secret(metadata, Some(&sap.text(KeyDocument { key, edition }))));
    }

    /// Returns true if the object of this name exists and has this uid.
    pub(crate) fn has_key(&self, name: &str, uid: &str) -> bool {
        self.keys.get(name).is_some_and(|key| key.metadata.uid.as_deref() == Some(uid))
    }

    /// Returns the valid key that the source of an object provides.
    pub(crate) fn source_key(&self, object: &ALMServiceKey) -> Option<KeyNumber> {
        if let Some(secret) = &object.spec.source.secret_ref {
            self.secrets.get(&secret.name)?;
            return self.plain_keys.get(&secret.name).copied().flatten();
        }
        let name = secret_name(object)?;
        let binding = self.bindings.get(name).filter(|binding| !binding.is_terminating() && binding.id.is_some())?;
        self.secrets.get(name)?;
        Some(binding.key)
    }

    /// Returns the document that BTP shows for the binding of an object, whatever its Secret holds.
    pub(crate) fn document_in_btp(&self, object: &ALMServiceKey) -> Option<KeyDocument> {
        let binding = self.bindings.get(&object.spec.source.service_binding_ref.as_ref()?.name)?;
        Some(KeyDocument::original(binding.key))
    }

    /// Returns the document with the valid key that the source of an object provides.
    pub(crate) fn source_document(&self, object: &ALMServiceKey) -> Option<KeyDocument> {
        let edition = self.editions.get(secret_name(object)?).copied().unwrap_or_default();
        Some(KeyDocument { key: self.source_key(object)?, edition })
    }
}

/// Returns the name of the Secret that holds an object's key. A binding's Secret has the name of the binding.
fn secret_name(object: &ALMServiceKey) -> Option<&str> {
    let source = &object.spec.source;
    let binding = source.service_binding_ref.as_ref().map(|binding| binding.name.as_str());
    source.secret_ref.as_ref().map(|secret| secret.name.as_str()).or(binding)
}

/// Returns the name of the plain Secret that an object may use as its source.
pub(crate) fn plain_secret_name(name: &str) -> String {
    format!("{name}-plain")
}

/// Begins the deletion of an object, which advances its generation as a real API server does.
pub(crate) fn mark_deleted(metadata: &mut ObjectMeta, stamp: Timestamp) {
    if metadata.deletion_timestamp.is_none() {
        metadata.deletion_timestamp = Some(ApiTime(stamp));
        advance_generation(metadata);
    }
}

/// Advances the generation of an object whose spec has changed.
pub(crate) fn advance_generation(metadata: &mut ObjectMeta) {
    metadata.generation = metadata.generation.map(|generation| generation + 1);
}

/// Returns true if an `ALMServiceKey` carries the operator's finalizer.
pub(crate) fn has_key_finalizer(metadata: &ObjectMeta) -> bool {
    metadata.finalizers.iter().flatten().any(|finalizer| finalizer == KEY_FINALIZER)
}
