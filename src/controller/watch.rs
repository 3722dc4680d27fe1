//! Helpers that all watches share.

use std::collections::HashSet;
use std::fmt::Debug;
use std::future::ready;
use std::hash::Hash;
use std::sync::Arc;

use futures::{Stream, StreamExt, TryStreamExt, stream};
use kube::api::PartialObjectMeta;
use kube::core::DeserializeGuard;
use kube::runtime::WatchStreamExt;
use kube::runtime::reflector::Store;
use kube::runtime::watcher::{self, Config, Event, watcher};
use kube::{Api, Client, Resource};
use serde::de::DeserializeOwned;
use tracing::{debug, info, warn};

use crate::cluster::PAGE;
use crate::cluster::identity::{KeyId, Uid};
use crate::names::annotation;

/// Maximum length of an annotation's value in the cache, in bytes. It fits a uid, a word of 256 characters, and a
/// confirmation.
const MAX_ANNOTATION: usize = 1024;

/// The duration of one watch request in seconds. A connection can die without a word: load balancers drop quiet ones. kube
/// replaces a watch from which nothing has come for five seconds longer than this, so that is when a dead one is noticed.
/// kube's client has neither HTTP/2 nor TCP keepalive, and keepalive would not notice what lies behind a proxy.
const WATCH_SECONDS: u32 = 75;

/// Returns the configuration of all watches.
pub(crate) fn config() -> Config {
    Config::default().page_size(PAGE).timeout(WATCH_SECONDS)
}

/// Drops the annotations of a Secret or `ConfigMap`: `last-applied-configuration` can hold the values, and no
/// reconciliation needs any.
pub(crate) fn drop_annotations<K>(object: &mut PartialObjectMeta<K>) {
    object.metadata.annotations = None;
    object.metadata.managed_fields = None;
}

/// Drops the metadata of an object of ours that no reconciliation reads. Other clients write labels and annotations, and
/// their size is not bounded.
pub(crate) fn drop_unused_metadata<K: Resource>(object: &mut K) {
    let metadata = object.meta_mut();
    (metadata.managed_fields, metadata.labels, metadata.owner_references) = (None, None, None);
    if let Some(annotations) = &mut metadata.annotations {
        let read = [annotation::ABANDON, annotation::CONFIRMATION, annotation::RECONCILE_REQUESTED_AT];
        annotations.retain(|name, _| read.contains(&name.as_str()));
        for value in annotations.values_mut() {
            value.truncate(value.floor_char_boundary(MAX_ANNOTATION));
        }
    }
}

/// Watches all objects of a kind of ours. An object that cannot be decoded must not fail the list or the watch of all the
/// others, so decoding is guarded.
pub(crate) fn watch_guarded<K>(
    client: &Client,
) -> impl Stream<Item = Result<Event<DeserializeGuard<K>>, watcher::Error>> + Send + 'static
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + 'static,
{
    watcher(Api::<DeserializeGuard<K>>::all(client.clone()), config()).default_backoff().modify(drop_unused_metadata)
}

/// Logs once that a kind of ours is not defined, and once that it is defined. No object of the kind exists meanwhile,
/// and kube restarts the watch after its back-off.
pub(crate) fn log_missing_definition<K>(
    events: impl Stream<Item = Result<Event<K>, watcher::Error>>,
) -> impl Stream<Item = Result<Event<K>, watcher::Error>>
where
    K: Resource<DynamicType = ()>,
{
    let mut is_missing = false;
    events.inspect(move |event| match event {
        Ok(Event::InitDone | Event::Apply(_) | Event::Delete(_)) if is_missing => {
            is_missing = false;
            info!(kind = %K::kind(&()), "the kind is defined now");
        }
        Err(error) if !is_missing && is_undefined(error) => {
            is_missing = true;
            warn!(kind = %K::kind(&()), "the API server does not define this kind; apply the definitions of this version");
        }
        Ok(_) | Err(_) => {}
    })
}

/// Returns true if the API server does not know the path of a kind.
fn is_undefined(error: &watcher::Error) -> bool {
    use watcher::Error::{InitialListFailed, WatchStartFailed};
    matches!(error, InitialListFailed(kube::Error::Api(status)) | WatchStartFailed(kube::Error::Api(status)) if status.code == 404)
}

/// Leaves out objects that cannot be decoded, and logs each of them once. One that is in the store, because it could be
/// decoded before, is reported as deleted: its old state is no longer true.
pub(crate) fn drop_undecodable<K>(
    store: Store<K>,
    events: impl Stream<Item = Result<Event<DeserializeGuard<K>>, watcher::Error>>,
) -> impl Stream<Item = Result<Event<K>, watcher::Error>>
where
    K: Resource<DynamicType = ()> + Clone + 'static,
{
    let mut logged = HashSet::new();
    events.try_filter_map(move |event| {
        let deleted =
            |uid: &Uid| store.find(|known| Uid::new(known) == *uid).map(Arc::unwrap_or_clone).map(Event::Delete);
        let decoded = match event {
            Event::Init => Some(Event::Init),
            Event::InitDone => Some(Event::InitDone),
            Event::Apply(DeserializeGuard(Ok(object))) => {
                logged.remove(&Uid::new(&object));
                Some(Event::Apply(object))
            }
            Event::InitApply(DeserializeGuard(Ok(object))) => {
                logged.remove(&Uid::new(&object));
                Some(Event::InitApply(object))
            }
            Event::Delete(DeserializeGuard(Ok(object))) => Some(Event::Delete(object)),
            Event::Apply(object) => {
                log_undecodable(&object, &mut logged);
                deleted(&Uid::new(&object))
            }
            Event::InitApply(object) => {
                log_undecodable(&object, &mut logged);
                None
            }
            Event::Delete(object) => {
                let uid = Uid::new(&object);
                logged.remove(&uid);
                deleted(&uid)
            }
        };
        ready(Ok(decoded))
    })
}

/// Logs an object that cannot be decoded, unless that was done before. The decoder's message quotes values, so it is not
/// logged.
fn log_undecodable<K: Resource<DynamicType = ()>>(object: &DeserializeGuard<K>, logged: &mut HashSet<Uid>) {
    let KeyId { namespace, name, uid } = KeyId::new(object);
    if logged.insert(uid) {
        let kind = K::kind(&());
        warn!(%kind, namespace, name, "left out an object that this version cannot decode; upgrade the operator or correct it");
    }
}

/// Emits each object once the store has it. A list comes in pages, and the store has none of its objects before the last
/// page: a reconciliation of one that was emitted earlier would not find it, and would not be retried.
pub(crate) fn emit_once_stored<K>(
    store: Store<K>,
    events: impl Stream<Item = Result<Event<K>, watcher::Error>>,
) -> impl Stream<Item = Result<K, watcher::Error>>
where
    K: Resource + Clone + 'static,
    K::DynamicType: Eq + Hash + Clone,
{
    let batches = events.map_ok(move |event| {
        let objects = match event {
            Event::Apply(object) | Event::Delete(object) => vec![Arc::new(object)],
            Event::Init | Event::InitApply(_) => Vec::new(),
            Event::InitDone => store.state(),
        };
        stream::iter(objects.into_iter().map(|object| Ok(Arc::unwrap_or_clone(object))))
    });
    batches.try_flatten()
}

/// Logs the errors of a watch and leaves them out. kube restarts the watch by itself, after its back-off.
pub(crate) fn log_errors<T>(
    kind: &'static str,
    stream: impl Stream<Item = Result<T, watcher::Error>> + Send + 'static,
) -> impl Stream<Item = T> + Send + 'static
where
    T: Send + 'static,
{
    stream.filter_map(
        move |item| async move { item.inspect_err(|error| debug!(kind, %error, "restarting the watch")).ok() },
    )
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::Secret;
    use kube::ResourceExt;
    use kube::runtime::reflector::{self, ObjectRef};
    use serde_json::json;

    use super::*;
    use crate::api::{ALMServiceKey, ALMTenant};

    /// Maximum size of an object in etcd, in bytes.
    const LARGEST_OBJECT: u32 = 1_572_864;

    /// Memory that the operator needs with a thousand keys, in bytes.
    const ALL_ELSE: u32 = 32 * 1024 * 1024;

    // proves: limit cluster PAGE
    #[test]
    fn a_page_of_the_largest_objects_in_each_list_fits_into_the_memory_limit() {
        let deployment = std::fs::read_to_string("deploy/base/deployment.yaml").expect("the deployment");
        let limit = deployment.split("limits:").nth(1).and_then(|rest| rest.split_once("memory: ")).expect("a limit").1;
        let limit: u32 = limit.split_once("Mi").and_then(|(number, _)| number.parse().ok()).expect("MiB");
        assert_eq!(config().page_size, Some(PAGE));
        // The watches of ALMServiceKeys, Secrets and ServiceBindings, and the one list that reconciliations make at a
        // time: each page as text and decoded. The guard of our kinds buffers one object more, twice.
        let lists = 4 * 2 * PAGE * LARGEST_OBJECT;
        let guards = 2 * 2 * LARGEST_OBJECT;
        assert!(lists + guards + ALL_ELSE < limit * 1024 * 1024);
    }

    // proves: limit controller/watch MAX_ANNOTATION
    #[test]
    fn the_cache_keeps_only_our_annotations_of_an_object_and_a_kibibyte_of_each() {
        let kept = |length: usize| {
            let mut object: ALMServiceKey = serde_json::from_value(json!({
                "apiVersion": "almkey.dev/v1alpha1", "kind": "ALMServiceKey",
                "metadata": {
                    "name": "calm", "labels": { "a": "b" }, "managedFields": [{ "manager": "x" }],
                    "annotations": { annotation::RECONCILE_REQUESTED_AT: "w".repeat(length), "of.others/huge": "x" },
                },
                "spec": { "tenantRef": { "name": "t" }, "source": { "secretRef": { "name": "s" } } },
            }))
            .expect("an object");
            drop_unused_metadata(&mut object);
            assert!(object.labels().is_empty() && object.managed_fields().is_empty());
            assert_eq!(object.annotations().len(), 1);
            object.annotations()[annotation::RECONCILE_REQUESTED_AT].len()
        };
        assert_eq!((kept(MAX_ANNOTATION), kept(MAX_ANNOTATION + 1)), (MAX_ANNOTATION, MAX_ANNOTATION));
    }

    fn tenant(name: &str) -> ALMTenant {
        let http = json!({ "url": "u", "oauth2": { "tokenUrl": "t", "secretRef": { "name": "s" } } });
        let spec = json!({
            "identityZone": "z", "landscapeManagement": { "http": http }, "allowedNamespaces": ["n"],
        });
        let document = json!({
            "apiVersion": "almkey.dev/v1alpha1", "kind": "ALMTenant",
            "metadata": { "name": name, "uid": name }, "spec": spec,
        });
        serde_json::from_value(document).expect("a tenant")
    }

    /// Returns the events of a list of tenants.
    fn list<K>(tenants: impl IntoIterator<Item = K>) -> Vec<Event<K>> {
        let pages = tenants.into_iter().map(Event::InitApply);
        std::iter::once(Event::Init).chain(pages).chain([Event::InitDone]).collect()
    }

    #[tokio::test]
    async fn an_object_is_emitted_once_the_store_has_it_also_after_a_second_list() {
        let lists = [list(["known"].map(tenant)), list(["a", "b", "known"].map(tenant))].concat();
        let events = [lists, vec![Event::Delete(tenant("a"))]].concat();
        let (store, writer) = reflector::store();
        let events = stream::iter(events).map(Ok).reflect(writer);
        let known = store.clone();
        let emitted: Vec<(String, bool)> = emit_once_stored(store, events)
            .map_ok(|tenant| (tenant.name_any(), known.get(&ObjectRef::from_obj(&tenant)).is_some()))
            .try_collect()
            .await
            .expect("the watch does not fail");
        let (mut listed, last) = (emitted[..4].to_vec(), emitted[4..].to_vec());
        listed.sort();
        let names = ["a", "b", "known", "known"];
        assert_eq!(listed, names.map(|name| (name.to_owned(), true)));
        assert_eq!(last, [("a".to_owned(), false)], "its deletion");
    }

    /// Returns a tenant of a version that this one cannot decode.
    fn undecodable(name: &str) -> DeserializeGuard<ALMTenant> {
        let mut document = serde_json::to_value(tenant(name)).expect("JSON");
        document["status"] = json!({ "observedGeneration": 1, "slot": { "state": "CANARY", "since": "x" } });
        serde_json::from_value(document).expect("a guarded tenant")
    }

    #[tokio::test]
    async fn an_object_that_cannot_be_decoded_is_left_out_and_the_others_are_not() {
        let good = |name: &str| DeserializeGuard(Ok(tenant(name)));
        assert!(undecodable("new").0.is_err());
        let events = [
            list([good("a"), undecodable("new"), good("b")]),
            // Each of them was decoded before: its old state must not stay in the store.
            vec![Event::Apply(undecodable("a")), Event::Delete(undecodable("b"))],
            vec![
                Event::Apply(good("new")),
                Event::Apply(undecodable("unknown")),
                Event::Delete(undecodable("unknown")),
            ],
        ];
        let (store, writer) = reflector::store();
        let events = stream::iter(events.concat()).map(Ok);
        let events: Vec<String> = drop_undecodable(store.clone(), events)
            .reflect(writer)
            .map_ok(|event| match event {
                Event::Init => "init".into(),
                Event::InitDone => "listed".into(),
                Event::InitApply(tenant) | Event::Apply(tenant) => format!("+{}", tenant.name_any()),
                Event::Delete(tenant) => format!("-{}", tenant.name_any()),
            })
            .try_collect()
            .await
            .expect("the watch does not fail");
        assert_eq!(events, ["init", "+a", "+b", "listed", "-a", "-b", "+new"]);
        let names: Vec<String> = store.state().iter().map(|tenant| tenant.name_any()).collect();
        assert_eq!(names, ["new"]);
    }

    #[test]
    fn the_cache_keeps_no_annotations_of_a_secret() {
        let mut secret: PartialObjectMeta<Secret> = serde_json::from_value(json!({
            "apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata",
            "metadata": {
                "name": "calm", "managedFields": [{ "manager": "x" }],
                "annotations": { "kubectl.kubernetes.io/last-applied-configuration": "CANARY" },
            },
        }))
        .expect("an object");
        drop_annotations(&mut secret);
        let kept = serde_json::to_string(&secret).expect("JSON");
        assert!(!kept.contains("CANARY") && !kept.contains("manager"), "{kept}");
    }
}
