//! Actions of a platform team: writes and reads of `ALMServiceKey`s.

use alm_key_operator::api::ALMServiceKey;
use alm_key_operator::domain::policy::{HostList, KeyRules};
use alm_key_operator::domain::service_key::ServiceKey;
use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::events::v1::Event;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, ResourceExt};
use serde_json::{Value, json};

use super::Tenant;
use super::tenant::create;
use super::waiting::{WAIT_LIMIT, wait_for, wait_until_gone};

impl Tenant<'_> {
    /// Returns the API of the namespace's `ALMServiceKey`s.
    pub fn keys(&self) -> Api<ALMServiceKey> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// Creates an object whose source is a plain Secret.
    pub async fn apply_for_secret(&self, name: &str, secret: &str) -> ALMServiceKey {
        self.apply(name, json!({ "source": { "secretRef": { "name": secret } } })).await
    }

    /// Creates an object whose source is a binding.
    pub async fn apply_for_binding(&self, name: &str, binding: &str) -> ALMServiceKey {
        self.apply(name, json!({ "source": { "serviceBindingRef": { "name": binding } } })).await
    }

    /// Creates an object with this spec, for this tenant.
    pub async fn apply(&self, name: &str, mut spec: Value) -> ALMServiceKey {
        spec["tenantRef"] = json!({ "name": self.name });
        let document = json!({
            "apiVersion": "almkey.dev/v1alpha1", "kind": "ALMServiceKey",
            "metadata": { "name": name }, "spec": spec,
        });
        create(&self.keys(), document).await
    }

    /// Changes an object by a merge patch.
    pub async fn patch(&self, name: &str, patch: Value) -> ALMServiceKey {
        self.keys()
            .patch(name, &PatchParams::default(), &Patch::Merge(&patch))
            .await
            .expect("the object can be patched")
    }

    /// Writes an annotation of an object.
    pub async fn annotate(&self, name: &str, annotation: &str, value: &str) {
        self.patch(name, json!({ "metadata": { "annotations": { annotation: value } } })).await;
    }

    /// Requests a reconciliation of an object, and waits until it is done.
    pub async fn reconcile_now(&self, name: &str, request: &str) -> ALMServiceKey {
        self.annotate(name, "almkey.dev/reconcile-requested-at", request).await;
        self.await_key(name, &format!("reconciled for {request}"), |key| {
            key.status.as_ref().and_then(|status| status.last_handled_reconcile_at.as_deref()) == Some(request)
        })
        .await
    }

    /// Deletes an object and waits until it no longer exists.
    pub async fn delete(&self, name: &str) {
        self.begin_deletion(name).await;
        self.await_gone(name).await;
    }

    /// Deletes an object. Its finalizer may keep it for a while.
    pub async fn begin_deletion(&self, name: &str) {
        self.keys().delete(name, &DeleteParams::default()).await.expect("the object can be deleted");
    }

    /// Waits until an object no longer exists.
    pub async fn await_gone(&self, name: &str) {
        wait_until_gone(self.keys(), name).await;
    }

    /// Waits until `Ready` has this status and reason for the current generation.
    pub async fn await_ready(&self, name: &str, status: &str, reason: &str) -> ALMServiceKey {
        self.await_key(name, &format!("Ready={status}/{reason}"), |key| {
            let observed = key.status.as_ref().map(|status| status.observed_generation);
            observed == key.metadata.generation && condition(key, "Ready") == (status.into(), reason.into())
        })
        .await
    }

    /// Waits until the ledger of an object names the client of `key`.
    pub async fn await_uploaded(&self, name: &str, key: &Value) -> ALMServiceKey {
        self.await_key(name, "uploaded with the expected client", |object| {
            let uploaded = object.status.as_ref().and_then(|status| status.uploaded.as_ref());
            uploaded.is_some_and(|uploaded| uploaded.client_id == key["uaa"]["clientid"])
        })
        .await
    }

    /// Waits until an object satisfies a predicate.
    pub async fn await_key(&self, name: &str, what: &str, predicate: impl Fn(&ALMServiceKey) -> bool) -> ALMServiceKey {
        let watch = watcher(self.keys(), watcher::Config::default().fields(&format!("metadata.name={name}")));
        let mut objects = watch.default_backoff().applied_objects().boxed();
        let mut last = None;
        let result = tokio::time::timeout(WAIT_LIMIT, async {
            while let Some(key) = objects.try_next().await.expect("ALMServiceKeys can be watched") {
                if predicate(&key) {
                    return Some(key);
                }
                last = Some(key);
            }
            None
        })
        .await;
        match result {
            Ok(Some(key)) => key,
            _ => panic!("{}/{name} never was {what}; last: {}", self.name, describe(last.as_ref())),
        }
    }

    /// Waits for an Event with this reason about an object.
    pub async fn await_event(&self, name: &str, reason: &str) -> Event {
        let events: Api<Event> = Api::namespaced(self.client.clone(), &self.namespace);
        let mut events = watcher(events, watcher::Config::default()).default_backoff().applied_objects().boxed();
        wait_for(&format!("the Event {reason} about {name}"), async {
            while let Some(event) = events.try_next().await.expect("Events can be watched") {
                let about = event.regarding.as_ref().and_then(|object| object.name.as_deref());
                if about == Some(name) && event.reason.as_deref() == Some(reason) {
                    return event;
                }
            }
            panic!("the watch of Events ended")
        })
        .await
    }

    /// Returns the fingerprint of a key, computed from the document itself.
    pub fn fingerprint(&self, key: &Value) -> String {
        self.parse(key).fingerprint().as_str().to_owned()
    }

    /// Returns the fingerprint of a key's document.
    pub fn document_fingerprint(&self, key: &Value) -> String {
        self.parse(key).document_fingerprint().as_str().to_owned()
    }

    fn parse(&self, key: &Value) -> ServiceKey {
        let rules = KeyRules {
            identity_zone: Some(self.name.clone()),
            accepted_credential_types: ["instance-secret", "binding-secret"].map(str::to_owned).to_vec(),
            token_hosts: Some(HostList::new(vec![format!("*.authentication.localhost:{}", self.bed.simulator.port)])),
            endpoint_hosts: None,
            accepted_services: Some(Vec::new()),
        };
        ServiceKey::parse(key.to_string().as_bytes(), &rules).expect("a key of this tenant")
    }

    /// Returns the Events about an object.
    pub async fn events(&self, name: &str) -> Vec<Event> {
        let events: Api<Event> = Api::namespaced(self.client.clone(), &self.namespace);
        let all = events.list(&ListParams::default()).await.expect("Events can be read");
        let about = |event: &Event| event.regarding.as_ref().and_then(|object| object.name.as_deref()) == Some(name);
        all.items.into_iter().filter(about).collect()
    }
}

/// Returns status and reason of a condition; both are empty if the condition is absent.
pub fn condition(key: &ALMServiceKey, kind: &str) -> (String, String) {
    let mut conditions = key.status.iter().flat_map(|status| &status.conditions);
    let condition = conditions.find(|condition| condition.type_ == kind);
    condition.map(|condition| (condition.status.clone(), condition.reason.clone())).unwrap_or_default()
}

/// Returns the message of a condition; empty if the condition is absent.
pub fn message(key: &ALMServiceKey, kind: &str) -> String {
    let mut conditions = key.status.iter().flat_map(|status| &status.conditions);
    let condition = conditions.find(|condition| condition.type_ == kind);
    condition.map(|condition| condition.message.clone()).unwrap_or_default()
}

fn describe(key: Option<&ALMServiceKey>) -> String {
    match key {
        None => "never seen".into(),
        Some(key) => {
            let status = serde_json::to_string_pretty(&key.status).unwrap_or_default();
            format!("generation {:?}, version {:?}, {status}", key.metadata.generation, key.resource_version())
        }
    }
}
