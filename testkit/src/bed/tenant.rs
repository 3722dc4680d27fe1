//! One SAP Cloud ALM tenant with a namespace: the part of a test bed that a test has for itself.

use std::time::Duration;

use k8s_openapi::api::core::v1::{Namespace, Secret};
use kube::api::{DeleteParams, PostParams};
use kube::{Api, Client};
use reqwest::Method;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::TestBed;
use super::waiting::wait_for;
use crate::names::NAMESPACE;

/// A tenant at the simulator, its `ALMTenant`, and a namespace that it admits. In most tests all have one name.
pub struct Tenant<'a> {
    /// Test bed of the tenant.
    pub bed: &'a TestBed,
    /// Identity zone of the tenant, and name of its `ALMTenant`.
    pub name: String,
    /// Namespace of its `ALMServiceKey`s.
    pub namespace: String,
    /// Client that the actions are performed with.
    pub client: Client,
}

impl<'a> Tenant<'a> {
    /// Creates a tenant at the simulator and in the cluster.
    pub async fn create(bed: &'a TestBed, name: &str, client: Client) -> Self {
        Self::create_with(bed, name, client, |_| {}).await
    }

    /// Returns a tenant that was created before.
    pub fn existing(bed: &'a TestBed, name: &str, client: Client) -> Self {
        Self { bed, name: name.to_owned(), namespace: name.to_owned(), client }
    }

    /// Creates a tenant whose `ALMTenant` is changed by `change` before it is applied.
    pub async fn create_with(bed: &'a TestBed, name: &str, client: Client, change: impl FnOnce(&mut Value)) -> Self {
        let created = bed.simulator.admin(Method::POST, "/tenants", Some(json!({ "identityZone": name }))).await;
        Self::join(bed, name, client, &created, change).await
    }

    /// Creates a tenant in this cluster that another cluster has created at the simulator.
    pub async fn share(bed: &'a TestBed, name: &str, client: Client, change: impl FnOnce(&mut Value)) -> Self {
        let created = bed.simulator.admin(Method::GET, &format!("/tenants/{name}"), None).await;
        Self::join(bed, name, client, &created, change).await
    }

    async fn join(
        bed: &'a TestBed,
        name: &str,
        client: Client,
        created: &Value,
        change: impl FnOnce(&mut Value),
    ) -> Self {
        let landscape = &created["landscapeManagement"];
        let tenant = Self { bed, name: name.to_owned(), namespace: name.to_owned(), client };
        ensure_namespace(&tenant.client, name).await;
        let credentials: Api<Secret> = Api::namespaced(tenant.client.clone(), NAMESPACE);
        let secret = json!({
            "metadata": { "name": name },
            "stringData": { "clientId": landscape["clientId"], "clientSecret": landscape["clientSecret"] },
        });
        create(&credentials, secret).await;
        let mut document = json!({
            "apiVersion": "almkey.dev/v1alpha1",
            "kind": "ALMTenant",
            "metadata": { "name": name },
            "spec": {
                "identityZone": name,
                "landscapeManagement": { "http": tenant.endpoint_at(landscape) },
                "allowedNamespaces": [name],
                "signIn": {
                    "hosts": [format!("*.authentication.localhost:{}", bed.simulator.port)],
                    "caBundle": bed.simulator.ca,
                    "allowPrivateNetworks": true,
                },
            },
        });
        change(&mut document);
        create(&tenant.tenants(), document).await;
        tenant
    }

    /// Returns the tenant's endpoint, as an `ALMTenant` names it.
    pub async fn endpoint(&self) -> Value {
        let created = self.admin(Method::GET, "", None).await;
        self.endpoint_at(&created["landscapeManagement"])
    }

    fn endpoint_at(&self, landscape: &Value) -> Value {
        json!({
            "url": landscape["url"],
            "oauth2": { "tokenUrl": landscape["tokenUrl"], "secretRef": { "name": self.name } },
            "caBundle": self.bed.simulator.ca,
            "timeout": "3s",
        })
    }

    /// Returns the API of the namespace's Secrets.
    pub fn secrets(&self) -> Api<Secret> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// Creates a key, as the BTP cockpit would.
    pub async fn make_key(&self) -> Value {
        self.admin(Method::POST, "/keys", Some(json!({}))).await
    }

    /// Creates a key whose tokens have this scope.
    pub async fn make_key_for(&self, scope: &str) -> Value {
        self.admin(Method::POST, "/keys", Some(json!({ "scope": scope }))).await
    }

    /// Lets the credentials of a given key sign in.
    pub async fn import_key(&self, key: &Value) {
        self.admin(Method::POST, "/keys/import", Some(json!({ "key": key }))).await;
    }

    /// Revokes a key at SAP. Nothing in the cluster changes.
    pub async fn revoke(&self, key: &Value) {
        self.admin(Method::POST, "/keys/revoke", Some(credentials(key))).await;
    }

    /// Lets a revoked key sign in again.
    pub async fn restore(&self, key: &Value) {
        self.admin(Method::POST, "/keys/restore", Some(credentials(key))).await;
    }

    /// Creates or replaces a Secret that holds a key as a pasted file.
    pub async fn write_secret(&self, name: &str, key: &Value) {
        self.write_data(name, json!({ "key.json": key.to_string() })).await;
    }

    /// Creates or replaces a Secret with these entries.
    pub async fn write_data(&self, name: &str, data: Value) {
        let secret: Secret = from_json(json!({ "metadata": { "name": name }, "stringData": data }));
        let secrets = self.secrets();
        match secrets.get_opt(name).await.expect("secrets can be read") {
            None => drop(secrets.create(&PostParams::default(), &secret).await.expect("secrets can be created")),
            Some(present) => {
                let mut next = secret;
                next.metadata.resource_version = present.metadata.resource_version;
                secrets.replace(name, &PostParams::default(), &next).await.expect("secrets can be replaced");
            }
        }
    }

    /// Deletes a Secret.
    pub async fn delete_secret(&self, name: &str) {
        self.secrets().delete(name, &DeleteParams::default()).await.expect("secrets can be deleted");
    }

    /// Returns the content of the slot: revision, owner, key.
    pub async fn slot(&self) -> Value {
        self.admin(Method::GET, "/slot", None).await
    }

    /// Returns the key in the slot; null if it is empty.
    pub async fn slot_key(&self) -> Value {
        self.slot().await["key"].clone()
    }

    /// Puts a key into the slot, as another client would.
    pub async fn fill_slot(&self, key: &Value, owner: Option<Value>) {
        let mut body = json!({ "key": key });
        if let Some(owner) = owner {
            body["owner"] = owner;
        }
        self.admin(Method::PUT, "/slot", Some(body)).await;
    }

    /// Returns the owner that the operator writes into the slot for an `ALMServiceKey` of this namespace.
    pub async fn owner(&self, key: &str) -> Value {
        let namespaces: Api<Namespace> = Api::all(self.client.clone());
        let cluster = namespaces.get("kube-system").await.expect("kube-system exists").metadata.uid;
        json!({ "clusterID": cluster, "namespace": self.namespace, "name": key })
    }

    /// Empties the slot, as another client would.
    pub async fn empty_slot(&self) {
        self.admin(Method::DELETE, "/slot", None).await;
    }

    /// Gives the slot a new revision without a change of its content.
    pub async fn bump_slot_revision(&self) {
        self.admin(Method::POST, "/slot/bump-revision", None).await;
    }

    /// Lets all calls of a kind fail, until [`Tenant::heal`].
    pub async fn fail(&self, on: &str, fault: Value) {
        self.admin(Method::POST, "/faults", Some(json!({ "on": on, "fault": fault }))).await;
    }

    /// Lets the next call of a kind fail.
    pub async fn fail_once(&self, on: &str, fault: Value) {
        self.admin(Method::POST, "/faults", Some(json!({ "on": on, "times": 1, "fault": fault }))).await;
    }

    /// Ends all faults.
    pub async fn heal(&self) {
        self.admin(Method::DELETE, "/faults", None).await;
    }

    /// Waits until the simulator holds a call.
    pub async fn await_held(&self) {
        let held = self.admin(Method::GET, "/holds?wait=60", None).await;
        assert!(held["held"].as_u64().is_some_and(|held| held > 0), "no call was held: {held}");
    }

    /// Lets the held calls go on.
    pub async fn release_held_calls(&self) {
        self.admin(Method::POST, "/holds/release", None).await;
    }

    /// Returns all requests to the tenant's hosts.
    pub async fn journal(&self) -> Vec<Value> {
        self.bed.simulator.journal(&self.name, 0, Duration::ZERO).await
    }

    /// Returns the calls of these kinds, in order.
    pub async fn calls(&self, kinds: &[&str]) -> Vec<Value> {
        let mut calls = self.journal().await;
        calls.retain(|call| kinds.iter().any(|kind| call["kind"] == *kind));
        calls
    }

    /// Returns the kinds of the writes to the slot, in order, with `+` if a write took effect and `-` if not.
    pub async fn writes(&self) -> Vec<String> {
        let calls = self.calls(&["Put", "Patch", "Delete"]).await;
        let describe = |call: &Value| {
            let effect = if call["effect"] == true { "+" } else { "-" };
            format!("{effect}{}", call["kind"].as_str().unwrap_or_default())
        };
        calls.iter().map(describe).collect()
    }

    /// Waits until a call in the journal satisfies a predicate.
    pub async fn await_call(&self, what: &str, predicate: impl Fn(&Value) -> bool) -> Value {
        let mut after = 0;
        wait_for(what, async {
            loop {
                for call in self.bed.simulator.journal(&self.name, after, Duration::from_secs(10)).await {
                    after = call["seq"].as_u64().unwrap_or(after).max(after);
                    if predicate(&call) {
                        return call;
                    }
                }
            }
        })
        .await
    }

    /// Calls the admin API of this tenant.
    pub async fn admin(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        self.bed.simulator.admin(method, &format!("/tenants/{}{path}", self.name), body).await
    }
}

fn credentials(key: &Value) -> Value {
    json!({ "clientid": key["uaa"]["clientid"], "clientsecret": key["uaa"]["clientsecret"] })
}

/// Creates a namespace, unless it exists already.
pub async fn ensure_namespace(client: &Client, name: &str) {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    if namespaces.get_opt(name).await.expect("namespaces can be read").is_none() {
        create(&namespaces, json!({ "metadata": { "name": name } })).await;
    }
}

/// Reads a typed object from JSON.
pub fn from_json<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).expect("the document fits its type")
}

/// Creates an object from JSON.
pub async fn create<T>(api: &Api<T>, value: Value) -> T
where
    T: Clone + serde::Serialize + DeserializeOwned + std::fmt::Debug,
{
    api.create(&PostParams::default(), &from_json(value)).await.unwrap_or_else(|error| panic!("cannot create: {error}"))
}
