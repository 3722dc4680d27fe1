//! Plays the recording of the real SAP BTP service operator into the API server.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use super::Tenant;
use super::cluster::package;
use super::tenant::{create, from_json};

/// The identity zone in the recording.
const RECORDED_ZONE: &str = "acme-calm";

/// Speed of a replay.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// Full speed: each step follows the answer to the last one.
    Fast,
    /// The recorded times.
    Recorded,
}

/// A recording on its way into a tenant's namespace.
pub struct Replay<'a> {
    tenant: &'a Tenant<'a>,
    pace: Pace,
    lines: std::vec::IntoIter<Value>,
    started: Option<(Instant, f64)>,
    uids: HashMap<String, String>,
    keys: HashMap<String, Value>,
}

impl<'a> Replay<'a> {
    /// Opens the recording at its beginning.
    pub fn new(tenant: &'a Tenant<'a>, pace: Pace) -> Self {
        let text = std::fs::read_to_string(package().join("tests/data/sap-btp-service-operator.jsonl"))
            .expect("the recording");
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        Self { tenant, pace, lines: lines.into_iter(), started: None, uids: HashMap::new(), keys: HashMap::new() }
    }

    /// Plays up to the next mark and returns it: the action that follows. Returns none at the end.
    pub async fn next_mark(&mut self) -> Option<String> {
        while let Some(line) = self.lines.next() {
            if let Some(mark) = line["mark"].as_str() {
                return Some(mark.to_owned());
            }
            self.keep_pace(line["at"].as_f64().expect("a time")).await;
            self.play(line["type"].as_str().expect("a type"), &line["object"]).await;
        }
        None
    }

    /// Returns the key that the Secret of this name held last.
    pub fn key(&self, secret: &str) -> &Value {
        &self.keys[secret]
    }

    async fn keep_pace(&mut self, at: f64) {
        let (started, first) = *self.started.get_or_insert((Instant::now(), at));
        if self.pace == Pace::Recorded {
            let due = started + Duration::from_secs_f64(at - first);
            tokio::time::sleep_until(due.into()).await;
        }
    }

    async fn play(&mut self, event: &str, object: &Value) {
        match (object["kind"].as_str(), event) {
            (Some("ServiceBinding"), "ADDED") => self.binding_added(object).await,
            (Some("ServiceBinding"), "MODIFIED") => self.binding_modified(object).await,
            (Some("ServiceBinding"), _) => self.tenant.remove_binding_finalizer(name(object)).await,
            (Some("Secret"), "DELETED") => self.tenant.delete_secret(name(object)).await,
            (Some("Secret"), _) => self.secret(object).await,
            // The operator does not use ServiceInstances, and their kind is not installed.
            _ => {}
        }
    }

    async fn binding_added(&mut self, object: &Value) {
        let binding = json!({
            "apiVersion": object["apiVersion"], "kind": object["kind"],
            "metadata": { "name": object["metadata"]["name"], "labels": object["metadata"]["labels"] },
            "spec": object["spec"],
        });
        let made = create(&self.tenant.bindings(), binding).await;
        self.uids.insert(text(&object["metadata"]["uid"]), made.uid().expect("a uid"));
    }

    async fn binding_modified(&mut self, object: &Value) {
        let metadata = &object["metadata"];
        let patch = json!({
            "metadata": { "labels": metadata["labels"], "finalizers": metadata["finalizers"] },
            "spec": object["spec"],
        });
        let bindings = self.tenant.bindings();
        let patched = bindings.patch(name(object), &PatchParams::default(), &Patch::Merge(&patch)).await;
        let is_kept = patched.expect("a binding can be patched").metadata.deletion_timestamp.is_none();
        if metadata["deletionTimestamp"].is_string() {
            if is_kept {
                bindings.delete(name(object), &DeleteParams::default()).await.expect("bindings can be deleted");
            }
            if let (Some(key), true) = (self.keys.get(name(object)), object["status"]["bindingID"].is_null()) {
                self.tenant.revoke(key).await;
            }
        }
        let mut status = object["status"].clone();
        if status["bindingID"].is_null() {
            status["bindingID"] = Value::Null;
        }
        self.tenant.patch_binding_status(name(object), status).await;
    }

    async fn secret(&mut self, object: &Value) {
        let mut data = serde_json::Map::new();
        for (entry, value) in object["data"].as_object().into_iter().flatten() {
            data.insert(entry.clone(), json!(self.localize(value)));
        }
        if let (Some(uaa), Some(endpoints)) = (data.get("uaa"), data.get("endpoints")) {
            let json = |text: &Value| serde_json::from_str::<Value>(text.as_str().unwrap_or_default()).expect("JSON");
            let key = json!({ "uaa": json(uaa), "endpoints": json(endpoints) });
            self.tenant.import_key(&key).await;
            self.keys.insert(name(object).to_owned(), key);
        }
        let mut owners = object["metadata"]["ownerReferences"].clone();
        owners[0]["uid"] = json!(self.uids[owners[0]["uid"].as_str().expect("an owner")]);
        let mut secret: Secret = from_json(json!({
            "metadata": {
                "name": name(object), "labels": object["metadata"]["labels"],
                "annotations": object["metadata"]["annotations"], "ownerReferences": owners,
            },
            "stringData": data, "type": "Opaque",
        }));
        let secrets = self.tenant.secrets();
        match secrets.get_opt(name(object)).await.expect("secrets can be read") {
            None => drop(secrets.create(&PostParams::default(), &secret).await.expect("secrets can be created")),
            Some(present) => {
                secret.metadata.resource_version = present.metadata.resource_version;
                secrets.replace(name(object), &PostParams::default(), &secret).await.expect("secrets can be replaced");
            }
        }
    }

    /// Returns a recorded value with host and zone of this tenant in place of the recorded ones.
    fn localize(&self, value: &Value) -> String {
        let bytes = STANDARD.decode(value.as_str().unwrap_or_default()).expect("base64");
        let recorded = String::from_utf8(bytes).expect("text");
        let host = format!("{RECORDED_ZONE}.authentication.localhost");
        recorded
            .replace(&host, &format!("{host}:{}", self.tenant.bed.simulator.port))
            .replace(RECORDED_ZONE, &self.tenant.name)
    }
}

fn name(object: &Value) -> &str {
    object["metadata"]["name"].as_str().expect("a name")
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
