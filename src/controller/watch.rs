//! What all watches have in common.

use std::hash::Hash;
use std::sync::Arc;

use futures::{Stream, StreamExt, TryStreamExt, stream};
use k8s_openapi::api::core::v1::Secret;
use kube::Resource;
use kube::api::PartialObjectMeta;
use kube::runtime::reflector::{Lookup, Store};
use kube::runtime::watcher::{self, Config, Event};
use tracing::debug;

use crate::cluster::PAGE;
use crate::names::annotation;

/// Longest value of an annotation of ours that is kept, in bytes: a uid, or a word of 256 characters.
const LONGEST_WORD: usize = 1024;

/// How everything is listed and watched.
pub(crate) fn config() -> Config {
    Config::default().page_size(PAGE)
}

/// Annotations may hold the very values (`last-applied-configuration`), and nobody here needs them.
pub(crate) fn drop_annotations(secret: &mut PartialObjectMeta<Secret>) {
    secret.metadata.annotations = None;
    secret.metadata.managed_fields = None;
}

/// What is kept of an object of ours: others write labels and annotations, which nobody here needs, without a bound.
pub(crate) fn drop_unused_metadata<K: Resource>(object: &mut K) {
    let metadata = object.meta_mut();
    (metadata.managed_fields, metadata.labels, metadata.owner_references) = (None, None, None);
    if let Some(annotations) = &mut metadata.annotations {
        annotations
            .retain(|name, _| [annotation::ABANDON, annotation::RECONCILE_REQUESTED_AT].contains(&name.as_str()));
        for value in annotations.values_mut() {
            value.truncate(value.floor_char_boundary(LONGEST_WORD));
        }
    }
}

/// What a watch tells of, each object once the store has it. A list that is begun anew comes in pages, and the store has
/// none of its objects before the last page: a pass over one that was told of earlier would not find it, and not be tried
/// again.
pub(crate) fn stored<K>(
    store: Store<K>,
    events: impl Stream<Item = Result<Event<K>, watcher::Error>>,
) -> impl Stream<Item = Result<K, watcher::Error>>
where
    K: Lookup + Clone + 'static,
    K::DynamicType: Eq + Hash + Clone,
{
    let told = events.map_ok(move |event| {
        let objects = match event {
            Event::Apply(object) | Event::Delete(object) => vec![Arc::new(object)],
            Event::Init | Event::InitApply(_) => Vec::new(),
            Event::InitDone => store.state(),
        };
        stream::iter(objects.into_iter().map(|object| Ok(Arc::unwrap_or_clone(object))))
    });
    told.try_flatten()
}

/// A watch that fails is begun anew by kube, after its own pause; here it is only told.
pub(crate) fn logged<T>(
    kind: &'static str,
    stream: impl Stream<Item = Result<T, watcher::Error>> + Send + 'static,
) -> impl Stream<Item = T> + Send + 'static
where
    T: Send + 'static,
{
    stream.filter_map(move |item| async move {
        item.inspect_err(|error| debug!(kind, %error, "the watch is begun anew")).ok()
    })
}

#[cfg(test)]
mod tests {
    use kube::ResourceExt;
    use kube::runtime::WatchStreamExt;
    use kube::runtime::reflector::{self, ObjectRef};
    use serde_json::json;

    use super::*;
    use crate::api::{ALMServiceKey, ALMTenant};

    /// What etcd takes at most, in bytes.
    const LARGEST_OBJECT: u32 = 1_572_864;

    /// What the operator may have with a thousand keys, in bytes.
    const ALL_ELSE: u32 = 32 * 1024 * 1024;

    // proves: limit cluster PAGE
    #[test]
    fn all_lists_of_the_largest_objects_at_once_fit_into_the_memory_that_the_deployment_allows() {
        let deployment = std::fs::read_to_string("deploy/base/deployment.yaml").expect("the deployment");
        let limit =
            deployment.split("limits:").nth(1).and_then(|rest| rest.split_once("memory: ")).expect("a limit").1;
        let limit: u32 = limit.split_once("Mi").and_then(|(number, _)| number.parse().ok()).expect("MiB");
        assert_eq!(config().page_size, Some(PAGE));
        // The watches of ALMServiceKeys, Secrets and ServiceBindings, and the one list that passes make at a time; each
        // as text and as what was read of it.
        let lists = 4 * 2 * PAGE * LARGEST_OBJECT;
        assert!(lists + ALL_ELSE < limit * 1024 * 1024);
    }

    // proves: limit controller/watch LONGEST_WORD
    #[test]
    fn of_an_object_in_the_cache_only_what_is_ours_is_kept_and_no_more_than_a_kibibyte_of_it() {
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
        assert_eq!((kept(LONGEST_WORD), kept(LONGEST_WORD + 1)), (LONGEST_WORD, LONGEST_WORD));
    }

    #[tokio::test]
    async fn an_object_is_told_of_once_the_store_has_it_in_a_list_that_is_begun_anew_too() {
        let tenant = |name: &str| -> ALMTenant {
            let http = json!({ "url": "u", "oauth2": { "tokenUrl": "t", "secretRef": { "name": "s" } } });
            let spec = json!({
                "identityZone": "z", "landscapeManagement": { "http": http }, "allowedNamespaces": ["n"],
            });
            let document = json!({
                "apiVersion": "almkey.dev/v1alpha1", "kind": "ALMTenant", "metadata": { "name": name }, "spec": spec,
            });
            serde_json::from_value(document).expect("a tenant")
        };
        let begun = |names: &[&str]| {
            let pages = names.iter().map(|name| Event::InitApply(tenant(name)));
            [vec![Event::Init], pages.collect(), vec![Event::InitDone]].concat()
        };
        let events = [begun(&["known"]), begun(&["a", "b", "known"]), vec![Event::Delete(tenant("a"))]].concat();
        let (store, writer) = reflector::store();
        let events = stream::iter(events).map(Ok).reflect(writer);
        let known = store.clone();
        let told: Vec<(String, bool)> = stored(store, events)
            .map_ok(|tenant| (tenant.name_any(), known.get(&ObjectRef::from_obj(&tenant)).is_some()))
            .try_collect()
            .await
            .expect("no watch fails");
        let (mut listed, last) = (told[..4].to_vec(), told[4..].to_vec());
        listed.sort();
        let names = ["a", "b", "known", "known"];
        assert_eq!(listed, names.map(|name| (name.to_owned(), true)));
        assert_eq!(last, [("a".to_owned(), false)], "its deletion");
    }

    #[test]
    fn nothing_of_a_secret_is_kept_but_what_names_it() {
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
