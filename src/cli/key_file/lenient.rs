//! A key whatever the rules of its tenant: a fingerprint depends on none of them.

use serde_json::{Map, Value};
use url::Url;

use crate::domain::policy::{HostList, KeyRules};
use crate::domain::service_key::{Findings, ServiceKey};

/// Returns the key in a document, which need not meet the rules of a tenant. It must not be sent anywhere.
///
/// # Errors
/// The document is no key.
pub(in crate::cli) fn parse(document: Map<String, Value>) -> Result<ServiceKey, Findings> {
    let url = document.get("uaa").and_then(|uaa| Url::parse(uaa.get("url")?.as_str()?).ok());
    let host = url.and_then(|url| Some(format!("{}:{}", url.host_str()?, url.port_or_known_default()?)));
    ServiceKey::from_document(document, &rules(host))
}

/// Returns rules that each document with complete credentials for this host meets.
pub(in crate::cli) fn rules(token_host: Option<String>) -> KeyRules {
    KeyRules {
        identity_zone: None,
        accepted_credential_types: ["instance-secret", "binding-secret"].map(str::to_owned).to_vec(),
        token_hosts: token_host.map(|host| HostList::new(vec![host])),
        endpoint_hosts: None,
        accepted_services: None,
    }
}
