//! The person of a life in manual mode: it reads what it is asked for, does that in the app, and confirms it.
//!
//! The person does not crash. It takes the steps at their word, and keeps what it has read.

use std::collections::BTreeSet;
use std::pin::pin;

use alm_key_operator::api::action::ActionOperation;
use alm_key_operator::api::{ALMServiceKey, ALMTenant};
use futures::TryStreamExt;
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt;
use kube::runtime::{WatchStreamExt, watcher};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::requests::{Request, Requests};
use crate::bed::Tenant;
use crate::bed::key::condition;
use crate::bed::manual::{CONFIRMATION, answer, confirmation, removal};

/// Deeds that the steps must not lead to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Deeds {
    /// Number of uploads of a key that had been uploaded before.
    pub(super) double_uploads: usize,
    /// Number of requests whose steps let a person delete a key that is wanted, or one that is not the object's.
    pub(super) wrong_deletes: usize,
}

/// A person with access to the app of one tenant.
pub(super) struct Person<'a> {
    tenant: Tenant<'a>,
    /// Name of the `ALMServiceKey`.
    object: &'static str,
    /// Name of the Secret that holds its key.
    source: &'static str,
    /// True while the operator is away. The person waits then, and acts on what it has read before.
    disturbance: watch::Receiver<bool>,
    requests: Requests,
    /// Fingerprints of the keys that the person has uploaded.
    uploaded: BTreeSet<String>,
    /// The confirmation that has no answer yet, and the ID of its request.
    unanswered: Option<(String, String)>,
    /// IDs whose confirmation was recorded.
    confirmed: BTreeSet<String>,
    /// The message of an ignored confirmation, until there is a request again.
    ignored: Option<String>,
    pub(super) deeds: Deeds,
}

impl<'a> Person<'a> {
    pub(super) fn new(
        tenant: Tenant<'a>,
        object: &'static str,
        source: &'static str,
        disturbance: watch::Receiver<bool>,
    ) -> Self {
        Self {
            tenant,
            object,
            source,
            disturbance,
            requests: Requests::default(),
            uploaded: BTreeSet::new(),
            unanswered: None,
            confirmed: BTreeSet::new(),
            ignored: None,
            deeds: Deeds::default(),
        }
    }

    /// Serves the object until it is gone, and only then the tenant: a deletion does not wait for this person. Never ends.
    pub(super) async fn serve(&mut self) {
        self.serve_object().await;
        self.unanswered = None;
        self.serve_tenant().await;
    }

    async fn serve_object(&mut self) {
        let config = watcher::Config::default().fields(&format!("metadata.name={}", self.object));
        let mut events = pin!(watcher(self.tenant.keys(), config).default_backoff());
        while let Some(event) = events.try_next().await.expect("ALMServiceKeys can be watched") {
            match event {
                watcher::Event::Apply(object) | watcher::Event::InitApply(object) => self.read_object(&object).await,
                watcher::Event::Delete(_) => return,
                watcher::Event::Init | watcher::Event::InitDone => {}
            }
        }
    }

    async fn serve_tenant(&mut self) {
        let config = watcher::Config::default().fields(&format!("metadata.name={}", self.tenant.name));
        let mut tenants = pin!(watcher(self.tenant.tenants(), config).default_backoff().applied_objects());
        while let Some(tenant) = tenants.try_next().await.expect("ALMTenants can be watched") {
            self.read_tenant(&tenant).await;
        }
    }

    /// Reads an object, and does what it asks for.
    async fn read_object(&mut self, object: &ALMServiceKey) {
        if object.metadata.deletion_timestamp.is_some() {
            return;
        }
        let request = requested(object);
        if let Some(request) = &request {
            self.keep(request).await;
        }
        let last = object.status.as_ref().and_then(|status| status.last_confirmation.as_ref());
        if self.is_waiting(|value| answer(last, value)) {
            return;
        }
        let is_uploaded = condition(object, "Ready") == ("True".into(), "Uploaded".into());
        if let (Some(message), true, None) = (&self.ignored, is_uploaded, &request) {
            panic!("a confirmation was ignored although nothing is left to confirm: {message}");
        }
        // A status may still show a request that was confirmed.
        let Some(request) = request.filter(|request| !self.confirmed.contains(&request.id)) else { return };
        self.ignored = None;
        self.await_operator().await;
        if self.carry_out(&request).await {
            let statement = match (request.operation, &request.fingerprints[..]) {
                // A file was compared.
                (ActionOperation::Replace, [fingerprint]) => json!({ "doneWith": fingerprint }),
                _ => json!({ "done": request.id }),
            };
            let value = confirmation(object.uid().as_deref(), statement);
            if self.annotate_object(&value).await {
                self.unanswered = Some((value, request.id));
            }
        }
    }

    /// Writes the confirmation of an object. Returns false if the object was deleted meanwhile: the person confirms nothing
    /// then, so that the operator has to know what it has asked for.
    async fn annotate_object(&self, value: &str) -> bool {
        let object = self.tenant.keys().get_opt(self.object).await.expect("ALMServiceKeys can be read");
        let exists = object.is_some_and(|object| object.metadata.deletion_timestamp.is_none());
        if exists {
            self.tenant.annotate(self.object, CONFIRMATION, value).await;
        }
        exists
    }

    /// Reads the tenant, and deletes the key of the object that is gone.
    async fn read_tenant(&mut self, tenant: &ALMTenant) {
        let request = removal(tenant).map(Request::from);
        if let Some(request) = &request {
            self.keep(request).await;
        }
        let last = tenant.status.as_ref().and_then(|status| status.last_confirmation.as_ref());
        if self.is_waiting(|value| answer(last, value)) {
            return;
        }
        // A status may still show a request that was confirmed.
        let Some(request) = request.filter(|request| !self.confirmed.contains(&request.id)) else { return };
        self.await_operator().await;
        self.delete_listed(&request).await;
        let value = confirmation(tenant.uid().as_deref(), json!({ "done": request.id, "by": "admin" }));
        self.tenant.patch_tenant(json!({ "metadata": { "annotations": { CONFIRMATION: value } } })).await;
        self.unanswered = Some((value, request.id));
    }

    /// Waits while the operator is away, so that its successor has to know the request.
    async fn await_operator(&mut self) {
        self.disturbance.wait_for(|is_disturbed| !is_disturbed).await.expect("the run goes on");
    }

    /// Returns true if the last confirmation has no answer yet. One that was ignored is forgotten: the person reads again.
    fn is_waiting(&mut self, answer: impl FnOnce(&str) -> Option<Result<(), String>>) -> bool {
        let Some((value, id)) = self.unanswered.take() else { return false };
        match answer(&value) {
            None => self.unanswered = Some((value, id)),
            Some(Ok(())) => {
                self.confirmed.insert(id);
            }
            Some(Err(message)) => self.ignored = Some(message),
        }
        self.unanswered.is_some()
    }

    /// Does in the app what an object asks for. Returns false if the person has to stop.
    async fn carry_out(&mut self, request: &Request) -> bool {
        let Request { operation, fingerprints, .. } = request;
        let [wanted] = &fingerprints[..] else { panic!("{operation:?} names no key") };
        assert_ne!(*operation, ActionOperation::Delete, "a person was asked to delete the key of a living object");
        let key = self.download().await;
        if self.tenant.fingerprint(&key) != *wanted {
            // The source was rotated meanwhile, and there will be another request.
            return false;
        }
        let present = self.present().await;
        if present.as_ref() == Some(wanted) {
            // The person has uploaded it for an earlier request.
            return true;
        }
        if present.is_some() {
            assert_eq!(*operation, ActionOperation::Replace, "asked to upload a key into a slot with another one");
            self.delete_listed(request).await;
        }
        self.deeds.double_uploads += usize::from(!self.uploaded.insert(wanted.clone()));
        self.tenant.fill_slot(&key, None).await;
        true
    }

    /// Keeps a request. Its steps must list no key for deletion but those that were uploaded for the object, and never the
    /// key that is to come. The key of a source whose object is gone may be listed although no person has read the request
    /// to upload it.
    async fn keep(&mut self, request: &Request) {
        self.requests.keep(request);
        let Request { operation, fingerprints, deletable, .. } = request;
        let mut allowed = self.uploaded.clone();
        if *operation == ActionOperation::Delete {
            allowed.insert(self.tenant.fingerprint(&self.download().await));
        } else {
            allowed.retain(|key| !fingerprints.contains(key));
        }
        self.deeds.wrong_deletes += usize::from(!deletable.iter().all(|key| allowed.contains(key)));
    }

    /// Deletes the key in the app, if there is one: the steps must list it.
    async fn delete_listed(&mut self, request: &Request) {
        let Request { operation, deletable, .. } = request;
        let Some(present) = self.present().await else { return };
        assert!(
            deletable.contains(&present),
            "the steps of {operation:?} do not list the key in the app: {deletable:?}"
        );
        self.deeds.wrong_deletes += usize::from(!self.uploaded.contains(&present));
        self.tenant.empty_slot().await;
    }

    /// Returns the fingerprint of the key in the app.
    async fn present(&self) -> Option<String> {
        let key = self.tenant.slot_key().await;
        (!key.is_null()).then(|| self.tenant.fingerprint(&key))
    }

    /// Returns the key of the source, as `almkey download` prints it.
    async fn download(&self) -> Value {
        let secret: Secret = self.tenant.secrets().get(self.source).await.expect("the Secret of the source");
        let data = secret.data.expect("a Secret with data");
        let part = |name: &str| serde_json::from_slice::<Value>(&data[name].0).expect("JSON");
        json!({ "uaa": part("uaa"), "endpoints": part("endpoints") })
    }
}

/// Returns the request of an object, once its conditions say so too.
fn requested(object: &ALMServiceKey) -> Option<Request> {
    let (_, reason) = condition(object, "Ready");
    let action = object.status.as_ref()?.action.clone()?;
    (reason == "ActionRequired").then(|| action.into())
}
