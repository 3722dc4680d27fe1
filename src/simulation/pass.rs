//! What the judge knows of one pass: what it was shown, and what was true then.

use std::collections::BTreeSet;
use std::time::Duration;

use kube::ResourceExt;

use crate::api::resolve::policy;
use crate::api::{ALMServiceKey, ALMTenant};
use crate::domain::policy::Policy;
use crate::domain::slot::{Owner, Revision};
use crate::names::btp;
use crate::simulation::model::cluster::{Cluster, Fate, Kind, NAMESPACE};
use crate::simulation::model::sap::KeyNo;
use crate::simulation::state::State;

/// What was true of a source when a pass read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Truth {
    /// It was not read.
    NotRead,
    /// It was there.
    Stands,
    /// It was gone.
    Gone {
        since: Duration,
        /// Not because somebody deleted it, as far as that can be known.
        with_its_kind: bool,
    },
}

/// A pass.
pub(crate) struct Pass {
    pub(crate) cluster: usize,
    pub(crate) name: String,
    pub(crate) zone: usize,
    /// Which process runs it.
    pub(crate) process: usize,
    pub(crate) began: Duration,
    /// The object as it was read.
    pub(crate) object: Option<ALMServiceKey>,
    /// Its tenant as it was read.
    pub(crate) tenant: Option<ALMTenant>,
    pub(crate) own_kind_is_going: bool,
    pub(crate) source: Truth,
    /// The keys that it was told sign in.
    pub(crate) proven: BTreeSet<KeyNo>,
    /// The revision that was pending when it began.
    pub(crate) pending: Option<String>,
    /// The version of the object that it read or wrote last.
    pub(crate) version: Option<String>,
    /// The slot's revision when it looked there last.
    pub(crate) looked: Option<Revision>,
    /// A write to the API server did not succeed: nothing remote may follow.
    pub(crate) is_cut: bool,
}

impl Pass {
    pub(crate) fn new(cluster: usize, name: &str, zone: usize, process: usize, began: Duration) -> Self {
        Self {
            cluster,
            name: name.into(),
            zone,
            process,
            began,
            object: None,
            tenant: None,
            own_kind_is_going: false,
            source: Truth::NotRead,
            proven: BTreeSet::new(),
            pending: None,
            version: None,
            looked: None,
            is_cut: false,
        }
    }

    pub(crate) fn uid(&self) -> String {
        self.object.as_ref().and_then(ResourceExt::uid).unwrap_or_default()
    }

    /// How the object is to be treated, by what was read.
    pub(crate) fn policy(&self) -> Option<Policy> {
        let object = self.object.as_ref()?;
        Some(policy(&object.spec, self.tenant.as_ref().map(|tenant| &tenant.spec)))
    }

    pub(crate) fn is_deleting(&self) -> bool {
        self.object.as_ref().is_some_and(|object| object.metadata.deletion_timestamp.is_some())
    }

    pub(crate) fn owner(&self, state: &State) -> Owner {
        owner(&state.clusters[self.cluster], &self.name)
    }
}

/// As what an object owns a slot.
pub(crate) fn owner(cluster: &Cluster, name: &str) -> Owner {
    Owner { cluster_id: cluster.id.clone(), namespace: NAMESPACE.into(), name: name.into() }
}

/// The uid of the binding that an object names, if that was recorded.
pub(crate) fn recorded_binding(object: &ALMServiceKey) -> Option<&str> {
    let name = &object.spec.source.service_binding_ref.as_ref()?.name;
    let seen = object.status.as_ref()?.source.as_ref()?;
    (seen.kind == btp::BINDING_KIND && seen.name == *name).then_some(seen.uid.as_str())
}

/// What is true of an object's source just now.
pub(crate) fn truth(cluster: &Cluster, object: &ALMServiceKey) -> Truth {
    if let Some(secret) = &object.spec.source.secret_ref {
        // What was never seen may be yet to come.
        let source = object.status.as_ref().and_then(|status| status.source.as_ref());
        if !source.is_some_and(|seen| seen.kind == "Secret" && seen.name == secret.name) {
            return Truth::Stands;
        }
        return match cluster.secret_gone.get(&secret.name) {
            Some(since) if !cluster.secrets.contains_key(&secret.name) => {
                Truth::Gone { since: *since, with_its_kind: false }
            }
            Some(_) | None => Truth::Stands,
        };
    }
    let Some(binding) = &object.spec.source.service_binding_ref else { return Truth::Stands };
    let Some(uid) = recorded_binding(object) else { return Truth::Stands };
    let Kind::Defined { since: defined, .. } = cluster.kind else { return Truth::Stands };
    if let Some(now) = cluster.bindings.get(&binding.name).filter(|binding| !binding.is_going()) {
        let has_key = now.id.is_some() && cluster.secrets.contains_key(&binding.name);
        if now.uid() == uid || has_key {
            return Truth::Stands;
        }
    }
    match cluster.fates.get(uid) {
        Some(Fate::Deleted(at)) => Truth::Gone { since: *at, with_its_kind: false },
        Some(Fate::LostWithKind { at, .. }) => Truth::Gone { since: (*at).max(defined), with_its_kind: true },
        None => Truth::Stands,
    }
}
