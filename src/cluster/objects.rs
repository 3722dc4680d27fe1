//! The reads and writes that a reconciliation makes in the cluster. The API server implements them; in tests, a model does.

use async_trait::async_trait;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{ApiResource, DynamicObject, ListParams, Patch, PatchParams};
use kube::core::{DeserializeGuard, GroupVersionKind};
use kube::{Api, Client, ResourceExt};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::identity::KeyId;
use super::{CallError, PAGE, call, find};
use crate::api::status::ALMServiceKeyStatus;
use crate::api::tenant::ALMTenantStatus;
use crate::api::{ALMServiceKey, ALMTenant};
use crate::names::{FIELD_MANAGER, GROUP, VERSION, btp, crd};

/// Maximum number of stale copies of a binding that are read. A binding that is rotated daily has three at most.
const MAX_STALE_COPIES: u32 = 8;

/// Returns the API resource of the kind `ServiceBinding`.
#[must_use]
pub fn service_binding() -> ApiResource {
    let kind = GroupVersionKind::gvk(btp::GROUP, btp::VERSION, btp::BINDING_KIND);
    ApiResource::from_gvk_with_plural(&kind, btp::BINDING_PLURAL)
}

/// An `ALMServiceKey` of a list. One that cannot be decoded still has its metadata.
pub type ListedKey = DeserializeGuard<ALMServiceKey>;

/// Live reads, and writes that are conditional on the version of the object that was read. A read returns none if the API
/// server itself reports that the object does not exist.
#[async_trait]
pub trait Objects: Send + Sync {
    /// Reads an `ALMServiceKey`.
    async fn key(&self, namespace: &str, name: &str) -> Result<Option<ALMServiceKey>, CallError>;

    /// Calls `visit` with each `ALMServiceKey` that names a tenant. All of them at once may not fit into memory.
    async fn keys_of(&self, tenant: &str, visit: &mut (dyn FnMut(ListedKey) + Send)) -> Result<(), CallError>;

    /// Reads an `ALMTenant`.
    async fn tenant(&self, name: &str) -> Result<Option<ALMTenant>, CallError>;

    /// Reads a `ServiceBinding`.
    async fn binding(&self, namespace: &str, name: &str) -> Result<Option<DynamicObject>, CallError>;

    /// Reads the copies that keep the old credentials of a `ServiceBinding` after its rotations.
    async fn stale_copies(&self, namespace: &str, binding: &str) -> Result<Vec<DynamicObject>, CallError>;

    /// Reads a Secret.
    async fn secret(&self, namespace: &str, name: &str) -> Result<Option<Secret>, CallError>;

    /// Reads a `ConfigMap`.
    async fn config_map(&self, namespace: &str, name: &str) -> Result<Option<ConfigMap>, CallError>;

    /// Reads the metadata of a `CustomResourceDefinition`.
    async fn definition(&self, name: &str) -> Result<Option<ObjectMeta>, CallError>;

    /// Applies the status. Fields that only another field manager owns stay.
    async fn write_status(
        &self,
        object: &ALMServiceKey,
        status: &ALMServiceKeyStatus,
    ) -> Result<ALMServiceKey, CallError>;

    /// Merges a change (RFC 7386) into the status, whichever field manager owns the fields.
    async fn merge_status(&self, object: &ALMServiceKey, change: &Value) -> Result<ALMServiceKey, CallError>;

    /// Writes the finalizers of an `ALMServiceKey`.
    async fn write_finalizers(&self, object: &ALMServiceKey, finalizers: &[String])
    -> Result<ALMServiceKey, CallError>;

    /// Writes the record of the slot in the status of an `ALMTenant`, whichever field manager owns its fields. Returns none if
    /// the tenant does not exist any more.
    async fn write_tenant_status(
        &self,
        tenant: &ALMTenant,
        status: &ALMTenantStatus,
    ) -> Result<Option<ALMTenant>, CallError>;

    /// Writes the finalizers of an `ALMTenant`. Returns none if the tenant does not exist any more.
    async fn write_tenant_finalizers(
        &self,
        tenant: &ALMTenant,
        finalizers: &[String],
    ) -> Result<Option<ALMTenant>, CallError>;
}

/// The API server, through a client.
pub struct ApiServer {
    client: Client,
    /// Held while a list is read: one page is in memory at a time, however many reconciliations need a list.
    list_lock: Mutex<()>,
}

impl ApiServer {
    /// Uses a client.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self { client, list_lock: Mutex::default() }
    }

    /// Returns the API of the kind `ALMTenant`.
    pub(crate) fn tenants(&self) -> Api<ALMTenant> {
        Api::all(self.client.clone())
    }

    fn keys(&self, namespace: &str) -> Api<ALMServiceKey> {
        Api::namespaced(self.client.clone(), namespace)
    }

    /// Returns the API of the object's namespace.
    fn keys_beside(&self, object: &ALMServiceKey) -> Api<ALMServiceKey> {
        self.keys(&KeyId::new(object).namespace)
    }
}

/// Returns the merge patch (RFC 7386) that writes the record in `status`. Fields that are not set are removed: a client that
/// restores a backup may own them.
fn record_change(status: &ALMTenantStatus) -> Value {
    let ALMTenantStatus { slot, pending_removals, last_confirmation, .. } = status;
    let mut slot = json!(slot);
    if let Value::Object(slot) = &mut slot {
        for field in ["keyRef", "revision", "fingerprint", "evidence", "adopted"] {
            slot.entry(field).or_insert(Value::Null);
        }
    }
    let removals = if pending_removals.is_empty() { Value::Null } else { json!(pending_removals) };
    json!({ "slot": slot, "pendingRemovals": removals, "lastConfirmation": last_confirmation })
}

/// Returns the parameters of a merge patch. An apply would remove the finalizers of other field managers.
fn merge() -> PatchParams {
    PatchParams { field_manager: Some(FIELD_MANAGER.into()), ..PatchParams::default() }
}

#[async_trait]
impl Objects for ApiServer {
    async fn key(&self, namespace: &str, name: &str) -> Result<Option<ALMServiceKey>, CallError> {
        find(self.keys(namespace).get(name)).await
    }

    async fn keys_of(&self, tenant: &str, visit: &mut (dyn FnMut(ListedKey) + Send)) -> Result<(), CallError> {
        let keys: Api<ListedKey> = Api::all(self.client.clone());
        // Users of any namespace may create objects that name the tenant: their number and size are not bounded.
        let mut page = ListParams::default().fields(&format!("spec.tenantRef.name={tenant}")).limit(PAGE);
        let _lock = self.list_lock.lock().await;
        loop {
            let list = match call(keys.list(&page)).await {
                Ok(list) => list,
                // A kind that is not defined has no objects: their tenant must not wait for them for ever.
                Err(error) if error.status() == Some(404) && self.definition(crd::SERVICE_KEYS).await?.is_none() => {
                    return Ok(());
                }
                Err(error) => return Err(error),
            };
            list.items.into_iter().for_each(&mut *visit);
            page.continue_token = list.metadata.continue_.filter(|token| !token.is_empty());
            if page.continue_token.is_none() {
                return Ok(());
            }
        }
    }

    async fn tenant(&self, name: &str) -> Result<Option<ALMTenant>, CallError> {
        find(self.tenants().get(name)).await
    }

    async fn binding(&self, namespace: &str, name: &str) -> Result<Option<DynamicObject>, CallError> {
        let bindings: Api<DynamicObject> = Api::namespaced_with(self.client.clone(), namespace, &service_binding());
        find(bindings.get(name)).await
    }

    async fn stale_copies(&self, namespace: &str, binding: &str) -> Result<Vec<DynamicObject>, CallError> {
        let bindings: Api<DynamicObject> = Api::namespaced_with(self.client.clone(), namespace, &service_binding());
        // A value of a label has at most 63 characters; the SAP BTP service operator cannot label a longer name.
        let label = format!("{}={binding}", btp::ROTATION_OF_LABEL);
        let copies = call(bindings.list(&ListParams::default().labels(&label).limit(MAX_STALE_COPIES))).await?;
        Ok(copies.items)
    }

    async fn secret(&self, namespace: &str, name: &str) -> Result<Option<Secret>, CallError> {
        let secrets: Api<Secret> = Api::namespaced(self.client.clone(), namespace);
        find(secrets.get(name)).await
    }

    async fn config_map(&self, namespace: &str, name: &str) -> Result<Option<ConfigMap>, CallError> {
        let config_maps: Api<ConfigMap> = Api::namespaced(self.client.clone(), namespace);
        find(config_maps.get(name)).await
    }

    async fn definition(&self, name: &str) -> Result<Option<ObjectMeta>, CallError> {
        let definitions: Api<CustomResourceDefinition> = Api::all(self.client.clone());
        Ok(find(definitions.get_metadata(name)).await?.map(|definition| definition.metadata))
    }

    async fn write_status(
        &self,
        object: &ALMServiceKey,
        status: &ALMServiceKeyStatus,
    ) -> Result<ALMServiceKey, CallError> {
        let patch = json!({
            "apiVersion": format!("{GROUP}/{VERSION}"),
            "kind": "ALMServiceKey",
            "metadata": {
                "name": object.name_any(),
                "uid": object.uid(),
                "resourceVersion": object.resource_version(),
            },
            "status": status,
        });
        let parameters = PatchParams::apply(FIELD_MANAGER).force();
        call(self.keys_beside(object).patch_status(&object.name_any(), &parameters, &Patch::Apply(&patch))).await
    }

    async fn merge_status(&self, object: &ALMServiceKey, change: &Value) -> Result<ALMServiceKey, CallError> {
        let patch = json!({
            "metadata": { "uid": object.uid(), "resourceVersion": object.resource_version() },
            "status": change,
        });
        call(self.keys_beside(object).patch_status(&object.name_any(), &merge(), &Patch::Merge(&patch))).await
    }

    async fn write_finalizers(
        &self,
        object: &ALMServiceKey,
        finalizers: &[String],
    ) -> Result<ALMServiceKey, CallError> {
        let patch = json!({ "metadata": {
            "uid": object.uid(),
            "resourceVersion": object.resource_version(),
            "finalizers": finalizers,
        }});
        call(self.keys_beside(object).patch(&object.name_any(), &merge(), &Patch::Merge(&patch))).await
    }

    async fn write_tenant_status(
        &self,
        tenant: &ALMTenant,
        status: &ALMTenantStatus,
    ) -> Result<Option<ALMTenant>, CallError> {
        let patch = json!({
            "metadata": { "uid": tenant.uid(), "resourceVersion": tenant.resource_version() },
            "status": record_change(status),
        });
        find(self.tenants().patch_status(&tenant.name_any(), &merge(), &Patch::Merge(&patch))).await
    }

    async fn write_tenant_finalizers(
        &self,
        tenant: &ALMTenant,
        finalizers: &[String],
    ) -> Result<Option<ALMTenant>, CallError> {
        let patch = json!({ "metadata": {
            "uid": tenant.uid(),
            "resourceVersion": tenant.resource_version(),
            "finalizers": finalizers,
        }});
        find(self.tenants().patch(&tenant.name_any(), &merge(), &Patch::Merge(&patch))).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::future::join_all;
    use hyper::{Request, Response};
    use kube::client::Body;

    use super::*;

    #[tokio::test]
    async fn one_list_is_read_at_a_time_however_many_tenants_are_reconciled() {
        static RUNNING: AtomicUsize = AtomicUsize::new(0);
        static MAX_RUNNING: AtomicUsize = AtomicUsize::new(0);
        let server = tower::service_fn(|_: Request<Body>| async {
            MAX_RUNNING.fetch_max(RUNNING.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            // Lets the other lists run.
            for _ in 0..8 {
                tokio::task::yield_now().await;
            }
            RUNNING.fetch_sub(1, Ordering::SeqCst);
            let page = json!({ "apiVersion": "almkey.dev/v1alpha1", "metadata": {}, "items": [] });
            Response::builder().body(Body::from(page.to_string().into_bytes()))
        });
        let cluster = ApiServer::new(Client::new(server, "default"));
        let lists = (0..8).map(|_| async { cluster.keys_of("acme", &mut |_| ()).await.expect("a list") });
        join_all(lists).await;
        assert_eq!(MAX_RUNNING.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_key_that_cannot_be_decoded_is_listed_with_its_name_beside_the_others() {
        let key = |name: &str, operation: &str| {
            json!({
                "apiVersion": "almkey.dev/v1alpha1", "kind": "ALMServiceKey",
                "metadata": { "name": name, "namespace": "n", "uid": name },
                "spec": { "tenantRef": { "name": "acme" }, "source": { "secretRef": { "name": "s" } } },
                "status": { "pending": {
                    "operation": operation, "revision": "\"1\"", "startedAt": "2026-01-01T00:00:00Z",
                }},
            })
        };
        let server = tower::service_fn(move |_: Request<Body>| {
            let items = [key("new", "Frobnicate"), key("known", "Upload")];
            let page = json!({ "apiVersion": "almkey.dev/v1alpha1", "metadata": {}, "items": items });
            async move { Response::builder().body(Body::from(page.to_string().into_bytes())) }
        });
        let cluster = ApiServer::new(Client::new(server, "default"));
        let mut listed = Vec::new();
        let mut visit = |key: ListedKey| listed.push((KeyId::new(&key).to_string(), key.0.is_ok()));
        cluster.keys_of("acme", &mut visit).await.expect("a list");
        assert_eq!(listed, [("n/new".to_owned(), false), ("n/known".to_owned(), true)]);
    }

    // proves: limit cluster/objects MAX_STALE_COPIES
    #[tokio::test]
    async fn at_most_eight_stale_copies_of_one_binding_are_read() {
        let server = tower::service_fn(|request: Request<Body>| {
            let query = request.uri().query().unwrap_or_default().to_owned();
            assert!(query.contains("limit=8"), "{query}");
            assert!(query.contains("labelSelector=services.cloud.sap.com%2FrotationOf%3Dcalm"), "{query}");
            let page = json!({ "apiVersion": "services.cloud.sap.com/v1", "metadata": {}, "items": [] });
            async move { Response::builder().body(Body::from(page.to_string().into_bytes())) }
        });
        let cluster = ApiServer::new(Client::new(server, "default"));
        assert_eq!(cluster.stale_copies("n", "calm").await.expect("a list").len(), 0);
    }

    #[tokio::test]
    async fn a_list_of_keys_is_empty_only_if_their_kind_is_known_to_be_undefined() {
        for (definition, is_listed) in [("NotFound", true), ("Proxy", false)] {
            let server = tower::service_fn(move |request: Request<Body>| {
                let is_definition = request.uri().path().ends_with(crd::SERVICE_KEYS);
                let status = json!({
                    "apiVersion": "v1", "kind": "Status", "status": "Failure", "code": 404, "reason": definition,
                    "message": "-",
                });
                let body = if is_definition { status.to_string() } else { "404 page not found".into() };
                async move { Response::builder().status(404).body(Body::from(body.into_bytes())) }
            });
            let cluster = ApiServer::new(Client::new(server, "default"));
            let listed = cluster.keys_of("acme", &mut |_| panic!("no key exists")).await;
            assert_eq!(listed.is_ok(), is_listed, "{definition}");
        }
    }
}
