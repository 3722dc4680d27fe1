//! The watches of the objects in the operator's namespace that tenants can name. They receive metadata only.
//!
//! One watch serves both controllers: a connection trusts the version that is recorded here, so it must be recorded
//! before either of them is triggered.

use std::collections::HashSet;
use std::sync::Arc;

use futures::StreamExt;
use futures::stream::{self, BoxStream};
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::api::PartialObjectMeta;
use kube::runtime::reflector::Store;
use kube::runtime::watcher::Event;
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client, Resource, ResourceExt};
use serde::de::DeserializeOwned;

use super::references::{Reference, ReferenceVersions, tenants_naming};
use super::watch::{config, drop_annotations, log_errors};
use crate::api::ALMTenant;
use crate::api::tenant::ObjectKind;

/// Starts the watches. They emit the names of the tenants that a change concerns, once its version is recorded.
pub(crate) fn start(
    client: &Client,
    namespace: &str,
    tenants: &Store<ALMTenant>,
    versions: &Arc<ReferenceVersions>,
) -> BoxStream<'static, Vec<String>> {
    let secrets = Api::<PartialObjectMeta<Secret>>::namespaced(client.clone(), namespace);
    let config_maps = Api::<PartialObjectMeta<ConfigMap>>::namespaced(client.clone(), namespace);
    let changes = stream::select(
        changes("credentials", ObjectKind::Secret, secrets, Arc::clone(versions)),
        changes("CA bundles", ObjectKind::ConfigMap, config_maps, Arc::clone(versions)),
    );
    let tenants = tenants.clone();
    changes.map(move |objects| objects.iter().flat_map(|object| tenants_naming(&tenants, object)).collect()).boxed()
}

/// Watches the objects of a kind. Records their versions, and emits those that have changed.
fn changes<K>(
    watch: &'static str,
    kind: ObjectKind,
    api: Api<PartialObjectMeta<K>>,
    versions: Arc<ReferenceVersions>,
) -> BoxStream<'static, Vec<Reference>>
where
    K: Resource<DynamicType = ()> + Send + Sync + 'static,
    PartialObjectMeta<K>: Clone + DeserializeOwned + std::fmt::Debug,
{
    let events = watcher(api, config()).default_backoff().modify(drop_annotations);
    let mut listed = HashSet::new();
    log_errors(watch, events).map(move |event| record(event, kind, &mut listed, &versions)).boxed()
}

/// Records an event. Returns the objects that have changed.
fn record<K>(
    event: Event<PartialObjectMeta<K>>,
    kind: ObjectKind,
    listed: &mut HashSet<Reference>,
    versions: &ReferenceVersions,
) -> Vec<Reference>
where
    K: Resource<DynamicType = ()>,
{
    let reference = |object: &PartialObjectMeta<K>| Reference { kind, name: object.name_any() };
    match event {
        Event::Init => {
            listed.clear();
            Vec::new()
        }
        Event::InitApply(object) => {
            listed.insert(reference(&object));
            versions.record(&reference(&object), object.resource_version());
            vec![reference(&object)]
        }
        // A deletion that happened while the watch was down has no event.
        Event::InitDone => {
            let listed = std::mem::take(listed);
            versions.retain(|known| known.kind != kind || listed.contains(known))
        }
        Event::Apply(object) => {
            versions.record(&reference(&object), object.resource_version());
            vec![reference(&object)]
        }
        Event::Delete(object) => {
            versions.record(&reference(&object), None);
            vec![reference(&object)]
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(name: &str, version: &str) -> PartialObjectMeta<ConfigMap> {
        serde_json::from_value(json!({
            "apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata",
            "metadata": { "name": name, "namespace": "n", "resourceVersion": version },
        }))
        .expect("metadata")
    }

    #[test]
    fn versions_follow_the_watch_and_a_second_list_drops_what_is_gone() {
        let (versions, mut listed) = (ReferenceVersions::default(), HashSet::new());
        let bundle = |name: &str| Reference { kind: ObjectKind::ConfigMap, name: name.into() };
        let secret = Reference { kind: ObjectKind::Secret, name: "gone".into() };
        versions.record(&secret, Some("1".into()));
        let mut observe = |event| record(event, ObjectKind::ConfigMap, &mut listed, &versions);
        let latest = |name: &str| versions.latest(&bundle(name));

        assert!(observe(Event::Init).is_empty());
        assert_eq!(observe(Event::InitApply(object("kept", "2"))), [bundle("kept")]);
        assert_eq!(observe(Event::InitApply(object("gone", "3"))), [bundle("gone")]);
        assert!(observe(Event::InitDone).is_empty());
        assert_eq!(observe(Event::Apply(object("kept", "4"))), [bundle("kept")]);
        assert_eq!((latest("kept"), latest("gone")), ("4".into(), "3".into()));

        assert!(observe(Event::Init).is_empty());
        assert_eq!(observe(Event::InitApply(object("kept", "4"))), [bundle("kept")]);
        assert_eq!(observe(Event::InitDone), [bundle("gone")], "deleted while the watch was down");
        assert_eq!((latest("kept"), latest("gone")), ("4".into(), String::new()));
        assert_eq!(versions.latest(&secret), "1", "an object of another kind");

        assert_eq!(observe(Event::Delete(object("kept", "5"))), [bundle("kept")]);
        assert_eq!(latest("kept"), "");
    }
}
