//! The API server of one cluster: its objects, their versions, and what the watches will tell.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time as ApiTime};
use kube::ResourceExt;

use super::binding::Binding;
use super::sap::KeyNo;
use crate::api::{ALMServiceKey, ALMTenant};
use crate::names::KEY_FINALIZER;

/// The one namespace that things happen in.
pub(super) const NAMESPACE: &str = "monitoring";

/// An object as a watch tells it.
pub(super) enum Told<T> {
    Applied(T),
    Deleted(T),
}

/// The definition of `ServiceBinding`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Defined {
        since: Duration,
    },
    /// All bindings are marked as deleted, and nobody unbinds them.
    Terminating,
    Missing,
}

/// How a binding went.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fate {
    /// Somebody deleted it.
    Deleted(Duration),
    /// Its kind was removed, and it with it; its credentials live on.
    LostWithKind(Duration),
}

/// What happens to the next write to the API server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WriteFault {
    /// It takes effect, and its answer is lost.
    AnswerLost,
    /// Somebody else wrote the object just before.
    Conflict,
}

/// One cluster.
pub(super) struct Cluster {
    pub(super) id: String,
    version: u64,
    pub(super) keys: BTreeMap<String, ALMServiceKey>,
    pub(super) tenants: BTreeMap<String, ALMTenant>,
    pub(super) bindings: BTreeMap<String, Binding>,
    pub(super) secrets: BTreeMap<String, Secret>,
    pub(super) kind: Kind,
    /// `ALMServiceKey` itself is being removed.
    pub(super) own_kind_is_going: bool,
    pub(super) is_down: bool,
    pub(super) next_write: Option<WriteFault>,
    pub(super) told_keys: Vec<Told<ALMServiceKey>>,
    pub(super) told_tenants: Vec<Told<ALMTenant>>,
    pub(super) told_secrets: Vec<ObjectMeta>,
    pub(super) told_bindings: Vec<ObjectMeta>,
    /// How bindings went, by uid.
    pub(super) fates: BTreeMap<String, Fate>,
    /// Since when a plain Secret is gone, by name.
    pub(super) secret_gone: BTreeMap<String, Duration>,
    /// The keys that a source has ever held, by its name.
    pub(super) held: BTreeMap<String, BTreeSet<KeyNo>>,
    /// What plain Secrets hold, by name; none is a key that breaks the rules.
    pub(super) pasted: BTreeMap<String, Option<KeyNo>>,
    /// Objects whose status somebody else wrote, by uid.
    pub(super) tampered: BTreeSet<String>,
    /// Objects that ended without a claim to have cleaned up, by uid: abandoned or observing.
    pub(super) let_go: BTreeSet<String>,
}

/// A moment on the clock of the API servers.
pub(super) fn wall(now: Duration) -> Timestamp {
    let seconds = i64::try_from(now.as_secs()).expect("a history does not last that long");
    Timestamp::from_second(1_790_000_000 + seconds).expect("a moment of this century")
}

impl Cluster {
    pub(super) fn new(id: &str) -> Self {
        Self {
            id: id.into(),
            version: 0,
            keys: BTreeMap::new(),
            tenants: BTreeMap::new(),
            bindings: BTreeMap::new(),
            secrets: BTreeMap::new(),
            kind: Kind::Defined { since: Duration::ZERO },
            own_kind_is_going: false,
            is_down: false,
            next_write: None,
            told_keys: Vec::new(),
            told_tenants: Vec::new(),
            told_secrets: Vec::new(),
            told_bindings: Vec::new(),
            fates: BTreeMap::new(),
            secret_gone: BTreeMap::new(),
            held: BTreeMap::new(),
            pasted: BTreeMap::new(),
            tampered: BTreeSet::new(),
            let_go: BTreeSet::new(),
        }
    }

    fn next(&mut self) -> u64 {
        self.version += 1;
        self.version
    }

    /// The metadata of an object that is made now.
    pub(super) fn made(&mut self, name: &str, now: Duration) -> ObjectMeta {
        let version = self.next();
        ObjectMeta {
            name: Some(name.into()),
            namespace: Some(NAMESPACE.into()),
            uid: Some(format!("{}-{version}", self.id)),
            resource_version: Some(version.to_string()),
            generation: Some(1),
            creation_timestamp: Some(ApiTime(wall(now))),
            ..ObjectMeta::default()
        }
    }

    pub(super) fn makes_key(&mut self, key: ALMServiceKey) {
        self.told_keys.push(Told::Applied(key.clone()));
        self.keys.insert(key.name_any(), key);
    }

    /// Writes an object, and removes it if nothing keeps it any more.
    pub(super) fn change_key(&mut self, name: &str, change: impl FnOnce(&mut ALMServiceKey)) {
        let version = self.next();
        let Some(key) = self.keys.get_mut(name) else { return };
        change(key);
        key.metadata.resource_version = Some(version.to_string());
        let is_gone = key.metadata.deletion_timestamp.is_some() && key.finalizers().is_empty();
        let key = key.clone();
        if is_gone {
            self.keys.remove(name);
            self.told_keys.push(Told::Deleted(key));
        } else {
            self.told_keys.push(Told::Applied(key));
        }
    }

    pub(super) fn makes_tenant(&mut self, tenant: ALMTenant) {
        self.told_tenants.push(Told::Applied(tenant.clone()));
        self.tenants.insert(tenant.name_any(), tenant);
    }

    /// Writes a tenant, and removes it if nothing keeps it any more.
    pub(super) fn change_tenant(&mut self, name: &str, change: impl FnOnce(&mut ALMTenant)) {
        let version = self.next();
        let Some(tenant) = self.tenants.get_mut(name) else { return };
        change(tenant);
        tenant.metadata.resource_version = Some(version.to_string());
        let is_gone = tenant.metadata.deletion_timestamp.is_some() && tenant.finalizers().is_empty();
        let tenant = tenant.clone();
        if is_gone {
            self.tenants.remove(name);
            self.told_tenants.push(Told::Deleted(tenant));
        } else {
            self.told_tenants.push(Told::Applied(tenant));
        }
    }

    pub(super) fn writes_secret(&mut self, secret: Secret) {
        self.told_secrets.push(secret.metadata.clone());
        self.secrets.insert(secret.name_any(), secret);
    }

    pub(super) fn removes_secret(&mut self, name: &str, now: Duration) {
        if let Some(secret) = self.secrets.remove(name) {
            self.told_secrets.push(secret.metadata);
            self.secret_gone.insert(name.to_owned(), now);
        }
    }

    /// Whether an object is there of this uid.
    pub(super) fn has(&self, name: &str, uid: &str) -> bool {
        self.keys.get(name).is_some_and(|key| key.metadata.uid.as_deref() == Some(uid))
    }
}

/// Begins the deletion of an object: its generation moves on by that.
pub(super) fn delete(metadata: &mut ObjectMeta, now: Duration) {
    if metadata.deletion_timestamp.is_none() {
        metadata.deletion_timestamp = Some(ApiTime(wall(now)));
        changed(metadata);
    }
}

/// The spec has changed.
pub(super) fn changed(metadata: &mut ObjectMeta) {
    metadata.generation = metadata.generation.map(|generation| generation + 1);
}

/// Whether our finalizer is there.
pub(super) fn is_kept(metadata: &ObjectMeta) -> bool {
    metadata.finalizers.iter().flatten().any(|finalizer| finalizer == KEY_FINALIZER)
}
