//! The finalizer of an `ALMTenant`: it must not go while something of a key that names it stands in its slot.

use kube::api::{ListParams, Patch, PatchParams};
use kube::{Api, Client, ResourceExt};
use serde_json::json;

use crate::api::{ALMServiceKey, ALMTenant};
use crate::cluster::{CallError, call, find};
use crate::controller::watch::PAGE;
use crate::names::{FIELD_MANAGER, TENANT_FINALIZER};

/// A tenant that is kept, or let go.
pub(crate) struct Hold {
    client: Client,
    tenant: ALMTenant,
}

impl Hold {
    /// On the tenant as it was read.
    pub(crate) fn on(client: Client, tenant: ALMTenant) -> Self {
        Self { client, tenant }
    }

    /// Ensures that the tenant cannot go. One that is going already takes no finalizer any more.
    pub(crate) async fn keep(self) -> Result<(), CallError> {
        if self.is_kept() || self.tenant.metadata.deletion_timestamp.is_some() {
            return Ok(());
        }
        let mut finalizers = self.tenant.finalizers().to_vec();
        finalizers.push(TENANT_FINALIZER.into());
        self.write(&finalizers).await?;
        Ok(())
    }

    /// Whether it carries the finalizer.
    pub(crate) fn is_kept(&self) -> bool {
        self.tenant.finalizers().iter().any(|finalizer| finalizer == TENANT_FINALIZER)
    }

    /// The keys for whose sake it is kept, as `namespace/name`, by a live list.
    pub(crate) async fn reasons(&self) -> Result<Vec<String>, CallError> {
        let keys: Api<ALMServiceKey> = Api::all(self.client.clone());
        let of_this = format!("spec.tenantRef.name={}", self.tenant.name_any());
        // Anybody may make objects that name it, as many and as large as they like.
        let mut page = ListParams::default().fields(&of_this).limit(PAGE);
        let is_open = |key: &ALMServiceKey| key.status.as_ref().is_some_and(|status| status.ledger().is_open());
        let mut names = Vec::new();
        loop {
            let found = call(keys.list(&page)).await?;
            let open = found.items.iter().filter(|key| is_open(key));
            names.extend(open.map(|key| format!("{}/{}", key.namespace().unwrap_or_default(), key.name_any())));
            page.continue_token = found.metadata.continue_.filter(|token| !token.is_empty());
            if page.continue_token.is_none() {
                break;
            }
        }
        names.sort();
        Ok(names)
    }

    /// Lets it go. Answers with the tenant as it is then; none if it is gone.
    pub(crate) async fn release(self) -> Result<Option<ALMTenant>, CallError> {
        let mut finalizers = self.tenant.finalizers().to_vec();
        finalizers.retain(|finalizer| finalizer != TENANT_FINALIZER);
        self.write(&finalizers).await
    }

    async fn write(&self, finalizers: &[String]) -> Result<Option<ALMTenant>, CallError> {
        let api: Api<ALMTenant> = Api::all(self.client.clone());
        let patch = json!({ "metadata": {
            "uid": self.tenant.uid(),
            "resourceVersion": self.tenant.resource_version(),
            "finalizers": finalizers,
        }});
        let parameters = PatchParams { field_manager: Some(FIELD_MANAGER.into()), ..PatchParams::default() };
        find(api.patch(&self.tenant.name_any(), &parameters, &Patch::Merge(&patch))).await
    }
}
