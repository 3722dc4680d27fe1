//! `ALMServiceKey`s, as a platform team writes and reads them.

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
use super::cluster::patiently;
use super::tenant::create;
use super::waiting::gone;

impl Tenant<'_> {
    /// The `ALMServiceKey`s of the namespace.
    pub fn keys(&self) -> Api<ALMServiceKey> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// Applies one for a plain Secret.
    pub async fn apply_for_secret(&self, name: &str, secret: &str) -> ALMServiceKey {
        self.apply(name, json!({ "source": { "secretRef": { "name": secret } } })).await
    }

    /// Applies one for a binding.
    pub async fn apply_for_binding(&self, name: &str, binding: &str) -> ALMServiceKey {
        self.apply(name, json!({ "source": { "serviceBindingRef": { "name": binding } } })).await
    }

    /// Applies one with this spec, for this tenant.
    pub async fn apply(&self, name: &str, mut spec: Value) -> ALMServiceKey {
        spec["tenantRef"] = json!({ "name": self.name });
        let document = json!({
            "apiVersion": "almkey.dev/v1alpha1", "kind": "ALMServiceKey",
            "metadata": { "name": name }, "spec": spec,
        });
        create(&self.keys(), document).await
    }

    /// Changes one.
    pub async fn patch(&self, name: &str, patch: Value) -> ALMServiceKey {
        self.keys().patch(name, &PatchParams::default(), &Patch::Merge(&patch)).await.expect("it can be changed")
    }

    /// Writes an annotation on one.
    pub async fn annotate(&self, name: &str, annotation: &str, value: &str) {
        self.patch(name, json!({ "metadata": { "annotations": { annotation: value } } })).await;
    }

    /// Asks for a pass over one now, and waits until it has been made.
    pub async fn look_now(&self, name: &str, word: &str) -> ALMServiceKey {
        self.annotate(name, "almkey.dev/reconcile-requested-at", word).await;
        self.await_key(name, &format!("looked at for {word}"), |key| {
            key.status.as_ref().and_then(|status| status.last_handled_reconcile_at.as_deref()) == Some(word)
        })
        .await
    }

    /// Deletes one and waits until it has gone.
    pub async fn delete(&self, name: &str) {
        self.begin_deletion(name).await;
        self.await_gone(name).await;
    }

    /// Deletes one; it may stay for its finalizer.
    pub async fn begin_deletion(&self, name: &str) {
        self.keys().delete(name, &DeleteParams::default()).await.expect("it can be deleted");
    }

    /// Waits until one has gone.
    pub async fn await_gone(&self, name: &str) {
        gone(self.keys(), name).await;
    }

    /// Waits until `Ready` has this status and reason, for the generation that stands.
    pub async fn await_ready(&self, name: &str, status: &str, reason: &str) -> ALMServiceKey {
        self.await_key(name, &format!("Ready={status}/{reason}"), |key| {
            let seen = key.status.as_ref().map(|status| status.observed_generation);
            seen == key.metadata.generation && condition(key, "Ready") == (status.into(), reason.into())
        })
        .await
    }

    /// Waits until the ledger of one names the client of `key`.
    pub async fn await_uploaded(&self, name: &str, key: &Value) -> ALMServiceKey {
        self.await_key(name, "uploaded anew", |object| {
            let uploaded = object.status.as_ref().and_then(|status| status.uploaded.as_ref());
            uploaded.is_some_and(|uploaded| uploaded.client_id == key["uaa"]["clientid"])
        })
        .await
    }

    /// Waits until one is as wanted.
    pub async fn await_key(&self, name: &str, what: &str, wanted: impl Fn(&ALMServiceKey) -> bool) -> ALMServiceKey {
        let watch = watcher(self.keys(), watcher::Config::default().fields(&format!("metadata.name={name}")));
        let mut objects = watch.default_backoff().applied_objects().boxed();
        let mut last = None;
        let found = tokio::time::timeout(super::WAIT_LIMIT, async {
            while let Some(key) = objects.try_next().await.expect("it can be watched") {
                if wanted(&key) {
                    return Some(key);
                }
                last = Some(key);
            }
            None
        })
        .await;
        match found {
            Ok(Some(key)) => key,
            _ => panic!("{}/{name} never was {what}; last: {}", self.name, told(last.as_ref())),
        }
    }

    /// Waits for an Event with this reason about one.
    pub async fn await_event(&self, name: &str, reason: &str) -> Event {
        let events: Api<Event> = Api::namespaced(self.client.clone(), &self.namespace);
        let mut events = watcher(events, watcher::Config::default()).default_backoff().applied_objects().boxed();
        patiently(&format!("the Event {reason} about {name}"), async {
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

    /// The fingerprint of a key, by the document itself.
    pub fn fingerprint(&self, key: &Value) -> String {
        let rules = KeyRules {
            identity_zone: Some(self.name.clone()),
            accepted_credential_types: ["instance-secret", "binding-secret"].map(str::to_owned).to_vec(),
            token_hosts: Some(HostList::new(vec![format!("*.authentication.localhost:{}", self.bed.simulator.port)])),
            endpoint_hosts: None,
        };
        let key = ServiceKey::parse(key.to_string().as_bytes(), &rules).expect("a key of this tenant");
        key.fingerprint().as_str().to_owned()
    }

    /// The Events about one.
    pub async fn events(&self, name: &str) -> Vec<Event> {
        let events: Api<Event> = Api::namespaced(self.client.clone(), &self.namespace);
        let all = events.list(&ListParams::default()).await.expect("Events can be read");
        let about = |event: &Event| event.regarding.as_ref().and_then(|object| object.name.as_deref()) == Some(name);
        all.items.into_iter().filter(about).collect()
    }
}

/// Status and reason of a condition; empty if it is not there.
pub fn condition(key: &ALMServiceKey, kind: &str) -> (String, String) {
    let found = key.status.iter().flat_map(|status| &status.conditions).find(|found| found.type_ == kind);
    found.map(|found| (found.status.clone(), found.reason.clone())).unwrap_or_default()
}

/// Message of a condition; empty if it is not there.
pub fn message(key: &ALMServiceKey, kind: &str) -> String {
    let found = key.status.iter().flat_map(|status| &status.conditions).find(|found| found.type_ == kind);
    found.map(|found| found.message.clone()).unwrap_or_default()
}

fn told(key: Option<&ALMServiceKey>) -> String {
    match key {
        None => "never seen".into(),
        Some(key) => {
            let status = serde_json::to_string_pretty(&key.status).unwrap_or_default();
            format!("generation {:?}, version {:?}, {status}", key.metadata.generation, key.resource_version())
        }
    }
}
