//! What makes a pass run: the object itself, its tenant, its source, and the tenant's credentials.
//!
//! Each watch has a back-off of its own: were they one controller's, a missing ServiceBinding CRD would slow down all
//! of them. They carry metadata only, and keep nothing of it.

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
use kube::runtime::reflector::{ObjectRef, Store};
use kube::runtime::utils::Backoff;
use kube::runtime::watcher::Event;
use kube::runtime::{Predicate, PredicateConfig, WatchStreamExt, predicates, reflector, watcher};
use kube::{Api, Client, ResourceExt};

use super::sibling_changes::SiblingStates;
use super::siblings::is_sibling;
use crate::api::{ALMServiceKey, ALMTenant};
use crate::controller::tenant::duplicates;
use crate::controller::tenant::watches::signs_in_with;
use crate::controller::watch::{config, drop_annotations, drop_unused_metadata, logged, stored};
use crate::controller::{Caches, Scope};
use crate::domain::reason::Reason;
use crate::source::binding::resource;
use crate::source::observed_deletions::ObservedDeletions;

/// How often the kind ServiceBinding, which may not be installed yet, is looked for.
const BINDING_PAUSE: Duration = Duration::from_secs(3);

type Trigger = ObjectRef<ALMServiceKey>;

/// The watches, running while they are polled.
pub(crate) struct Watches {
    /// All `ALMServiceKey`s, as far as the watch has told.
    pub(crate) store: Store<ALMServiceKey>,
    /// Whom something happened to.
    pub(crate) triggers: SelectAll<BoxStream<'static, Trigger>>,
}

/// Starts all watches.
pub(crate) fn start(
    client: &Client,
    resource_namespace: &str,
    scope: &Scope,
    caches: &Caches,
    tenant_store: &Store<ALMTenant>,
    concerned_tenants: UnboundedSender<ObjectRef<ALMTenant>>,
) -> Watches {
    let (store, keys, siblings) = keys(client, caches.clone(), concerned_tenants);
    let triggers = [
        keys,
        siblings,
        tenants(client, store.clone(), tenant_store.clone()),
        sources(client, scope, &store),
        credentials(client, resource_namespace, store.clone(), tenant_store.clone(), caches),
        bindings(client, scope, &store, &caches.observed_deletions),
    ];
    // Whatever happens, in a namespace that is not served nothing is done about it.
    let served = triggers.map(|triggers| {
        let scope = scope.clone();
        triggers.filter(move |object| ready(scope.serves(object.namespace.as_deref()))).boxed()
    });
    Watches { store, triggers: stream::select_all(served) }
}

/// The objects themselves, and those that stand in line with them. Their status is our own writing and no trigger for
/// themselves.
fn keys(
    client: &Client,
    caches: Caches,
    concerned_tenants: UnboundedSender<ObjectRef<ALMTenant>>,
) -> (Store<ALMServiceKey>, BoxStream<'static, Trigger>, BoxStream<'static, Trigger>) {
    let (store, writer) = reflector::store();
    let (concerned, siblings) = mpsc::unbounded();
    let known = store.clone();
    let mut sibling_states = SiblingStates::default();
    let changed = predicates::generation.combine(predicates::finalizers).combine(predicates::annotations);
    let stream = watcher(Api::<ALMServiceKey>::all(client.clone()), config())
        .default_backoff()
        .modify(drop_unused_metadata)
        .reflect(writer)
        .inspect_ok(move |event| {
            let object = match event {
                Event::Delete(object) => {
                    caches.forget(object);
                    if !sibling_states.gone(object) {
                        return;
                    }
                    object
                }
                Event::Apply(object) | Event::InitApply(object) if sibling_states.seen(object) => object,
                Event::Apply(_) | Event::InitApply(_) | Event::Init | Event::InitDone => return,
            };
            // Who listens lives as long as this: a failure to tell is the end of both.
            for sibling in select(&known, |other| is_sibling(other, object)) {
                let _ = concerned.unbounded_send(sibling);
            }
            let _ = concerned_tenants.unbounded_send(ObjectRef::new(&object.spec.tenant_ref.name));
        });
    let stream = stored(store.clone(), stream).predicate_filter(changed, PredicateConfig::default());
    let keys = logged("ALMServiceKey", stream).map(|object| ObjectRef::from_obj(&object)).boxed();
    (store, keys, siblings.boxed())
}

fn tenants(client: &Client, store: Store<ALMServiceKey>, tenants: Store<ALMTenant>) -> BoxStream<'static, Trigger> {
    let stream = watcher(Api::<ALMTenant>::all(client.clone()), config()).default_backoff();
    let mut known: HashMap<String, Known> = HashMap::new();
    logged("ALMTenant", stream)
        .flat_map(move |event| {
            let concerned = match event {
                Event::Apply(tenant) | Event::InitApply(tenant) => {
                    let now = Known::of(&tenant);
                    let same = known.get(&tenant.name_any()) == Some(&now);
                    known.insert(tenant.name_any(), now);
                    if same { Vec::new() } else { of_zone(&store, &tenants, &tenant) }
                }
                Event::Delete(tenant) => {
                    known.remove(&tenant.name_any());
                    of_zone(&store, &tenants, &tenant)
                }
                Event::Init => {
                    known.clear();
                    Vec::new()
                }
                // One that has vanished while nobody watched is told by no event.
                Event::InitDone => select(&store, |key| !known.contains_key(&key.spec.tenant_ref.name)),
            };
            stream::iter(concerned)
        })
        .boxed()
}

/// What of a tenant matters to its keys.
#[derive(PartialEq, Eq)]
struct Known {
    generation: Option<i64>,
    /// Of its status this alone, which is our own writing: the other watch of tenants, by which it is found out, may run
    /// ahead of this one or behind it.
    is_duplicate: bool,
}

impl Known {
    fn of(tenant: &ALMTenant) -> Self {
        let mut conditions = tenant.status.iter().flat_map(|status| &status.conditions);
        let is_duplicate = conditions.any(|found| found.reason == Reason::DuplicateTenant.as_str());
        Self { generation: tenant.metadata.generation, is_duplicate }
    }
}

/// Who names this tenant, or another one of the same identity zone: which of them counts may have changed.
fn of_zone(store: &Store<ALMServiceKey>, tenants: &Store<ALMTenant>, tenant: &ALMTenant) -> Vec<Trigger> {
    let mut names = duplicates::of_zone(tenants, &tenant.spec.identity_zone);
    names.push(tenant.name_any());
    select(store, |key| names.contains(&key.spec.tenant_ref.name))
}

/// Secrets that hold keys: named in `secretRef`, or controlled by a binding that is named. What has vanished while
/// nobody watched is told by no event: after each list all who name one look for themselves.
fn sources(client: &Client, scope: &Scope, store: &Store<ALMServiceKey>) -> BoxStream<'static, Trigger> {
    let each = scope.each(|namespace| match namespace {
        None => Api::<PartialObjectMeta<Secret>>::all(client.clone()),
        Some(namespace) => Api::namespaced(client.clone(), namespace),
    });
    stream::select_all(each.into_iter().map(|(place, api)| sources_in(place, api, store.clone()))).boxed()
}

fn sources_in(
    place: Option<String>,
    api: Api<PartialObjectMeta<Secret>>,
    store: Store<ALMServiceKey>,
) -> BoxStream<'static, Trigger> {
    let stream = watcher(api, config()).default_backoff().modify(drop_annotations);
    logged("Secret", stream)
        .flat_map(move |event| {
            let secret = match event {
                Event::Apply(secret) | Event::InitApply(secret) | Event::Delete(secret) => secret,
                Event::InitDone => {
                    let named = |key: &ALMServiceKey| key.spec.source.secret_ref.is_some();
                    return stream::iter(select(&store, |key| named(key) && is_in(key, place.as_deref())));
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

/// The Secrets with the operator's own credentials.
fn credentials(
    client: &Client,
    namespace: &str,
    store: Store<ALMServiceKey>,
    tenants: Store<ALMTenant>,
    caches: &Caches,
) -> BoxStream<'static, Trigger> {
    let stream = watcher(Api::<PartialObjectMeta<Secret>>::namespaced(client.clone(), namespace), config())
        .default_backoff()
        .modify(drop_annotations);
    let versions = Arc::clone(&caches.credentials);
    logged("credentials", stream)
        .flat_map(move |event| {
            let (secret, version) = match event {
                Event::Apply(secret) | Event::InitApply(secret) => {
                    let version = secret.resource_version();
                    (secret, version)
                }
                Event::Delete(secret) => (secret, None),
                Event::Init | Event::InitDone => return stream::iter(Vec::new()),
            };
            versions.seen(&secret.name_any(), version);
            let using = signs_in_with(&tenants, &secret.name_any());
            stream::iter(select(&store, |key| using.contains(&key.spec.tenant_ref.name)))
        })
        .boxed()
}

/// Bindings. Their kind may be absent, appear later and vanish.
fn bindings(
    client: &Client,
    scope: &Scope,
    store: &Store<ALMServiceKey>,
    observed_deletions: &Arc<ObservedDeletions>,
) -> BoxStream<'static, Trigger> {
    let each = scope.each(|namespace| match namespace {
        None => Api::<PartialObjectMeta<DynamicObject>>::all_with(client.clone(), &resource()),
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource()),
    });
    let each =
        each.into_iter().map(|(place, api)| bindings_in(place, api, store.clone(), Arc::clone(observed_deletions)));
    stream::select_all(each).boxed()
}

fn bindings_in(
    place: Option<String>,
    api: Api<PartialObjectMeta<DynamicObject>>,
    store: Store<ALMServiceKey>,
    observed_deletions: Arc<ObservedDeletions>,
) -> BoxStream<'static, Trigger> {
    let stream = watcher(api, config()).backoff(Regularly(BINDING_PAUSE));
    logged("ServiceBinding", stream)
        .flat_map(move |event| {
            let triggers = match event {
                Event::Apply(binding) | Event::InitApply(binding) | Event::Delete(binding) => {
                    touched(&store, &observed_deletions, &binding.metadata)
                }
                Event::InitDone => {
                    let named = |key: &ALMServiceKey| key.spec.source.service_binding_ref.is_some();
                    select(&store, |key| named(key) && is_in(key, place.as_deref()))
                }
                Event::Init => Vec::new(),
            };
            stream::iter(triggers)
        })
        .boxed()
}

/// The same pause each time.
struct Regularly(Duration);

impl Iterator for Regularly {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        Some(self.0)
    }
}

impl Backoff for Regularly {
    fn reset(&mut self) {}
}

/// Notes a deletion that somebody will ask for, and tells whom the binding matters to.
pub(crate) fn touched(
    store: &Store<ALMServiceKey>,
    observed_deletions: &ObservedDeletions,
    binding: &ObjectMeta,
) -> Vec<Trigger> {
    let concerned = select(store, |key| {
        let named = key.spec.source.service_binding_ref.as_ref().map(|binding| &binding.name);
        key.namespace() == binding.namespace && named == binding.name.as_ref()
    });
    if let (false, Some(uid), Some(began)) = (concerned.is_empty(), &binding.uid, &binding.deletion_timestamp) {
        observed_deletions.record(binding.namespace.as_deref().unwrap_or_default(), uid, began.0);
    }
    concerned
}

/// Whether a watch of this namespace, or of all, tells of the sources of an object.
fn is_in(key: &ALMServiceKey, place: Option<&str>) -> bool {
    place.is_none() || key.metadata.namespace.as_deref() == place
}

fn select(store: &Store<ALMServiceKey>, concerned: impl Fn(&ALMServiceKey) -> bool) -> Vec<Trigger> {
    let keys = store.state();
    let distinct: BTreeSet<(Option<String>, String)> =
        keys.iter().filter(|key| concerned(key)).map(|key| (key.namespace(), key.name_any())).collect();
    distinct.into_iter().map(|(namespace, name)| ObjectRef::new(&name).within(&namespace.unwrap_or_default())).collect()
}
