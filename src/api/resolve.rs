//! Resolution of spec, tenant and defaults into a policy. Destructuring names every field, so that the compiler reports
//! a new field that is not resolved here.

use std::time::Duration;

use super::service_key::{ALMServiceKeySpec, DeadKey, DeadKeyAction, DeletionPolicy, Mode, Source};
use super::tenant::{ALMTenantSpec, AdoptionPolicy, CredentialType, Manual};
use crate::domain::policy::{
    self, DEFAULT_DEAD_AFTER, DEFAULT_FORBIDDEN_SCOPE, DEFAULT_INTERVAL, DEFAULT_SECRET_GRACE, DeadAction, HostList,
    KeyRules, Policy,
};

/// Resolves the policy of an object. Without a tenant, its rules admit no key.
#[must_use]
pub fn policy(spec: &ALMServiceKeySpec, tenant: Option<&ALMTenantSpec>) -> Policy {
    let ALMServiceKeySpec { tenant_ref: _, source, interval, grace_period, dead_key, deletion_policy, mode, suspend } =
        spec;
    let Source { service_binding_ref, secret_ref: _ } = source;
    let default_grace = if service_binding_ref.is_some() { Duration::ZERO } else { DEFAULT_SECRET_GRACE };
    let (action, after) = match dead_key {
        Some(DeadKey { action, after }) => (*action, *after),
        None => (None, None),
    };
    Policy {
        rules: tenant.map_or_else(no_rules, rules),
        interval: interval.map_or(DEFAULT_INTERVAL, super::duration::Duration::to_std),
        grace_period: grace_period.map_or(default_grace, super::duration::Duration::to_std),
        dead_after: after.map_or(DEFAULT_DEAD_AFTER, super::duration::Duration::to_std),
        dead_action: match action {
            Some(DeadKeyAction::Delete) | None => DeadAction::Delete,
            Some(DeadKeyAction::Report) => DeadAction::Report,
        },
        deletion: match deletion_policy {
            Some(DeletionPolicy::Delete) | None => policy::DeletionPolicy::Delete,
            Some(DeletionPolicy::Retain) => policy::DeletionPolicy::Retain,
        },
        adoption: tenant.map_or(policy::AdoptionPolicy::Never, adoption),
        forbidden_scopes: tenant.map(forbidden_scopes).unwrap_or_default(),
        mode: match mode {
            Some(Mode::Enforce) | None => policy::Mode::Enforce,
            Some(Mode::Observe) => policy::Mode::Observe,
        },
        suspend: suspend.unwrap_or(false),
        adapter: tenant.map_or(policy::Adapter::Http, adapter),
    }
}

/// Returns the way to the slot of a tenant.
#[must_use]
pub fn adapter(tenant: &ALMTenantSpec) -> policy::Adapter {
    match tenant.landscape_management.manual {
        Some(Manual {}) => policy::Adapter::Manual,
        None => policy::Adapter::Http,
    }
}

fn adoption(tenant: &ALMTenantSpec) -> policy::AdoptionPolicy {
    match tenant.adoption_policy {
        Some(AdoptionPolicy::Never) => policy::AdoptionPolicy::Never,
        Some(AdoptionPolicy::IfIdentical) | None => policy::AdoptionPolicy::IfIdentical,
        Some(AdoptionPolicy::Replace) => policy::AdoptionPolicy::Replace,
    }
}

/// Returns the suffixes of scopes that a key of the tenant must not have.
#[must_use]
pub fn forbidden_scopes(tenant: &ALMTenantSpec) -> Vec<String> {
    tenant.forbidden_scopes.clone().unwrap_or_else(|| vec![DEFAULT_FORBIDDEN_SCOPE.to_owned()])
}

/// Resolves the rules for the keys of a tenant.
#[must_use]
pub fn rules(tenant: &ALMTenantSpec) -> KeyRules {
    let ALMTenantSpec {
        identity_zone,
        landscape_management: _,
        allowed_namespaces: _,
        sign_in,
        accepted_credential_types,
        endpoint_hosts,
        accepted_services,
        forbidden_scopes: _,
        adoption_policy: _,
    } = tenant;
    let hosts = sign_in.as_ref().and_then(|sign_in| sign_in.hosts.clone());
    let accepted = accepted_credential_types.as_deref().unwrap_or(&[CredentialType::InstanceSecret]);
    KeyRules {
        identity_zone: Some(identity_zone.clone()),
        accepted_credential_types: accepted.iter().map(|kind| kind.as_str().to_owned()).collect(),
        token_hosts: Some(hosts.map_or_else(|| HostList::sap_default(identity_zone), HostList::new)),
        endpoint_hosts: Some(endpoint_hosts.clone().map_or_else(HostList::sap_endpoints, HostList::domains)),
        accepted_services: Some(accepted_services.clone().unwrap_or_default()),
    }
}

fn no_rules() -> KeyRules {
    KeyRules {
        identity_zone: Some(String::new()),
        accepted_credential_types: Vec::new(),
        token_hosts: Some(HostList::new(Vec::new())),
        endpoint_hosts: Some(HostList::domains(Vec::new())),
        accepted_services: Some(Vec::new()),
    }
}

/// Returns true if the tenant admits the namespace.
#[must_use]
pub fn admits(tenant: &ALMTenantSpec, namespace: &str) -> bool {
    tenant.allowed_namespaces.iter().any(|allowed| allowed == "*" || allowed == namespace)
}
