//! The tenant of a key, as far as the user may read it.

use super::access::{Access, Kind};
use super::{Cluster, Failure};
use crate::api::ALMTenant;

/// The tenant of a key.
pub(in crate::cli) enum Tenant {
    /// The tenant exists.
    Found(Box<ALMTenant>),
    /// No such tenant exists.
    Missing,
    /// This program cannot decode it.
    Undecodable,
    /// The user may not read tenants.
    Forbidden,
}

impl Tenant {
    /// Returns true if the tenant is known to be in manual mode.
    pub(in crate::cli) fn is_manual(&self) -> bool {
        matches!(self, Self::Found(tenant) if tenant.spec.landscape_management.manual.is_some())
    }
}

impl Cluster {
    /// Reads a tenant.
    pub(in crate::cli) async fn tenant(&self, name: &str) -> Result<Tenant, Failure> {
        let access = Access { verb: "get", kind: Kind::Tenants, namespace: None };
        let api = self.objects(Kind::Tenants, None);
        Ok(match self.call(access, api.get_opt(name)).await {
            Ok(Some(tenant)) => {
                tenant.try_parse().map_or(Tenant::Undecodable, |tenant| Tenant::Found(Box::new(tenant)))
            }
            Ok(None) => Tenant::Missing,
            Err(failure) if failure.is_forbidden() => Tenant::Forbidden,
            Err(failure) => return Err(failure),
        })
    }
}
