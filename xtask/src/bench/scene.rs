//! A cluster with many tenants and keys: one tenant, one Secret and one `ALMServiceKey` for each number.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use alm_key_operator::api::{ALMServiceKey, ALMTenant};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::runtime::WatchStreamExt as _;
use kube::runtime::watcher::{Config, watcher};
use kube::{Api, ResourceExt as _};
use reqwest::Method;
use serde_json::{Value, json};
use testkit::bed::operator::Build;
use testkit::bed::tenant::{create, ensure_namespace, from_json};
use testkit::bed::{Setup, TestBed};
use testkit::names::NAMESPACE;
use tokio::time::{Instant, timeout};

use super::process;

/// The namespace of all keys.
pub const TEAM: &str = "bench";
/// Requests of the benchmark itself that run at the same time.
const IN_FLIGHT: usize = 16;
/// Time for anything: what takes longer does not end.
const LIMIT: Duration = Duration::from_mins(30);
/// Time without a change after which everything has settled.
const QUIET: Duration = Duration::from_secs(3);

/// The settings of all benchmarks: the released program as it is deployed, but for the election of a leader.
pub const SETUP: Setup = Setup { log: "info", build: Build::Release, ..Setup::DEFAULT };

/// A cluster, the simulator, and the operator.
pub struct Scene {
    pub bed: TestBed,
}

impl Scene {
    /// Starts all processes.
    pub async fn start(setup: Setup) -> Self {
        let bed = TestBed::start_for("bench", setup).await;
        ensure_namespace(&bed.client, TEAM).await;
        Self { bed }
    }

    /// Returns the process id of the operator.
    pub fn pid(&self) -> u32 {
        self.bed.operator.as_ref().expect("the operator runs").pid()
    }

    /// Returns the CPU time of the operator so far, in seconds.
    pub fn cpu(&self) -> f64 {
        process::cpu(self.pid()).as_secs_f64()
    }

    /// Returns the API of the keys.
    pub fn keys(&self) -> Api<ALMServiceKey> {
        Api::namespaced(self.bed.client.clone(), TEAM)
    }

    fn tenants(&self) -> Api<ALMTenant> {
        Api::all(self.bed.client.clone())
    }

    /// Returns the API of the Secrets with keys.
    pub fn secrets(&self) -> Api<Secret> {
        Api::namespaced(self.bed.client.clone(), TEAM)
    }

    /// Creates tenants, and waits until they are `Ready`.
    pub async fn create_tenants(&self, numbers: Range<usize>) {
        let credentials: Api<Secret> = Api::namespaced(self.bed.client.clone(), NAMESPACE);
        self.for_each(numbers.clone(), async |number| {
            let zone = name(number);
            let new = json!({ "identityZone": zone });
            let made = self.bed.simulator.admin(Method::POST, "/tenants", Some(new)).await;
            let landscape = &made["landscapeManagement"];
            let secret = json!({
                "metadata": { "name": zone },
                "stringData": { "clientId": landscape["clientId"], "clientSecret": landscape["clientSecret"] },
            });
            create(&credentials, secret).await;
            create(&self.tenants(), self.tenant(&zone, landscape)).await;
        })
        .await;
        self.await_all(self.tenants(), numbers, |tenant| {
            is_ready(tenant.status.as_ref().map(|status| status.conditions.as_slice()))
        })
        .await;
    }

    fn tenant(&self, zone: &str, landscape: &Value) -> Value {
        let ca = &self.bed.simulator.ca;
        json!({
            "apiVersion": "almkey.dev/v1alpha1",
            "kind": "ALMTenant",
            "metadata": { "name": zone },
            "spec": {
                "identityZone": zone,
                "landscapeManagement": { "http": {
                    "url": landscape["url"],
                    "oauth2": { "tokenUrl": landscape["tokenUrl"], "secretRef": { "name": zone } },
                    "caBundle": ca,
                }},
                "allowedNamespaces": [TEAM],
                "signIn": {
                    "hosts": [format!("*.authentication.localhost:{}", self.bed.simulator.port)],
                    "caBundle": ca,
                    "allowPrivateNetworks": true,
                },
            },
        })
    }

    /// Sets the time that a tenant's remote side takes for an answer.
    pub async fn set_latency(&self, number: usize, latency: Duration) {
        let path = format!("/tenants/{}/latency", name(number));
        let body = json!({ "ms": u64::try_from(latency.as_millis()).expect("a short time") });
        self.bed.simulator.admin(Method::PUT, &path, Some(body)).await;
    }

    /// Creates a key at SAP for each tenant, and a Secret with it.
    pub async fn create_sources(&self, numbers: Range<usize>) {
        self.for_each(numbers, async |number| {
            let key = self.make_key(number).await;
            create(&self.secrets(), source(number, &key)).await;
        })
        .await;
    }

    /// Creates a key at SAP.
    pub async fn make_key(&self, number: usize) -> Value {
        let path = format!("/tenants/{}/keys", name(number));
        self.bed.simulator.admin(Method::POST, &path, Some(json!({}))).await
    }

    /// Creates an `ALMServiceKey` for each tenant and its Secret.
    pub async fn create_keys(&self, numbers: Range<usize>) {
        self.for_each(numbers, async |number| {
            let spec = json!({
                "tenantRef": { "name": name(number) }, "source": { "secretRef": { "name": name(number) } },
            });
            self.create_key(number, spec).await;
        })
        .await;
    }

    /// Creates an `ALMServiceKey`.
    pub async fn create_key(&self, number: usize, spec: Value) {
        let key = json!({
            "apiVersion": "almkey.dev/v1alpha1", "kind": "ALMServiceKey",
            "metadata": { "name": name(number) }, "spec": spec,
        });
        create(&self.keys(), key).await;
    }

    /// Waits until these keys are `Ready`.
    pub async fn await_ready(&self, numbers: Range<usize>) {
        self.await_all(self.keys(), numbers, |key| {
            is_ready(key.status.as_ref().map(|status| status.conditions.as_slice()))
        })
        .await;
    }

    /// Waits until these keys satisfy a predicate.
    pub async fn await_keys(&self, numbers: Range<usize>, predicate: impl Fn(&ALMServiceKey) -> bool) {
        self.await_all(self.keys(), numbers, predicate).await;
    }

    async fn await_all<K>(&self, api: Api<K>, numbers: Range<usize>, predicate: impl Fn(&K) -> bool)
    where
        K: kube::Resource + Clone + serde::de::DeserializeOwned + std::fmt::Debug + Send + 'static,
    {
        let mut missing: BTreeSet<String> = numbers.map(name).collect();
        let mut objects = watcher(api, Config::default()).applied_objects().default_backoff().boxed();
        let wait = async {
            while let Some(object) = objects.try_next().await.expect("the objects can be watched") {
                if predicate(&object) {
                    missing.remove(&object.name_any());
                }
                if missing.is_empty() {
                    return;
                }
            }
        };
        timeout(LIMIT, wait).await.unwrap_or_else(|_| panic!("some objects never became what they must"));
    }

    /// Waits until nothing has been written to keys and tenants for a while.
    pub async fn await_quiet(&self) {
        let mut keys = watcher(self.keys(), Config::default()).default_backoff().boxed();
        let mut tenants = watcher(self.tenants(), Config::default()).default_backoff().boxed();
        let end = Instant::now() + LIMIT;
        loop {
            let changed = async {
                tokio::select! {
                    _ = keys.next() => {}
                    _ = tenants.next() => {}
                }
            };
            if timeout(QUIET, changed).await.is_err() {
                return;
            }
            assert!(Instant::now() < end, "the objects are written again and again");
        }
    }

    /// Waits for a call of a tenant. Returns its time by the simulator's clock, which is that of this machine.
    pub async fn await_call(&self, number: usize, predicate: impl Fn(&Value) -> bool) -> Timestamp {
        let mut after = 0;
        let end = Instant::now() + LIMIT;
        loop {
            for call in self.bed.simulator.journal(&name(number), after, Duration::from_secs(10)).await {
                after = call["seq"].as_u64().expect("a number");
                if predicate(&call) {
                    return call["at"].as_str().expect("a time").parse().expect("a time");
                }
            }
            assert!(Instant::now() < end, "{} was never called so", name(number));
        }
    }

    /// Waits until a key is in the slot of its tenant. Returns the time of the write.
    pub async fn await_upload(&self, number: usize, key: &Value) -> Timestamp {
        let is_upload = |call: &Value| {
            call["kind"] == "Put" && call["effect"] == true && call["clientid"] == key["uaa"]["clientid"]
        };
        self.await_call(number, is_upload).await
    }

    /// Returns the path of the audit log, which the setup must ask for.
    pub fn audit_log(&self) -> PathBuf {
        self.bed.control_plane.audit_log().expect("the setup asks for it").to_owned()
    }

    /// Returns the metrics of the operator without labels, by name, each the sum over its labels.
    pub async fn metrics(&self) -> BTreeMap<String, f64> {
        let (_, text) = self.bed.operator.as_ref().expect("the operator runs").admin("/metrics").await;
        let mut sums = BTreeMap::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let Some((series, value)) = line.rsplit_once(' ') else { continue };
            let name = series.split('{').next().unwrap_or_default();
            *sums.entry(name.to_owned()).or_default() += value.parse::<f64>().unwrap_or_default();
        }
        sums
    }

    /// Performs an action for each number, some at the same time.
    pub async fn for_each(&self, numbers: Range<usize>, action: impl AsyncFn(usize)) {
        stream::iter(numbers).for_each_concurrent(IN_FLIGHT, |number| action(number)).await;
    }
}

/// Returns the name of a tenant, of its Secret and of its key.
pub fn name(number: usize) -> String {
    format!("t{number:05}")
}

/// Returns a Secret with a key.
pub fn source(number: usize, key: &Value) -> Value {
    json!({ "metadata": { "name": name(number) }, "stringData": { "key.json": key.to_string() } })
}

/// Replaces the key in a Secret. Returns the time before the request.
pub async fn replace_source(scene: &Scene, number: usize, key: &Value) -> Timestamp {
    let secret: Secret = from_json(source(number, key));
    let before = Timestamp::now();
    let written = scene.secrets().replace(&name(number), &kube::api::PostParams::default(), &secret).await;
    written.expect("the Secret can be replaced");
    before
}

fn is_ready(conditions: Option<&[Condition]>) -> bool {
    let mut conditions = conditions.unwrap_or_default().iter();
    conditions.any(|condition| condition.type_ == "Ready" && condition.status == "True")
}
