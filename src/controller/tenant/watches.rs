//! What makes a pass over a tenant run: itself, and the operator's credentials for it.

use futures::channel::mpsc::{self, UnboundedReceiver};
use futures::stream::{self, BoxStream, SelectAll};
use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::Secret;
use kube::api::PartialObjectMeta;
use kube::runtime::reflector::{ObjectRef, Store};
use kube::runtime::watcher::Event;
use kube::runtime::{PredicateConfig, WatchStreamExt, predicates, reflector, watcher};
use kube::{Api, Client, ResourceExt};

use crate::api::ALMTenant;
use crate::controller::Caches;
use crate::controller::tenant::duplicates;
use crate::controller::watch::{config, drop_annotations, drop_unused_metadata, logged, stored};

/// The watches, running while they are polled.
pub(crate) struct Watches {
    /// All `ALMTenant`s, as far as the watch has told.
    pub(crate) store: Store<ALMTenant>,
    /// Whom something happened to.
    pub(crate) triggers: SelectAll<BoxStream<'static, ObjectRef<ALMTenant>>>,
}

/// Starts all watches.
pub(crate) fn start(
    client: &Client,
    resource_namespace: &str,
    caches: &Caches,
    told_by_keys: UnboundedReceiver<ObjectRef<ALMTenant>>,
) -> Watches {
    let caches = caches.clone();
    let (store, writer) = reflector::store();
    let (concerned, twin_triggers) = mpsc::unbounded();
    let known = store.clone();
    let tenants = watcher(Api::<ALMTenant>::all(client.clone()), config())
        .default_backoff()
        .modify(drop_unused_metadata)
        .reflect(writer)
        .inspect_ok(move |event| {
            if let Event::Delete(tenant) = event {
                caches.forget_tenant(tenant);
                // Who listens lives as long as this: a failure to tell is the end of both.
                for name in duplicates::of_zone(&known, &tenant.spec.identity_zone) {
                    let _ = concerned.unbounded_send(ObjectRef::new(&name));
                }
            }
        });
    let tenants = stored(store.clone(), tenants).predicate_filter(predicates::generation, PredicateConfig::default());
    let tenants = logged("ALMTenant", tenants).map(|tenant| ObjectRef::from_obj(&tenant)).boxed();

    let secrets = Api::<PartialObjectMeta<Secret>>::namespaced(client.clone(), resource_namespace);
    #[expect(clippy::disallowed_methods, reason = "no store keeps them")]
    let credentials = watcher(secrets, config()).default_backoff().modify(drop_annotations).touched_objects();
    let known = store.clone();
    let credentials = logged("credentials", credentials)
        .flat_map(move |secret| {
            let using = signs_in_with(&known, &secret.name_any());
            stream::iter(using.into_iter().map(|name| ObjectRef::new(&name)))
        })
        .boxed();
    let triggers = stream::select_all([tenants, credentials, twin_triggers.boxed(), told_by_keys.boxed()]);
    Watches { store, triggers }
}

/// Names of the tenants for which the operator signs in with this Secret.
pub(crate) fn signs_in_with(tenants: &Store<ALMTenant>, secret: &str) -> Vec<String> {
    let tenants = tenants.state();
    let uses = |tenant: &ALMTenant| tenant.spec.landscape_management.http.oauth2.secret_ref.name == secret;
    tenants.iter().filter(|tenant| uses(tenant)).map(|tenant| tenant.name_any()).collect()
}
