//! The parser of keys.

use std::collections::BTreeSet;

use alm_key_operator::domain::policy::{HostList, KeyRules};
use alm_key_operator::domain::service_key::{Findings, MAX_BYTES, MAX_DEPTH, ServiceKey, read_object};
use secrecy::ExposeSecret;
use serde_json::{Map, Value};

use super::messages;

/// Upper bound of the findings of one document, in bytes: they become one message in a status.
const MAX_MESSAGES: usize = 16 * 1024;

/// Returns the rules of a tenant.
pub fn rules() -> KeyRules {
    KeyRules {
        identity_zone: Some("acme-calm".into()),
        accepted_credential_types: vec!["instance-secret".into()],
        token_hosts: Some(HostList::sap_default("acme-calm")),
        endpoint_hosts: Some(HostList::sap_endpoints()),
        accepted_services: Some(Vec::new()),
    }
}

/// Returns the rules of a file whose tenant is unknown.
fn rules_of_any_tenant() -> KeyRules {
    KeyRules { identity_zone: None, token_hosts: None, ..rules() }
}

/// Checks that a document that is read keeps the limits and has no duplicate field, that a key keeps the rules and survives
/// a round trip, and that messages quote nothing of the document.
pub fn check(bytes: &[u8]) {
    match read_object(bytes) {
        Ok(document) => check_limits(bytes, &document),
        Err(finding) => messages::check_finding(&finding),
    }
    for rules in [rules(), rules_of_any_tenant(), rules().for_slot()] {
        match ServiceKey::parse(bytes, &rules) {
            Ok(key) => check_key(&key, &rules),
            Err(findings) => check_findings(&findings),
        }
    }
}

fn check_limits(bytes: &[u8], document: &Map<String, Value>) {
    assert!(bytes.len() <= MAX_BYTES, "{} bytes", bytes.len());
    let depth = document.values().map(depth).max().unwrap_or_default() + 1;
    assert!(depth <= MAX_DEPTH, "{depth} levels");
    // Another reader picks one of two fields of the same name, so that both agree only if there are no duplicates.
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let other: Value = serde_json::from_slice(text).expect("both readers accept the same documents");
    assert_eq!(other.as_object(), Some(document));
    assert_eq!(colons(text), fields(&other), "there is a duplicate field");
}

/// Counts the colons outside the strings of a JSON text: one for each field, also for a duplicate one.
fn colons(text: &[u8]) -> usize {
    let (mut colons, mut in_string, mut escaped) = (0, false, false);
    for byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b':' if !in_string => colons += 1,
            _ => {}
        }
    }
    colons
}

/// Returns the levels of nesting of a value, one for each array or object.
fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or_default(),
        Value::Object(fields) => 1 + fields.values().map(depth).max().unwrap_or_default(),
        _ => 0,
    }
}

/// Counts the fields of all objects in a value.
fn fields(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.iter().map(fields).sum(),
        Value::Object(object) => object.len() + object.values().map(fields).sum::<usize>(),
        _ => 0,
    }
}

/// Checks that a key keeps the rules, that its debug output shows no secret, and that reading it back gives the same key.
pub fn check_key(key: &ServiceKey, rules: &KeyRules) {
    assert!(rules.identity_zone.as_deref().is_none_or(|zone| zone.eq_ignore_ascii_case(key.identity_zone())));
    assert!(rules.accepted_credential_types.iter().any(|kind| kind == key.credential_type()));
    assert!(!key.client_id().is_empty() && !key.client_secret().expose_secret().is_empty());
    let url = key.url();
    assert_eq!(url.scheme(), "https");
    assert!(url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none());
    let host = url.host_str().unwrap_or_default();
    let zone = key.identity_zone().to_ascii_lowercase();
    assert!(
        host.starts_with(&format!("{zone}.authentication."))
            && (host.ends_with(".hana.ondemand.com") || host.ends_with(".platform.sapcloud.cn")),
        "a key of {zone} signs in at {host}"
    );
    let fingerprint = key.fingerprint();
    assert_eq!(format!("{key:?}"), format!("ServiceKey {{ fingerprint: {fingerprint:?}, .. }}"));
    let document = key.document().expose_secret();
    assert!(document.len() <= MAX_BYTES, "{} bytes are uploaded", document.len());
    let read_back = ServiceKey::parse(document.as_bytes(), rules).expect("the slot returns a key that can be read");
    assert_eq!(read_back.fingerprint(), fingerprint);
}

/// Checks that each finding is reported once, and that a status can hold all of them.
pub fn check_findings(findings: &Findings) {
    findings.iter().for_each(messages::check_finding);
    let distinct: BTreeSet<_> = findings.iter().map(ToString::to_string).collect();
    assert_eq!(distinct.len(), findings.iter().count(), "a finding is reported twice: {findings}");
    assert!(findings.to_string().len() <= MAX_MESSAGES, "{} bytes", findings.to_string().len());
}
