//! Versions of the operator's credentials, so that an object that waits for corrected ones is reconciled again.

use std::collections::HashMap;
use std::sync::Mutex;

use kube::ResourceExt;
use kube::runtime::reflector::Store;

use crate::api::ALMTenant;
use crate::process::lock::lock;

/// The `resourceVersion` of each Secret in the operator's namespace, as the watch has seen it.
#[derive(Default)]
pub(crate) struct CredentialVersions(Mutex<HashMap<String, String>>);

impl CredentialVersions {
    /// Records the version of a Secret; none if the Secret was deleted.
    pub(crate) fn record(&self, secret: &str, version: Option<String>) {
        let mut versions = lock(&self.0);
        match version {
            Some(version) => versions.insert(secret.to_owned(), version),
            None => versions.remove(secret),
        };
    }

    /// Returns the version that was recorded last; empty if there is none.
    pub(crate) fn latest(&self, secret: &str) -> String {
        lock(&self.0).get(secret).cloned().unwrap_or_default()
    }
}

/// Returns the names of the tenants for which the operator signs in with a Secret.
pub(crate) fn tenants_using(tenants: &Store<ALMTenant>, secret: &str) -> Vec<String> {
    let tenants = tenants.state();
    let uses = |tenant: &ALMTenant| tenant.spec.landscape_management.http.oauth2.secret_ref.name == secret;
    tenants.iter().filter(|tenant| uses(tenant)).map(|tenant| tenant.name_any()).collect()
}
