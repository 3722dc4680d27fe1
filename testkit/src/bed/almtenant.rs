//! Actions of a cluster admin: writes and reads of `ALMTenant`s.

use alm_key_operator::api::ALMTenant;
use futures::{StreamExt, TryStreamExt};
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams};
use kube::runtime::{WatchStreamExt, watcher};
use serde_json::Value;

use super::Tenant;
use super::waiting::{wait_for, wait_until_gone};

impl Tenant<'_> {
    /// Returns the API of `ALMTenant`s.
    pub fn tenants(&self) -> Api<ALMTenant> {
        Api::all(self.client.clone())
    }

    /// Returns the `ALMTenant`.
    pub async fn tenant_object(&self) -> ALMTenant {
        self.tenants().get(&self.name).await.expect("the ALMTenant exists")
    }

    /// Changes the `ALMTenant` by a merge patch.
    pub async fn patch_tenant(&self, patch: Value) -> ALMTenant {
        self.try_patch_tenant(patch).await.expect("the ALMTenant can be patched")
    }

    /// Changes the `ALMTenant` by a merge patch, which the API server may refuse.
    pub async fn try_patch_tenant(&self, patch: Value) -> kube::Result<ALMTenant> {
        self.tenants().patch(&self.name, &PatchParams::default(), &Patch::Merge(&patch)).await
    }

    /// Removes the slot from the status of the `ALMTenant`, as a restore of a backup without status does.
    pub async fn lose_record(&self) {
        let patch = serde_json::json!({ "status": { "slot": null } });
        let patched = self.tenants().patch_status(&self.name, &PatchParams::default(), &Patch::Merge(&patch)).await;
        patched.expect("the status can be patched");
    }

    /// Deletes the `ALMTenant`. Its finalizer may keep it for a while.
    pub async fn begin_tenant_deletion(&self) {
        let deleted = self.tenants().delete(&self.name, &DeleteParams::default()).await;
        deleted.expect("the ALMTenant can be deleted");
    }

    /// Waits until the `ALMTenant` of this name no longer exists.
    pub async fn await_tenant_gone(&self, name: &str) {
        wait_until_gone(self.tenants(), name).await;
    }

    /// Waits until `Ready` of the `ALMTenant` of this name has this status and reason for the current generation.
    pub async fn await_tenant(&self, name: &str, status: &str, reason: &str) -> ALMTenant {
        self.await_tenant_as(name, &format!("Ready={status}/{reason}"), |tenant| {
            let observed = tenant.status.as_ref().map(|status| status.observed_generation);
            let ready = tenant_condition(tenant, "Ready");
            observed == tenant.metadata.generation && ready == (status.into(), reason.into())
        })
        .await
    }

    /// Waits until the `ALMTenant` of this name satisfies a predicate.
    pub async fn await_tenant_as(&self, name: &str, what: &str, predicate: impl Fn(&ALMTenant) -> bool) -> ALMTenant {
        let watch = watcher(self.tenants(), watcher::Config::default().fields(&format!("metadata.name={name}")));
        let mut objects = watch.default_backoff().applied_objects().boxed();
        wait_for(&format!("ALMTenant {name} to be {what}"), async {
            while let Some(tenant) = objects.try_next().await.expect("ALMTenants can be watched") {
                if predicate(&tenant) {
                    return tenant;
                }
            }
            panic!("the watch of ALMTenant {name} ended")
        })
        .await
    }
}

/// Returns status and reason of a condition; both are empty if the condition is absent.
pub fn tenant_condition(tenant: &ALMTenant, kind: &str) -> (String, String) {
    let mut conditions = tenant.status.iter().flat_map(|status| &status.conditions);
    let condition = conditions.find(|condition| condition.type_ == kind);
    condition.map(|condition| (condition.status.clone(), condition.reason.clone())).unwrap_or_default()
}

/// Returns the message of a condition; empty if the condition is absent.
pub fn tenant_message(tenant: &ALMTenant, kind: &str) -> String {
    let mut conditions = tenant.status.iter().flat_map(|status| &status.conditions);
    let condition = conditions.find(|condition| condition.type_ == kind);
    condition.map(|condition| condition.message.clone()).unwrap_or_default()
}
