//! One SAP Cloud ALM tenant with its namespace: what a test has for itself.

use std::time::Duration;

use k8s_openapi::api::core::v1::{Namespace, Secret};
use kube::api::{DeleteParams, PostParams};
use kube::{Api, Client};
use reqwest::Method;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::TestBed;
use crate::names::NAMESPACE;

/// A tenant, its `ALMTenant` and a namespace that it admits; in tests all of one name.
pub struct Tenant<'a> {
    /// Where it is.
    pub bed: &'a TestBed,
    /// Identity zone of the tenant, and in tests the name of its `ALMTenant`.
    pub name: String,
    /// Namespace of its `ALMServiceKey`s.
    pub namespace: String,
    /// Kubernetes.
    pub client: Client,
}

impl<'a> Tenant<'a> {
    /// Makes one at the simulator and in the cluster.
    pub async fn create(bed: &'a TestBed, name: &str, client: Client) -> Self {
        Self::create_with(bed, name, client, |_| {}).await
    }

    /// One that has been made before.
    pub fn existing(bed: &'a TestBed, name: &str, client: Client) -> Self {
        Self { bed, name: name.to_owned(), namespace: name.to_owned(), client }
    }

    /// Makes one whose `ALMTenant` is changed by `change` before it is applied.
    pub async fn create_with(bed: &'a TestBed, name: &str, client: Client, change: impl FnOnce(&mut Value)) -> Self {
        let made = bed.simulator.admin(Method::POST, "/tenants", Some(json!({ "identityZone": name }))).await;
        Self::join(bed, name, client, &made, change).await
    }

    /// Makes one in the cluster for what another cluster has made at the simulator.
    pub async fn share(bed: &'a TestBed, name: &str, client: Client, change: impl FnOnce(&mut Value)) -> Self {
        let made = bed.simulator.admin(Method::GET, &format!("/tenants/{name}"), None).await;
        Self::join(bed, name, client, &made, change).await
    }

    async fn join(bed: &'a TestBed, name: &str, client: Client, made: &Value, change: impl FnOnce(&mut Value)) -> Self {
        let landscape = &made["landscapeManagement"];
        let tenant = Self { bed, name: name.to_owned(), namespace: name.to_owned(), client };
        make_namespace(&tenant.client, name).await;
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
                "landscapeManagement": { "http": {
                    "url": landscape["url"],
                    "oauth2": { "tokenUrl": landscape["tokenUrl"], "secretRef": { "name": name } },
                    "caBundle": bed.simulator.ca,
                    "timeout": "3s",
                }},
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

    /// The Secrets of the namespace.
    pub fn secrets(&self) -> Api<Secret> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// A new key, as the BTP cockpit would make it.
    pub async fn make_key(&self) -> Value {
        self.admin(Method::POST, "/keys", Some(json!({}))).await
    }

    /// A new key whose tokens have this scope.
    pub async fn make_key_for(&self, scope: &str) -> Value {
        self.admin(Method::POST, "/keys", Some(json!({ "scope": scope }))).await
    }

    /// Makes a given key sign in.
    pub async fn import_key(&self, key: &Value) {
        self.admin(Method::POST, "/keys/import", Some(json!({ "key": key }))).await;
    }

    /// A key dies, and nothing in the cluster tells of it.
    pub async fn revoke(&self, key: &Value) {
        self.admin(Method::POST, "/keys/revoke", Some(credentials(key))).await;
    }

    /// A dead key lives again.
    pub async fn restore(&self, key: &Value) {
        self.admin(Method::POST, "/keys/restore", Some(credentials(key))).await;
    }

    /// Puts a key into a Secret as a pasted file.
    pub async fn write_secret(&self, name: &str, key: &Value) {
        self.write_data(name, json!({ "key.json": key.to_string() })).await;
    }

    /// Makes or replaces a Secret with these entries.
    pub async fn write_data(&self, name: &str, data: Value) {
        let secret: Secret = from(json!({ "metadata": { "name": name }, "stringData": data }));
        let secrets = self.secrets();
        match secrets.get_opt(name).await.expect("secrets can be read") {
            None => drop(secrets.create(&PostParams::default(), &secret).await.expect("secrets can be made")),
            Some(found) => {
                let mut next = secret;
                next.metadata.resource_version = found.metadata.resource_version;
                secrets.replace(name, &PostParams::default(), &next).await.expect("secrets can be replaced");
            }
        }
    }

    /// Deletes a Secret.
    pub async fn delete_secret(&self, name: &str) {
        self.secrets().delete(name, &DeleteParams::default()).await.expect("secrets can be deleted");
    }

    /// What the slot holds: revision, owner, key.
    pub async fn slot(&self) -> Value {
        self.admin(Method::GET, "/slot", None).await
    }

    /// The key in the slot; null if it is empty.
    pub async fn slot_key(&self) -> Value {
        self.slot().await["key"].clone()
    }

    /// Somebody else puts a key into the slot.
    pub async fn fill_slot(&self, key: &Value, owner: Option<Value>) {
        let mut body = json!({ "key": key });
        if let Some(owner) = owner {
            body["owner"] = owner;
        }
        self.admin(Method::PUT, "/slot", Some(body)).await;
    }

    /// As what an `ALMServiceKey` of this namespace owns the slot.
    pub async fn owner(&self, key: &str) -> Value {
        let namespaces: Api<Namespace> = Api::all(self.client.clone());
        let cluster = namespaces.get("kube-system").await.expect("it is there").metadata.uid;
        json!({ "clusterID": cluster, "namespace": self.namespace, "name": key })
    }

    /// Somebody else empties the slot.
    pub async fn empty_slot(&self) {
        self.admin(Method::DELETE, "/slot", None).await;
    }

    /// The slot gets another revision, and stays what it is.
    pub async fn bump_slot_revision(&self) {
        self.admin(Method::POST, "/slot/bump-revision", None).await;
    }

    /// Lets calls of a kind fail from now on.
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

    /// Waits until a call is held.
    pub async fn await_held(&self) {
        let held = self.admin(Method::GET, "/holds?wait=60", None).await;
        assert!(held["held"].as_u64().is_some_and(|held| held > 0), "no call was held: {held}");
    }

    /// Lets what is held go on.
    pub async fn release(&self) {
        self.admin(Method::POST, "/holds/release", None).await;
    }

    /// All that was asked of the tenant's hosts.
    pub async fn journal(&self) -> Vec<Value> {
        self.bed.simulator.journal(&self.name, 0, Duration::ZERO).await
    }

    /// The calls of these kinds, in order.
    pub async fn calls(&self, kinds: &[&str]) -> Vec<Value> {
        let mut calls = self.journal().await;
        calls.retain(|call| kinds.iter().any(|kind| call["kind"] == *kind));
        calls
    }

    /// The writes to the slot, in order: their kinds, with `+` for those that took effect.
    pub async fn writes(&self) -> Vec<String> {
        let calls = self.calls(&["Put", "Patch", "Delete"]).await;
        let told = |call: &Value| {
            let effect = if call["effect"] == true { "+" } else { "-" };
            format!("{effect}{}", call["kind"].as_str().unwrap_or_default())
        };
        calls.iter().map(told).collect()
    }

    /// Waits until a call of a kind, after the first `after` entries of the journal, satisfies `wanted`.
    pub async fn await_call(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let mut after = 0;
        super::cluster::patiently(what, async {
            loop {
                for call in self.bed.simulator.journal(&self.name, after, Duration::from_secs(10)).await {
                    after = call["seq"].as_u64().unwrap_or(after).max(after);
                    if wanted(&call) {
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

/// Makes a namespace, unless it is there because it is served.
pub async fn make_namespace(client: &Client, name: &str) {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    if namespaces.get_opt(name).await.expect("namespaces can be read").is_none() {
        create(&namespaces, json!({ "metadata": { "name": name } })).await;
    }
}

/// A typed object from JSON.
pub fn from<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).expect("the document fits its type")
}

/// Creates an object from JSON.
pub async fn create<T>(api: &Api<T>, value: Value) -> T
where
    T: Clone + serde::Serialize + DeserializeOwned + std::fmt::Debug,
{
    api.create(&PostParams::default(), &from(value)).await.unwrap_or_else(|error| panic!("cannot create: {error}"))
}
