//! The watch of the tenants, and all that triggers a reconciliation of one.

use futures::channel::mpsc::{self, UnboundedReceiver};
use futures::stream::{self, BoxStream, SelectAll};
use futures::{StreamExt, TryStreamExt};
use kube::Client;
use kube::runtime::reflector::{ObjectRef, Store};
use kube::runtime::watcher::Event;
use kube::runtime::{Predicate, PredicateConfig, WatchStreamExt, predicates, reflector};

use crate::api::ALMTenant;
use crate::controller::caches::Caches;
use crate::controller::duplicates;
use crate::controller::watch::{drop_undecodable, emit_once_stored, log_errors, log_missing_definition, watch_guarded};

/// The watches, running while they are polled.
pub(crate) struct Watches {
    /// All `ALMTenant`s, as the watch has seen them.
    pub(crate) store: Store<ALMTenant>,
    /// The tenants to reconcile.
    pub(crate) triggers: SelectAll<BoxStream<'static, ObjectRef<ALMTenant>>>,
}

/// Starts the watch. `other_triggers` are the tenants that a change of another object concerns.
pub(crate) fn start(
    client: &Client,
    caches: &Caches,
    other_triggers: UnboundedReceiver<ObjectRef<ALMTenant>>,
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
    let changed = predicates::generation.combine(predicates::annotations);
    let tenants = emit_once_stored(store.clone(), tenants).predicate_filter(changed, PredicateConfig::default());
    let tenants = log_errors("ALMTenant", tenants).map(|tenant| ObjectRef::from_obj(&tenant)).boxed();

    let triggers = stream::select_all([tenants, duplicate_triggers.boxed(), other_triggers.boxed()]);
    Watches { store, triggers }
}
