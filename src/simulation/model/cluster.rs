//! The API server of one cluster: its objects, their versions, and what the watches will tell.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time as ApiTime};
use kube::ResourceExt;

use crate::api::status::ALMServiceKeyStatus;
use crate::api::{ALMServiceKey, ALMTenant};
use crate::names::KEY_FINALIZER;
use crate::simulation::model::binding::Binding;
use crate::simulation::model::sap::KeyNo;

/// The one namespace that things happen in.
pub(crate) const NAMESPACE: &str = "monitoring";

/// An object as a watch tells it.
pub(crate) enum Labelled<T> {
    Applied(T),
    Deleted(T),
}

/// The definition of `ServiceBinding`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Defined {
        since: Duration,
        /// When that was by the clock of the API server.
        stamped: Timestamp,
    },
    /// All bindings are marked as deleted, and nobody unbinds them.
    Terminating,
    Missing,
}

/// How a binding went.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fate {
    /// Somebody deleted it.
    Deleted(Duration),
    /// Its kind was removed, and it with it; its credentials live on.
    LostWithKind {
        at: Duration,
        /// When that was by the clock of the API server.
        stamped: Timestamp,
    },
}

/// What happens to the next write to the API server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WriteFault {
    /// It takes effect, and its answer is lost.
    AnswerLost,
    /// Somebody else wrote the object just before.
    Conflict,
}

/// A kind of objects to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reads {
    Keys,
    Tenants,
    Bindings,
    Secrets,
    Definitions,
}

pub(crate) const READS: [Reads; 5] = [Reads::Keys, Reads::Tenants, Reads::Bindings, Reads::Secrets, Reads::Definitions];

/// How reads of one kind fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReadFault {
    /// The right to them was taken away.
    Refused,
    NoAnswer,
}

/// One cluster.
pub(crate) struct Cluster {
    pub(crate) id: String,
    version: u64,
    /// By how much the clock of its API server is wrong, in seconds: it shows in what is stamped on objects.
    pub(crate) clock_is_off: i64,
    /// When objects were really made, by uid.
    pub(crate) made_at: BTreeMap<String, Duration>,
    pub(crate) keys: BTreeMap<String, ALMServiceKey>,
    pub(crate) tenants: BTreeMap<String, ALMTenant>,
    pub(crate) bindings: BTreeMap<String, Binding>,
    pub(crate) secrets: BTreeMap<String, Secret>,
    pub(crate) kind: Kind,
    /// When `ServiceBinding` was first defined with that time stamped on it: of two definitions that have the same one
    /// nobody can tell that they are two.
    defined: BTreeMap<Timestamp, Duration>,
    /// Which process has seen the kind away since it was told last that a binding goes, by the binding's uid.
    seen_away: BTreeSet<(usize, String)>,
    /// `ALMServiceKey` itself is being removed.
    pub(crate) own_kind_is_going: bool,
    pub(crate) is_down: bool,
    pub(crate) reads_fail: BTreeMap<Reads, ReadFault>,
    pub(crate) next_write: Option<WriteFault>,
    pub(crate) told_keys: Vec<Labelled<ALMServiceKey>>,
    pub(crate) told_tenants: Vec<Labelled<ALMTenant>>,
    pub(crate) told_secrets: Vec<ObjectMeta>,
    pub(crate) told_bindings: Vec<ObjectMeta>,
    /// How bindings went, by uid.
    pub(crate) fates: BTreeMap<String, Fate>,
    /// Since when a plain Secret is gone, by name.
    pub(crate) secret_gone: BTreeMap<String, Duration>,
    /// The keys that a source has ever held, by its name.
    pub(crate) held: BTreeMap<String, BTreeSet<KeyNo>>,
    /// What plain Secrets hold, by name; none is a key that breaks the rules.
    pub(crate) pasted: BTreeMap<String, Option<KeyNo>>,
    /// Objects whose status somebody else wrote, by uid, and how many passes had begun when that was done last.
    pub(crate) tampered: BTreeMap<String, usize>,
    /// The statuses that the operator wrote, by the object's name, the latest last.
    pub(crate) past: BTreeMap<String, Vec<ALMServiceKeyStatus>>,
    /// Objects that ended without a claim to have cleaned up, by uid: abandoned, observing, or robbed of what they knew.
    pub(crate) let_go: BTreeSet<String>,
}

/// A moment on a clock that is right.
pub(crate) fn wall(now: Duration) -> Timestamp {
    let seconds = i64::try_from(now.as_secs()).expect("a history does not last that long");
    Timestamp::from_second(1_790_000_000 + seconds).expect("a moment of this century")
}

impl Cluster {
    pub(crate) fn new(id: &str) -> Self {
        let mut cluster = Self {
            id: id.into(),
            version: 0,
            clock_is_off: 0,
            made_at: BTreeMap::new(),
            keys: BTreeMap::new(),
            tenants: BTreeMap::new(),
            bindings: BTreeMap::new(),
            secrets: BTreeMap::new(),
            kind: Kind::Missing,
            defined: BTreeMap::new(),
            seen_away: BTreeSet::new(),
            own_kind_is_going: false,
            is_down: false,
            reads_fail: BTreeMap::new(),
            next_write: None,
            told_keys: Vec::new(),
            told_tenants: Vec::new(),
            told_secrets: Vec::new(),
            told_bindings: Vec::new(),
            fates: BTreeMap::new(),
            secret_gone: BTreeMap::new(),
            held: BTreeMap::new(),
            pasted: BTreeMap::new(),
            tampered: BTreeMap::new(),
            past: BTreeMap::new(),
            let_go: BTreeSet::new(),
        };
        cluster.defines_the_kind(Duration::ZERO);
        cluster
    }

    /// What its API server takes a moment for.
    pub(crate) fn stamp(&self, now: Duration) -> Timestamp {
        let seconds = wall(now).as_second() + self.clock_is_off;
        Timestamp::from_second(seconds).expect("a moment of this century")
    }

    /// `ServiceBinding` is defined.
    pub(crate) fn defines_the_kind(&mut self, now: Duration) {
        let stamped = self.stamp(now);
        let since = *self.defined.entry(stamped).or_insert(now);
        self.kind = Kind::Defined { since, stamped };
    }

    /// A process learns that a binding is as this says.
    pub(crate) fn shows_binding(&mut self, process: usize, binding: &ObjectMeta) {
        if binding.deletion_timestamp.is_some() {
            self.seen_away.remove(&(process, binding.uid.clone().unwrap_or_default()));
        }
    }

    /// A process that asks for the sake of a binding learns that its kind is away.
    pub(crate) fn shows_kind_away(&mut self, process: usize, uid: &str) {
        self.seen_away.insert((process, uid.to_owned()));
    }

    /// Whether a process cannot but take a binding that went with its kind for one that was deleted under the definition of
    /// now: the API server's clock was set back between, so that the times say so, and since the process was told that
    /// the binding goes it has not once looked while the kind was away. No read tells it then what it missed: the judge
    /// holds it to what it can know. Who has looked must not be taken in.
    pub(crate) fn looks_deleted(&self, process: usize, uid: &str) -> bool {
        let (Some(Fate::LostWithKind { stamped: went, .. }), Kind::Defined { stamped: made, .. }) =
            (self.fates.get(uid), self.kind)
        else {
            return false;
        };
        *went > made && !self.seen_away.contains(&(process, uid.to_owned()))
    }

    fn next(&mut self) -> u64 {
        self.version += 1;
        self.version
    }

    /// The metadata of an object that is made now.
    pub(crate) fn made(&mut self, name: &str, now: Duration) -> ObjectMeta {
        let version = self.next();
        let uid = format!("{}-{version}", self.id);
        self.made_at.insert(uid.clone(), now);
        ObjectMeta {
            name: Some(name.into()),
            namespace: Some(NAMESPACE.into()),
            uid: Some(uid),
            resource_version: Some(version.to_string()),
            generation: Some(1),
            creation_timestamp: Some(ApiTime(self.stamp(now))),
            ..ObjectMeta::default()
        }
    }

    pub(crate) fn makes_key(&mut self, key: ALMServiceKey) {
        self.told_keys.push(Labelled::Applied(key.clone()));
        self.keys.insert(key.name_any(), key);
    }

    /// Writes an object, and removes it if nothing keeps it any more.
    pub(crate) fn change_key(&mut self, name: &str, change: impl FnOnce(&mut ALMServiceKey)) {
        let version = self.next();
        let Some(key) = self.keys.get_mut(name) else { return };
        change(key);
        key.metadata.resource_version = Some(version.to_string());
        let is_gone = key.metadata.deletion_timestamp.is_some() && key.finalizers().is_empty();
        let key = key.clone();
        if is_gone {
            self.keys.remove(name);
            self.told_keys.push(Labelled::Deleted(key));
        } else {
            self.told_keys.push(Labelled::Applied(key));
        }
    }

    pub(crate) fn makes_tenant(&mut self, tenant: ALMTenant) {
        self.told_tenants.push(Labelled::Applied(tenant.clone()));
        self.tenants.insert(tenant.name_any(), tenant);
    }

    /// Writes a tenant, and removes it if nothing keeps it any more.
    pub(crate) fn change_tenant(&mut self, name: &str, change: impl FnOnce(&mut ALMTenant)) {
        let version = self.next();
        let Some(tenant) = self.tenants.get_mut(name) else { return };
        change(tenant);
        tenant.metadata.resource_version = Some(version.to_string());
        let is_gone = tenant.metadata.deletion_timestamp.is_some() && tenant.finalizers().is_empty();
        let tenant = tenant.clone();
        if is_gone {
            self.tenants.remove(name);
            self.told_tenants.push(Labelled::Deleted(tenant));
        } else {
            self.told_tenants.push(Labelled::Applied(tenant));
        }
    }

    pub(crate) fn writes_secret(&mut self, secret: Secret) {
        self.told_secrets.push(secret.metadata.clone());
        self.secrets.insert(secret.name_any(), secret);
    }

    pub(crate) fn removes_secret(&mut self, name: &str, now: Duration) {
        if let Some(secret) = self.secrets.remove(name) {
            self.told_secrets.push(secret.metadata);
            self.secret_gone.insert(name.to_owned(), now);
        }
    }

    /// Whether an object is there of this uid.
    pub(crate) fn has(&self, name: &str, uid: &str) -> bool {
        self.keys.get(name).is_some_and(|key| key.metadata.uid.as_deref() == Some(uid))
    }
}

/// Begins the deletion of an object: its generation moves on by that.
pub(crate) fn delete(metadata: &mut ObjectMeta, stamp: Timestamp) {
    if metadata.deletion_timestamp.is_none() {
        metadata.deletion_timestamp = Some(ApiTime(stamp));
        changed(metadata);
    }
}

/// The spec has changed.
pub(crate) fn changed(metadata: &mut ObjectMeta) {
    metadata.generation = metadata.generation.map(|generation| generation + 1);
}

/// Whether our finalizer is there.
pub(crate) fn is_kept(metadata: &ObjectMeta) -> bool {
    metadata.finalizers.iter().flatten().any(|finalizer| finalizer == KEY_FINALIZER)
}
