//! The watches that trigger reconciliations of a tenant: of the tenant itself and of the operator's credentials for it.

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
use crate::controller::caches::Caches;
use crate::controller::credentials::tenants_using;
use crate::controller::duplicates;
use crate::controller::watch::{
    config, drop_annotations, drop_undecodable, emit_once_stored, log_errors, log_missing_definition, watch_guarded,
};

/// The watches, running while they are polled.
pub(crate) struct Watches {
    /// All `ALMTenant`s, as the watch has seen them.
    pub(crate) store: Store<ALMTenant>,
    /// The tenants to reconcile.
    pub(crate) triggers: SelectAll<BoxStream<'static, ObjectRef<ALMTenant>>>,
}

/// Starts all watches. `key_triggers` are the tenants that a change of a key concerns.
pub(crate) fn start(
    client: &Client,
    resource_namespace: &str,
    caches: &Caches,
    key_triggers: UnboundedReceiver<ObjectRef<ALMTenant>>,
) -> Watches {
    let caches = caches.clone();
    let (store, writer) = reflector::store();
    let (duplicate_sender, duplicate_triggers) = mpsc::unbounded();
    let known = store.clone();
    let tenants = log_missing_definition(watch_guarded(client));
    let tenants = drop_undecodable(store.clone(), tenants).reflect(writer).inspect_ok(move |event| {
        if let Event::Delete(tenant) = event {
            caches.forget_tenant(tenant);
            // The receiver lives as long as this stream, so a failed send means shutdown.
            for name in duplicates::names_in_zone(&known, &tenant.spec.identity_zone) {
                let _ = duplicate_sender.unbounded_send(ObjectRef::new(&name));
            }
        }
    });
    let tenants =
        emit_once_stored(store.clone(), tenants).predicate_filter(predicates::generation, PredicateConfig::default());
    let tenants = log_errors("ALMTenant", tenants).map(|tenant| ObjectRef::from_obj(&tenant)).boxed();

    let secrets = Api::<PartialObjectMeta<Secret>>::namespaced(client.clone(), resource_namespace);
    #[expect(clippy::disallowed_methods, reason = "no store keeps them")]
    let credentials = watcher(secrets, config()).default_backoff().modify(drop_annotations).touched_objects();
    let known = store.clone();
    let credentials = log_errors("credentials", credentials)
        .flat_map(move |secret| {
            let using = tenants_using(&known, &secret.name_any());
            stream::iter(using.into_iter().map(|name| ObjectRef::new(&name)))
        })
        .boxed();
    let triggers = stream::select_all([tenants, credentials, duplicate_triggers.boxed(), key_triggers.boxed()]);
    Watches { store, triggers }
}
