//! Duplicate tenants: of several `ALMTenant`s with one identity zone, the oldest is used.

use kube::ResourceExt;
use kube::runtime::reflector::Store;

use crate::api::ALMTenant;
use crate::cluster::identity::Uid;

/// Returns the names of all tenants with an identity zone.
pub(crate) fn names_in_zone(tenants: &Store<ALMTenant>, identity_zone: &str) -> Vec<String> {
    let tenants = tenants.state();
    let in_zone = tenants.iter().filter(|tenant| is_same_zone(&tenant.spec.identity_zone, identity_zone));
    in_zone.map(|tenant| tenant.name_any()).collect()
}

/// Returns the name of the oldest tenant that is older and has the same identity zone, if there is one.
pub(crate) fn find_older(tenants: &Store<ALMTenant>, tenant: &ALMTenant) -> Option<String> {
    let age = |tenant: &ALMTenant| (tenant.creation_timestamp(), tenant.name_any());
    let uid = Uid::new(tenant);
    let tenants = tenants.state();
    let older = tenants.iter().map(AsRef::as_ref).filter(|other: &&ALMTenant| {
        let is_duplicate = is_same_zone(&other.spec.identity_zone, &tenant.spec.identity_zone);
        is_duplicate && Uid::new(*other) != uid && age(other) < age(tenant)
    });
    older.min_by_key(|other| age(other)).map(ResourceExt::name_any)
}

/// Returns true if two identity zones are the same: they are labels of host names.
fn is_same_zone(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

/// Returns the message about the younger tenant.
pub(crate) fn message(name: &str, older: &str) -> String {
    format!(
        "ALMTenant \"{older}\" is older and has the same spec.identityZone: \"{name}\" is not used; delete one of the two"
    )
}
