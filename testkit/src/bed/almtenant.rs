//! `ALMTenant`s, as a cluster admin writes and reads them.

use alm_key_operator::api::ALMTenant;
use futures::{StreamExt, TryStreamExt};
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams};
use kube::runtime::{WatchStreamExt, watcher};
use serde_json::Value;

use super::Tenant;
use super::cluster::patiently;
use super::waiting::gone;

impl Tenant<'_> {
    /// The `ALMTenant`s.
    pub fn tenants(&self) -> Api<ALMTenant> {
        Api::all(self.client.clone())
    }

    /// Changes its `ALMTenant`.
    pub async fn patch_tenant(&self, patch: Value) -> ALMTenant {
        let patched = self.tenants().patch(&self.name, &PatchParams::default(), &Patch::Merge(&patch)).await;
        patched.expect("it can be changed")
    }

    /// Deletes its `ALMTenant`; it may stay for its finalizer.
    pub async fn begin_tenant_deletion(&self) {
        self.tenants().delete(&self.name, &DeleteParams::default()).await.expect("it can be deleted");
    }

    /// Waits until the `ALMTenant` of this name has gone.
    pub async fn await_tenant_gone(&self, name: &str) {
        gone(self.tenants(), name).await;
    }

    /// Waits until `Ready` of the `ALMTenant` of this name has this status and reason, for the generation that stands.
    pub async fn await_tenant(&self, name: &str, status: &str, reason: &str) -> ALMTenant {
        self.await_tenant_as(name, &format!("Ready={status}/{reason}"), |tenant| {
            let seen = tenant.status.as_ref().map(|status| status.observed_generation);
            let ready = tenant_condition(tenant, "Ready");
            seen == tenant.metadata.generation && ready == (status.into(), reason.into())
        })
        .await
    }

    /// Waits until the `ALMTenant` of this name is as wanted.
    pub async fn await_tenant_as(&self, name: &str, what: &str, wanted: impl Fn(&ALMTenant) -> bool) -> ALMTenant {
        let watch = watcher(self.tenants(), watcher::Config::default().fields(&format!("metadata.name={name}")));
        let mut objects = watch.default_backoff().applied_objects().boxed();
        patiently(&format!("ALMTenant {name} to be {what}"), async {
            while let Some(tenant) = objects.try_next().await.expect("it can be watched") {
                if wanted(&tenant) {
                    return tenant;
                }
            }
            panic!("the watch of ALMTenant {name} ended")
        })
        .await
    }
}

/// Status and reason of a condition; empty if it is not there.
pub fn tenant_condition(tenant: &ALMTenant, kind: &str) -> (String, String) {
    let found = tenant.status.iter().flat_map(|status| &status.conditions).find(|found| found.type_ == kind);
    found.map(|found| (found.status.clone(), found.reason.clone())).unwrap_or_default()
}

/// Message of a condition; empty if it is not there.
pub fn tenant_message(tenant: &ALMTenant, kind: &str) -> String {
    let found = tenant.status.iter().flat_map(|status| &status.conditions).find(|found| found.type_ == kind);
    found.map(|found| found.message.clone()).unwrap_or_default()
}
