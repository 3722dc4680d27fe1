//! The watches that trigger reconciliations: of the object itself, its tenant and its source.
//!
//! Each watch has its own back-off: in one `Controller`, a missing ServiceBinding CRD would slow down all of them. The
//! watches of sources receive metadata only and store nothing.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use futures::channel::mpsc::{self, UnboundedSender};
use futures::future::ready;
use futures::stream::{self, BoxStream, SelectAll};
use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{DynamicObject, PartialObjectMeta};
use kube::core::DeserializeGuard;
use kube::runtime::reflector::{ObjectRef, Store};
use kube::runtime::utils::Backoff;
use kube::runtime::watcher::Event;
use kube::runtime::{Predicate, PredicateConfig, WatchStreamExt, predicates, reflector, watcher};
use kube::{Api, Client, ResourceExt};

use super::sibling_changes::SiblingStates;
use super::siblings::is_sibling;
use crate::api::{ALMServiceKey, ALMTenant};
use crate::cluster::identity::KeyId;
use crate::cluster::objects::service_binding;
use crate::controller::caches::Caches;
use crate::controller::duplicates;
use crate::controller::scope::Scope;
use crate::controller::watch::{
    config, drop_annotations, drop_undecodable, emit_once_stored, log_errors, log_missing_definition, watch_guarded,
};
use crate::domain::reason::Reason;
use crate::source::observed_deletions::ObservedDeletions;

/// Pause between two tries to watch the kind ServiceBinding, which may not be installed yet.
const BINDING_PAUSE: Duration = Duration::from_secs(3);

type Trigger = ObjectRef<ALMServiceKey>;

/// The watches, running while they are polled.
pub(crate) struct Watches {
    /// All `ALMServiceKey`s, as the watch has seen them.
    pub(crate) store: Store<ALMServiceKey>,
    /// The objects to reconcile.
    pub(crate) triggers: SelectAll<BoxStream<'static, Trigger>>,
}

/// Starts all watches. `referring` are the tenants that name an object which has changed: they are triggered with their
/// keys.
pub(crate) fn start(
    client: &Client,
    scope: &Scope,
    caches: &Caches,
    tenant_store: &Store<ALMTenant>,
    tenant_triggers: UnboundedSender<ObjectRef<ALMTenant>>,
    referring: BoxStream<'static, Vec<String>>,
) -> Watches {
    let (store, keys, siblings) = keys(client, caches.clone(), tenant_triggers.clone());
    let triggers = [
        keys,
        siblings,
        tenants(client, store.clone(), tenant_store.clone()),
        sources(client, scope, &store),
        references(referring, store.clone(), tenant_triggers),
        bindings(client, scope, &store, &caches.observed_deletions),
    ];
    // An object in a namespace that is not served is never reconciled.
    let served = triggers.map(|triggers| {
        let scope = scope.clone();
        triggers.filter(move |object| ready(scope.serves(object.namespace.as_deref()))).boxed()
    });
    Watches { store, triggers: stream::select_all(served) }
}

/// Watches the objects. Returns the store, the triggers of the objects themselves, and those of their siblings. A change of
/// the status does not trigger the object, because the operator writes it.
fn keys(
    client: &Client,
    caches: Caches,
    tenant_triggers: UnboundedSender<ObjectRef<ALMTenant>>,
) -> (Store<ALMServiceKey>, BoxStream<'static, Trigger>, BoxStream<'static, Trigger>) {
    let (store, writer) = reflector::store();
    let (sibling_sender, siblings) = mpsc::unbounded();
    let known = store.clone();
    let mut sibling_states = SiblingStates::default();
    let changed = predicates::generation.combine(predicates::finalizers).combine(predicates::annotations);
    let events = log_missing_definition(watch_guarded(client));
    let events = drop_undecodable(store.clone(), events).reflect(writer).inspect_ok(move |event| {
        let object = match event {
            Event::Delete(object) => {
                caches.forget(object);
                if !sibling_states.remove(object) {
                    return;
                }
                object
            }
            Event::Apply(object) | Event::InitApply(object) if sibling_states.record(object) => object,
            Event::Apply(_) | Event::InitApply(_) | Event::Init | Event::InitDone => return,
        };
        // The receivers live as long as this stream, so a failed send means shutdown.
        for sibling in select(&known, |other| is_sibling(other, object)) {
            let _ = sibling_sender.unbounded_send(sibling);
        }
        let _ = tenant_triggers.unbounded_send(ObjectRef::new(&object.spec.tenant_ref.name));
    });
    let objects = emit_once_stored(store.clone(), events).predicate_filter(changed, PredicateConfig::default());
    let keys = log_errors("ALMServiceKey", objects).map(|object| ObjectRef::from_obj(&object)).boxed();
    (store, keys, siblings.boxed())
}

/// Watches the tenants. A tenant triggers the keys that name it, or another tenant of its identity zone.
fn tenants(client: &Client, store: Store<ALMServiceKey>, tenants: Store<ALMTenant>) -> BoxStream<'static, Trigger> {
    let mut known: HashMap<String, TenantState> = HashMap::new();
    log_errors("ALMTenant", watch_guarded::<ALMTenant>(client))
        .flat_map(move |event| {
            let triggers = match event {
                Event::Apply(DeserializeGuard(Ok(tenant))) | Event::InitApply(DeserializeGuard(Ok(tenant))) => {
                    let name = tenant.name_any();
                    let before = known.insert(name.clone(), TenantState::new(&tenant));
                    let changed = before.as_ref() != known.get(&name);
                    if changed { keys_in_zone(&store, &tenants, &tenant) } else { Vec::new() }
                }
                Event::Delete(DeserializeGuard(Ok(tenant))) => {
                    known.remove(&tenant.name_any());
                    keys_in_zone(&store, &tenants, &tenant)
                }
                // A tenant that cannot be decoded. Its zone is unknown, but not its name.
                Event::Apply(tenant) | Event::InitApply(tenant) | Event::Delete(tenant) => {
                    known.remove(&tenant.name_any());
                    select(&store, |key| key.spec.tenant_ref.name == tenant.name_any())
                }
                Event::Init => {
                    known.clear();
                    Vec::new()
                }
                // A deletion that happened while the watch was down has no event.
                Event::InitDone => select(&store, |key| !known.contains_key(&key.spec.tenant_ref.name)),
            };
            stream::iter(triggers)
        })
        .boxed()
}

/// The part of a tenant's state that concerns its keys.
#[derive(PartialEq, Eq)]
struct TenantState {
    generation: Option<i64>,
    /// Read from the status, which the operator writes: the watch that detects duplicates may be ahead of this one or behind
    /// it.
    is_duplicate: bool,
    /// The revision of the record in manual mode, which a confirmation changes.
    record: Option<String>,
}

impl TenantState {
    fn new(tenant: &ALMTenant) -> Self {
        let mut conditions = tenant.status.iter().flat_map(|status| &status.conditions);
        let is_duplicate = conditions.any(|condition| condition.reason == Reason::DuplicateTenant.as_str());
        let slot = tenant.status.as_ref().and_then(|status| status.slot.as_ref());
        let record = slot.and_then(|slot| slot.revision.clone());
        Self { generation: tenant.metadata.generation, is_duplicate, record }
    }
}

/// Returns the keys that name this tenant or another one of its identity zone: which of them is used may have changed.
fn keys_in_zone(store: &Store<ALMServiceKey>, tenants: &Store<ALMTenant>, tenant: &ALMTenant) -> Vec<Trigger> {
    let mut names = duplicates::names_in_zone(tenants, &tenant.spec.identity_zone);
    names.push(tenant.name_any());
    select(store, |key| names.contains(&key.spec.tenant_ref.name))
}

/// Watches the Secrets with keys: those that a `secretRef` names, and those that a named binding controls. A deletion that
/// happened while the watch was down has no event, so each list triggers all objects that name a Secret.
fn sources(client: &Client, scope: &Scope, store: &Store<ALMServiceKey>) -> BoxStream<'static, Trigger> {
    let apis = scope.apis(|namespace| match namespace {
        None => Api::<PartialObjectMeta<Secret>>::all(client.clone()),
        Some(namespace) => Api::namespaced(client.clone(), namespace),
    });
    stream::select_all(apis.into_iter().map(|(namespace, api)| sources_in(namespace, api, store.clone()))).boxed()
}

fn sources_in(
    watched_namespace: Option<String>,
    api: Api<PartialObjectMeta<Secret>>,
    store: Store<ALMServiceKey>,
) -> BoxStream<'static, Trigger> {
    let stream = watcher(api, config()).default_backoff().modify(drop_annotations);
    log_errors("Secret", stream)
        .flat_map(move |event| {
            let secret = match event {
                Event::Apply(secret) | Event::InitApply(secret) | Event::Delete(secret) => secret,
                Event::InitDone => {
                    let names_secret = |key: &ALMServiceKey| key.spec.source.secret_ref.is_some();
                    return stream::iter(select(&store, |key| {
                        names_secret(key) && is_watched(key, watched_namespace.as_deref())
                    }));
                }
                Event::Init => return stream::iter(Vec::new()),
            };
            let (namespace, name) = (secret.namespace(), secret.name_any());
            let owner = secret.owner_references().iter().find(|owner| owner.controller == Some(true));
            stream::iter(select(&store, |key| {
                let source = &key.spec.source;
                let by_name = source.secret_ref.as_ref().is_some_and(|secret| secret.name == name);
                let by_binding = source.service_binding_ref.as_ref().map(|binding| &binding.name);
                let through_binding = by_binding.is_some() && by_binding == owner.map(|owner| &owner.name);
                key.namespace() == namespace && (by_name || through_binding)
            }))
        })
        .boxed()
}

/// Triggers the tenants that name a changed object, and their keys.
fn references(
    referring: BoxStream<'static, Vec<String>>,
    store: Store<ALMServiceKey>,
    tenant_triggers: UnboundedSender<ObjectRef<ALMTenant>>,
) -> BoxStream<'static, Trigger> {
    referring
        .flat_map(move |tenants| {
            for tenant in &tenants {
                // The receiver lives as long as this stream, so a failed send means shutdown.
                let _ = tenant_triggers.unbounded_send(ObjectRef::new(tenant));
            }
            stream::iter(select(&store, |key| tenants.contains(&key.spec.tenant_ref.name)))
        })
        .boxed()
}

/// Watches the bindings. Their kind may be absent, and be installed or removed at any time.
fn bindings(
    client: &Client,
    scope: &Scope,
    store: &Store<ALMServiceKey>,
    observed_deletions: &Arc<ObservedDeletions>,
) -> BoxStream<'static, Trigger> {
    let apis = scope.apis(|namespace| match namespace {
        None => Api::<PartialObjectMeta<DynamicObject>>::all_with(client.clone(), &service_binding()),
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &service_binding()),
    });
    let streams = apis
        .into_iter()
        .map(|(namespace, api)| bindings_in(namespace, api, store.clone(), Arc::clone(observed_deletions)));
    stream::select_all(streams).boxed()
}

fn bindings_in(
    watched_namespace: Option<String>,
    api: Api<PartialObjectMeta<DynamicObject>>,
    store: Store<ALMServiceKey>,
    observed_deletions: Arc<ObservedDeletions>,
) -> BoxStream<'static, Trigger> {
    let stream = watcher(api, config()).backoff(FixedBackoff(BINDING_PAUSE));
    log_errors("ServiceBinding", stream)
        .flat_map(move |event| {
            let triggers = match event {
                Event::Apply(binding) | Event::InitApply(binding) | Event::Delete(binding) => {
                    binding_changed(&store, &observed_deletions, &binding.metadata)
                }
                Event::InitDone => {
                    let names_binding = |key: &ALMServiceKey| key.spec.source.service_binding_ref.is_some();
                    select(&store, |key| names_binding(key) && is_watched(key, watched_namespace.as_deref()))
                }
                Event::Init => Vec::new(),
            };
            stream::iter(triggers)
        })
        .boxed()
}

/// A back-off whose pause stays the same.
struct FixedBackoff(Duration);

impl Iterator for FixedBackoff {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        Some(self.0)
    }
}

impl Backoff for FixedBackoff {
    fn reset(&mut self) {}
}

/// Records the deletion of a binding that an object names. Returns the objects that name the binding.
pub(crate) fn binding_changed(
    store: &Store<ALMServiceKey>,
    observed_deletions: &ObservedDeletions,
    binding: &ObjectMeta,
) -> Vec<Trigger> {
    let triggers = select(store, |key| {
        let named = key.spec.source.service_binding_ref.as_ref().map(|binding| &binding.name);
        key.namespace() == binding.namespace && named == binding.name.as_ref()
    });
    if let (Some(key), Some(uid), Some(started)) = (triggers.first(), &binding.uid, &binding.deletion_timestamp) {
        observed_deletions.record(key.namespace.as_deref().unwrap_or_default(), uid, started.0);
    }
    triggers
}

/// Returns true if a watch of one namespace, or of all, covers the sources of an object.
fn is_watched(key: &ALMServiceKey, watched_namespace: Option<&str>) -> bool {
    watched_namespace.is_none() || key.metadata.namespace.as_deref() == watched_namespace
}

/// Returns the objects that a predicate holds for, by namespace and name.
fn select(store: &Store<ALMServiceKey>, predicate: impl Fn(&ALMServiceKey) -> bool) -> Vec<Trigger> {
    let keys = store.state();
    let distinct: BTreeSet<(String, String)> = keys
        .iter()
        .filter(|key| predicate(key))
        .map(|key| KeyId::new(&**key))
        .map(|KeyId { namespace, name, uid: _ }| (namespace, name))
        .collect();
    distinct.into_iter().map(|(namespace, name)| ObjectRef::new(&name).within(&namespace)).collect()
}
