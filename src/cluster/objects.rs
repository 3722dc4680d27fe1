//! What a pass reads and writes in the cluster. Implemented over the API server for real, and by a model in tests.

use async_trait::async_trait;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{DynamicObject, ListParams, Patch, PatchParams};
use kube::{Api, Client, ResourceExt};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::{CallError, PAGE, call, find};
use crate::api::status::ALMServiceKeyStatus;
use crate::api::{ALMServiceKey, ALMTenant};
use crate::names::{FIELD_MANAGER, GROUP, VERSION};
use crate::source::binding::resource;

/// Live reads, and writes on the very version of an object that was decided on. None means that the API server itself
/// says that there is no such object.
#[async_trait]
pub trait Objects: Send + Sync {
    /// An `ALMServiceKey`.
    async fn key(&self, namespace: &str, name: &str) -> Result<Option<ALMServiceKey>, CallError>;

    /// Shows all `ALMServiceKey`s that name a tenant, one after the other: all at once may be more than fits.
    async fn keys_of(&self, tenant: &str, see: &mut (dyn FnMut(ALMServiceKey) + Send)) -> Result<(), CallError>;

    /// An `ALMTenant`.
    async fn tenant(&self, name: &str) -> Result<Option<ALMTenant>, CallError>;

    /// A `ServiceBinding`.
    async fn binding(&self, namespace: &str, name: &str) -> Result<Option<DynamicObject>, CallError>;

    /// A Secret.
    async fn secret(&self, namespace: &str, name: &str) -> Result<Option<Secret>, CallError>;

    /// The metadata of a `CustomResourceDefinition`.
    async fn definition(&self, name: &str) -> Result<Option<ObjectMeta>, CallError>;

    /// Writes all of the status that is ours; what is only others' stays.
    async fn write_status(
        &self,
        object: &ALMServiceKey,
        status: &ALMServiceKeyStatus,
    ) -> Result<ALMServiceKey, CallError>;

    /// Merges a change (RFC 7386) into the status, whosever it is.
    async fn merge_status(&self, object: &ALMServiceKey, change: &Value) -> Result<ALMServiceKey, CallError>;

    /// Writes the finalizers of an `ALMServiceKey`.
    async fn write_finalizers(&self, object: &ALMServiceKey, finalizers: &[String])
    -> Result<ALMServiceKey, CallError>;

    /// Writes the finalizers of an `ALMTenant`; none if it has gone.
    async fn write_tenant_finalizers(
        &self,
        tenant: &ALMTenant,
        finalizers: &[String],
    ) -> Result<Option<ALMTenant>, CallError>;
}

/// The API server.
pub struct ApiServer {
    client: Client,
    /// Whoever lists: one page is in memory at a time, however many passes need one.
    lists: Mutex<()>,
}

impl ApiServer {
    /// By this client.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self { client, lists: Mutex::default() }
    }

    /// All `ALMTenant`s.
    pub(crate) fn tenants(&self) -> Api<ALMTenant> {
        Api::all(self.client.clone())
    }

    fn keys(&self, namespace: &str) -> Api<ALMServiceKey> {
        Api::namespaced(self.client.clone(), namespace)
    }
}

/// A merge patch by us; an apply would take away the finalizers of others.
fn merge() -> PatchParams {
    PatchParams { field_manager: Some(FIELD_MANAGER.into()), ..PatchParams::default() }
}

#[async_trait]
impl Objects for ApiServer {
    async fn key(&self, namespace: &str, name: &str) -> Result<Option<ALMServiceKey>, CallError> {
        find(self.keys(namespace).get(name)).await
    }

    async fn keys_of(&self, tenant: &str, see: &mut (dyn FnMut(ALMServiceKey) + Send)) -> Result<(), CallError> {
        let keys: Api<ALMServiceKey> = Api::all(self.client.clone());
        // Anybody may make objects that name it, as many and as large as they like.
        let mut page = ListParams::default().fields(&format!("spec.tenantRef.name={tenant}")).limit(PAGE);
        let _lists = self.lists.lock().await;
        loop {
            let found = call(keys.list(&page)).await?;
            found.items.into_iter().for_each(&mut *see);
            page.continue_token = found.metadata.continue_.filter(|token| !token.is_empty());
            if page.continue_token.is_none() {
                return Ok(());
            }
        }
    }

    async fn tenant(&self, name: &str) -> Result<Option<ALMTenant>, CallError> {
        find(self.tenants().get(name)).await
    }

    async fn binding(&self, namespace: &str, name: &str) -> Result<Option<DynamicObject>, CallError> {
        let bindings: Api<DynamicObject> = Api::namespaced_with(self.client.clone(), namespace, &resource());
        find(bindings.get(name)).await
    }

    async fn secret(&self, namespace: &str, name: &str) -> Result<Option<Secret>, CallError> {
        let secrets: Api<Secret> = Api::namespaced(self.client.clone(), namespace);
        find(secrets.get(name)).await
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
        let keys = self.keys(&object.namespace().unwrap_or_default());
        call(keys.patch_status(&object.name_any(), &parameters, &Patch::Apply(&patch))).await
    }

    async fn merge_status(&self, object: &ALMServiceKey, change: &Value) -> Result<ALMServiceKey, CallError> {
        let patch = json!({
            "metadata": { "uid": object.uid(), "resourceVersion": object.resource_version() },
            "status": change,
        });
        let keys = self.keys(&object.namespace().unwrap_or_default());
        call(keys.patch_status(&object.name_any(), &merge(), &Patch::Merge(&patch))).await
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
        let keys = self.keys(&object.namespace().unwrap_or_default());
        call(keys.patch(&object.name_any(), &merge(), &Patch::Merge(&patch))).await
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
    async fn one_list_is_made_at_a_time_however_many_tenants_are_looked_at() {
        static UNDER_WAY: AtomicUsize = AtomicUsize::new(0);
        static MOST: AtomicUsize = AtomicUsize::new(0);
        let server = tower::service_fn(|_: Request<Body>| async {
            MOST.fetch_max(UNDER_WAY.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            // The others come to their turn.
            for _ in 0..8 {
                tokio::task::yield_now().await;
            }
            UNDER_WAY.fetch_sub(1, Ordering::SeqCst);
            let page = json!({ "apiVersion": "almkey.dev/v1alpha1", "metadata": {}, "items": [] });
            Response::builder().body(Body::from(page.to_string().into_bytes()))
        });
        let cluster = ApiServer::new(Client::new(server, "default"));
        let lists = (0..8).map(|_| async { cluster.keys_of("acme", &mut |_| ()).await.expect("a list") });
        join_all(lists).await;
        assert_eq!(MOST.load(Ordering::SeqCst), 1);
    }
}
