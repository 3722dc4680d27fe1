//! The rules of a tenant, as far as the user may read it.

use super::cluster::{Access, Kind, Tenant};
use super::key_file::KeyFlags;
use crate::api::ALMTenant;
use crate::api::resolve;
use crate::domain::policy::KeyRules;

/// The rules that a key is checked against.
pub(super) struct TenantRules {
    /// The rules.
    pub(super) rules: KeyRules,
    /// The tenant; none if its rules are not known, and those of the flags count.
    pub(super) tenant: Option<Box<ALMTenant>>,
    /// The rules that are not known, and why.
    pub(super) unchecked: Option<String>,
}

impl TenantRules {
    /// Returns the rules of the tenant called `name`, or those of the flags in their place.
    pub(super) fn new(name: &str, tenant: Tenant, flags: &KeyFlags) -> Self {
        let why = match tenant {
            Tenant::Found(tenant) => {
                return Self { rules: resolve::rules(&tenant.spec), tenant: Some(tenant), unchecked: None };
            }
            Tenant::Missing => "which does not exist".to_owned(),
            Tenant::Undecodable => "which this version of almkey cannot decode".to_owned(),
            Tenant::Forbidden => {
                let access = Access { verb: "get", kind: Kind::Tenants, namespace: None };
                format!("which you may not read ({})", access.role())
            }
        };
        let unchecked = format!(
            "identity zone, types of credentials, hosts, services and scopes by ALMTenant \"{name}\", {why}: the options \
             of this command counted instead"
        );
        Self { rules: flags.rules(), tenant: None, unchecked: Some(unchecked) }
    }
}
