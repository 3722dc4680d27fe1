//! Keys for unit tests. The credentials are invented.

use std::time::Duration;

use serde_json::{Value, json};

use super::ServiceKey;
use crate::domain::policy::{
    Adapter, AdoptionPolicy, DEFAULT_DEAD_AFTER, DEFAULT_FORBIDDEN_SCOPE, DEFAULT_INTERVAL, DeadAction, DeletionPolicy,
    HostList, KeyRules, Mode, Policy,
};

/// Returns the rules of the tenant `acme-calm`.
pub(crate) fn rules() -> KeyRules {
    KeyRules {
        identity_zone: Some("acme-calm".into()),
        accepted_credential_types: vec!["instance-secret".into()],
        token_hosts: Some(HostList::sap_default("acme-calm")),
        endpoint_hosts: Some(HostList::sap_endpoints()),
        accepted_services: Some(Vec::new()),
    }
}

/// Returns the default settings of an object of that tenant, without a grace period.
pub(crate) fn policy() -> Policy {
    Policy {
        rules: rules(),
        interval: DEFAULT_INTERVAL,
        grace_period: Duration::ZERO,
        dead_after: DEFAULT_DEAD_AFTER,
        dead_action: DeadAction::Delete,
        deletion: DeletionPolicy::Delete,
        adoption: AdoptionPolicy::IfIdentical,
        forbidden_scopes: vec![DEFAULT_FORBIDDEN_SCOPE.into()],
        mode: Mode::Enforce,
        suspend: false,
        adapter: Adapter::Http,
    }
}

/// Returns a document that complies with all rules.
pub(crate) fn document() -> Value {
    json!({
        "endpoints": { "Api": "https://eu10.alm.cloud.sap/api" },
        "uaa": {
            "clientid": "sb-acme-calm!b1234|sapcloudalm!b16907",
            "clientsecret": "CANARY+with/special=characters$",
            "url": "https://acme-calm.authentication.eu10.hana.ondemand.com",
            "identityzone": "acme-calm",
            "credential-type": "instance-secret",
        }
    })
}

/// Returns a valid key.
pub(crate) fn key() -> ServiceKey {
    key_with(|_| {})
}

/// Returns a valid key after `change`.
pub(crate) fn key_with(change: impl FnOnce(&mut Value)) -> ServiceKey {
    let mut document = document();
    change(&mut document);
    ServiceKey::parse(document.to_string().as_bytes(), &rules()).expect("the example is valid")
}

/// Returns a valid key with another secret.
pub(crate) fn key_with_secret(secret: &str) -> ServiceKey {
    key_with(|document| document["uaa"]["clientsecret"] = secret.into())
}
