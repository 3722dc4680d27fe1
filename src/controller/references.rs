//! Objects of the operator's namespace that tenants name, and their versions: a connection is made anew when one of them
//! changes, and an object that waits for a corrected one is reconciled again.

use std::collections::HashMap;
use std::sync::Mutex;

use kube::ResourceExt;
use kube::runtime::reflector::Store;

use crate::api::ALMTenant;
use crate::api::tenant::{ALMTenantSpec, CaBundleRef, ObjectKind, SignIn};
use crate::process::lock::lock;

/// An object in the operator's namespace.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Reference {
    pub(crate) kind: ObjectKind,
    pub(crate) name: String,
}

impl From<&CaBundleRef> for Reference {
    fn from(CaBundleRef { kind, name, key: _ }: &CaBundleRef) -> Self {
        Self { kind: *kind, name: name.clone() }
    }
}

/// The `resourceVersion` of each object that can be named, as the watches have seen it.
#[derive(Default)]
pub(crate) struct ReferenceVersions(Mutex<HashMap<Reference, String>>);

impl ReferenceVersions {
    /// Records the version of an object; none if the object was deleted.
    pub(crate) fn record(&self, object: &Reference, version: Option<String>) {
        let mut versions = lock(&self.0);
        match version {
            Some(version) => versions.insert(object.clone(), version),
            None => versions.remove(object),
        };
    }

    /// Drops the objects that a predicate does not hold for, and returns them.
    pub(crate) fn retain(&self, keep: impl Fn(&Reference) -> bool) -> Vec<Reference> {
        lock(&self.0).extract_if(|object, _| !keep(object)).map(|(object, _)| object).collect()
    }

    /// Returns the version that was recorded last; empty if there is none.
    pub(crate) fn latest(&self, object: &Reference) -> String {
        lock(&self.0).get(object).cloned().unwrap_or_default()
    }

    /// Returns a text that changes if and only if the version of an object changes that the tenant names.
    pub(crate) fn summary(&self, tenant: &ALMTenantSpec) -> String {
        named_by(tenant).iter().map(|object| self.latest(object)).collect::<Vec<_>>().join(" ")
    }
}

/// Returns the objects that a tenant names: the operator's credentials, and CA bundles.
fn named_by(tenant: &ALMTenantSpec) -> Vec<Reference> {
    let http = tenant.landscape_management.http.as_ref();
    let credentials =
        http.map(|http| Reference { kind: ObjectKind::Secret, name: http.oauth2.secret_ref.name.clone() });
    let sign_in = tenant.sign_in.as_ref().and_then(|SignIn { ca_bundle_ref, .. }| ca_bundle_ref.as_ref());
    let bundles = [http.and_then(|http| http.ca_bundle_ref.as_ref()), sign_in];
    credentials.into_iter().chain(bundles.into_iter().flatten().map(Reference::from)).collect()
}

/// Returns the names of the tenants that name an object.
pub(crate) fn tenants_naming(tenants: &Store<ALMTenant>, object: &Reference) -> Vec<String> {
    let tenants = tenants.state();
    let naming = tenants.iter().filter(|tenant| named_by(&tenant.spec).contains(object));
    naming.map(|tenant| tenant.name_any()).collect()
}
