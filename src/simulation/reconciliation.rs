//! The checker's record of one reconciliation: the objects that it read, and the truth at that time.

use std::collections::BTreeSet;
use std::time::Duration;

use kube::ResourceExt;

use crate::api::resolve::policy;
use crate::api::{ALMServiceKey, ALMTenant};
use crate::domain::policy::Policy;
use crate::domain::slot::Revision;
use crate::names::btp;
use crate::simulation::model::cluster::{BindingEnd, BindingKind, Cluster};
use crate::simulation::model::document::KeyDocument;

/// The truth about a source when a reconciliation read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SourceTruth {
    NotRead,
    Exists,
    Gone {
        since: Duration,
        /// True if the binding went with its kind, and the process can know that.
        with_its_kind: bool,
    },
}

/// A reconciliation.
pub(crate) struct Reconciliation {
    pub(crate) cluster: usize,
    pub(crate) name: String,
    pub(crate) zone: usize,
    /// The process that runs it.
    pub(crate) process: usize,
    pub(crate) started_at: Duration,
    /// The object as it was read.
    pub(crate) object: Option<ALMServiceKey>,
    /// The tenant as it was read.
    pub(crate) tenant: Option<ALMTenant>,
    pub(crate) own_kind_is_terminating: bool,
    pub(crate) source: SourceTruth,
    /// The keys that have signed in.
    pub(crate) proven: BTreeSet<KeyDocument>,
    /// The revision of the write that was pending at the start.
    pub(crate) pending_revision: Option<String>,
    /// The version of the object that was read or written last.
    pub(crate) object_version: Option<String>,
    /// The slot's revision that was read last.
    pub(crate) slot_revision: Option<Revision>,
    /// The revision of the record, in manual mode, for which it asked a person to remove a key.
    pub(crate) removal_based_on: Option<Revision>,
    /// True once a write to the API server has failed. No remote write may follow.
    pub(crate) api_write_failed: bool,
}

impl Reconciliation {
    pub(crate) fn new(cluster: usize, name: &str, zone: usize, process: usize, started_at: Duration) -> Self {
        Self {
            cluster,
            name: name.into(),
            zone,
            process,
            started_at,
            object: None,
            tenant: None,
            own_kind_is_terminating: false,
            source: SourceTruth::NotRead,
            proven: BTreeSet::new(),
            pending_revision: None,
            object_version: None,
            slot_revision: None,
            removal_based_on: None,
            api_write_failed: false,
        }
    }

    /// Returns the uid of the object that was read.
    pub(crate) fn uid(&self) -> String {
        self.object.as_ref().and_then(ResourceExt::uid).unwrap_or_default()
    }

    /// Returns the policy that follows from the objects that were read.
    pub(crate) fn policy(&self) -> Option<Policy> {
        let object = self.object.as_ref()?;
        Some(policy(&object.spec, self.tenant.as_ref().map(|tenant| &tenant.spec)))
    }

    pub(crate) fn is_deleting(&self) -> bool {
        self.object.as_ref().is_some_and(|object| object.metadata.deletion_timestamp.is_some())
    }
}

/// Returns the uid of the binding that an object names, if its status records that.
pub(crate) fn recorded_binding_uid(object: &ALMServiceKey) -> Option<&str> {
    let name = &object.spec.source.service_binding_ref.as_ref()?.name;
    let recorded = object.status.as_ref()?.source.as_ref()?;
    (recorded.kind == btp::BINDING_KIND && recorded.name == *name).then_some(recorded.uid.as_str())
}

/// Returns the truth about an object's source at this moment.
pub(crate) fn source_truth(cluster: &Cluster, object: &ALMServiceKey) -> SourceTruth {
    if let Some(secret) = &object.spec.source.secret_ref {
        return secret_truth(cluster, object, &secret.name);
    }
    let Some(binding) = &object.spec.source.service_binding_ref else { return SourceTruth::Exists };
    let Some(uid) = recorded_binding_uid(object) else { return SourceTruth::Exists };
    let BindingKind::Defined { since: defined, .. } = cluster.binding_kind else { return SourceTruth::Exists };
    if let Some(present) = cluster.bindings.get(&binding.name).filter(|binding| !binding.is_terminating()) {
        let has_key = present.id.is_some() && cluster.secrets.contains_key(&binding.name);
        if present.uid() == uid || has_key {
            return SourceTruth::Exists;
        }
    }
    // A status that was copied from another object names a binding that this object never had.
    let is_own = |uid: &str| cluster.created_at.contains_key(uid);
    let uid = Some(uid).filter(|uid| is_own(uid)).or(cluster.last_bindings.get(&binding.name).map(String::as_str));
    match uid.and_then(|uid| cluster.binding_ends.get(uid)) {
        Some(BindingEnd::Deleted(at)) => SourceTruth::Gone { since: *at, with_its_kind: false },
        Some(BindingEnd::LostWithKind { at, .. }) => {
            SourceTruth::Gone { since: (*at).max(defined), with_its_kind: true }
        }
        None => SourceTruth::Exists,
    }
}

fn secret_truth(cluster: &Cluster, object: &ALMServiceKey, name: &str) -> SourceTruth {
    let recorded = object.status.as_ref().and_then(|status| status.source.as_ref());
    // A Secret that no reconciliation has seen may still be created.
    if !recorded.is_some_and(|source| source.kind == "Secret" && source.name == name) {
        return SourceTruth::Exists;
    }
    match cluster.secret_deleted_at.get(name) {
        Some(since) if !cluster.secrets.contains_key(name) => SourceTruth::Gone { since: *since, with_its_kind: false },
        Some(_) | None => SourceTruth::Exists,
    }
}
