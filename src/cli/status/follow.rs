//! The state again and again, whenever it changes.

use std::io;

use futures::stream::{BoxStream, select_all};
use futures::{StreamExt, TryStreamExt};
use kube::api::DynamicObject;
use kube::runtime::reflector::{self, Store};
use kube::runtime::{WatchStreamExt, watcher};

use super::listing::Listing;
use crate::cli::cluster::{Access, Cluster, Failure, Kind, call_error};
use crate::cli::text::print_error;

/// Maximum number of changes that are shown at once.
const MAX_CHANGES: usize = 1024;

/// The events of a watch; true if the objects in its store are complete.
type Events = BoxStream<'static, Result<(Kind, bool), (Kind, watcher::Error)>>;

/// Watches the objects that a user may see, and calls `show` with them whenever one has changed. Returns only if the
/// API server refuses the watch, or if `show` fails.
pub(super) async fn follow(
    cluster: &Cluster,
    first: Listing,
    selector: Option<&str>,
    mut show: impl FnMut(&Listing) -> io::Result<()>,
) -> Result<(), Failure> {
    let (keys, key_events) = watch(cluster, Kind::Keys, first.namespace.as_deref(), selector);
    let tenants = first.tenants.is_some().then(|| watch(cluster, Kind::Tenants, None, selector));
    let (tenants, tenant_events) = tenants.unzip();
    let mut events = select_all([key_events].into_iter().chain(tenant_events)).ready_chunks(MAX_CHANGES);
    let mut incomplete = vec![Kind::Keys];
    incomplete.extend(tenants.is_some().then_some(Kind::Tenants));
    let mut last = first.to_json();
    let mut is_failing = false;
    while let Some(changes) = events.next().await {
        for change in changes {
            match change {
                Ok((kind, true)) => incomplete.retain(|other| *other != kind),
                Ok((kind, false)) => incomplete.push(kind),
                Err((kind, error)) => {
                    let access = Access { verb: "watch", kind, namespace: first.namespace.clone() };
                    let failure = cluster.failure(access, call_error(error));
                    if failure.is_refusal() {
                        return Err(failure);
                    }
                    if !is_failing {
                        print_error(&failure);
                    }
                    is_failing = true;
                    continue;
                }
            }
            is_failing = false;
        }
        let listing = first.with(tenants.as_ref().map(objects), objects(&keys));
        let next = listing.to_json();
        if incomplete.is_empty() && next != last {
            show(&listing)?;
            last = next;
        }
    }
    Ok(())
}

/// Watches objects of a kind, and keeps them in a store.
fn watch(
    cluster: &Cluster,
    kind: Kind,
    namespace: Option<&str>,
    selector: Option<&str>,
) -> (Store<DynamicObject>, Events) {
    let api = cluster.objects(kind, namespace);
    let config = watcher::Config { label_selector: selector.map(str::to_owned), ..watcher::Config::default() };
    let writer = reflector::store::Writer::new(kind.resource());
    let store = writer.as_reader();
    let events = watcher(api, config).default_backoff().reflect(writer);
    let events = events.map_ok(move |event| {
        let is_complete = !matches!(event, watcher::Event::Init | watcher::Event::InitApply(_));
        (kind, is_complete)
    });
    (store, events.map_err(move |error| (kind, error)).boxed())
}

fn objects(store: &Store<DynamicObject>) -> Vec<DynamicObject> {
    store.state().iter().map(|object| DynamicObject::clone(object)).collect()
}
