//! Two `ALMTenant`s for one tenant: the older one counts.

use kube::ResourceExt;
use kube::runtime::reflector::Store;

use crate::api::ALMTenant;

/// Names of all tenants, this one included, with the same identity zone.
pub(crate) fn of_zone(tenants: &Store<ALMTenant>, identity_zone: &str) -> Vec<String> {
    let tenants = tenants.state();
    let same = tenants.iter().filter(|tenant| tenant.spec.identity_zone == identity_zone);
    same.map(|tenant| tenant.name_any()).collect()
}

/// The name of an older tenant with the same identity zone, if there is one.
pub(crate) fn older(tenants: &Store<ALMTenant>, tenant: &ALMTenant) -> Option<String> {
    let age = |tenant: &ALMTenant| (tenant.creation_timestamp(), tenant.name_any());
    let tenants = tenants.state();
    let twins = tenants.iter().filter(|other| {
        let other: &ALMTenant = other;
        other.spec.identity_zone == tenant.spec.identity_zone && other.uid() != tenant.uid() && age(other) < age(tenant)
    });
    twins.min_by_key(|other| age(other)).map(|other| other.name_any())
}

/// What is said of the younger one.
pub(crate) fn message(name: &str, older: &str) -> String {
    format!(
        "ALMTenant \"{older}\" is older and has the same spec.identityZone: \"{name}\" is not used; delete one of the two"
    )
}
