//! The parser of keys.

use std::collections::BTreeSet;

use alm_key_operator::domain::policy::{HostList, KeyRules};
use alm_key_operator::domain::service_key::{Findings, MAX_BYTES, MAX_DEPTH, ServiceKey, read_object};
use secrecy::ExposeSecret;
use serde_json::{Map, Value};

use super::messages;

/// More than the findings of one document say together: they become one message in a status.
const LONGEST: usize = 16 * 1024;

/// The rules by which keys are read here.
pub fn rules() -> KeyRules {
    KeyRules {
        identity_zone: Some("acme-calm".into()),
        accepted_credential_types: vec!["instance-secret".into()],
        token_hosts: Some(HostList::sap_default("acme-calm")),
        endpoint_hosts: Some(HostList::sap_endpoints()),
    }
}

/// Those of a file that nobody has said more about.
fn of_any_tenant() -> KeyRules {
    KeyRules { identity_zone: None, token_hosts: None, ..rules() }
}

/// What is read keeps the limits, and no field of it stands twice; a key keeps the rules, and is the same key when the
/// slot gives it back; of what is none, nothing is said but what may be said.
pub fn holds(bytes: &[u8]) {
    match read_object(bytes) {
        Ok(document) => is_within_limits(bytes, &document),
        Err(finding) => messages::nothing_of_the_document(&finding),
    }
    for rules in [rules(), of_any_tenant(), rules().for_slot()] {
        match ServiceKey::parse(bytes, &rules) {
            Ok(key) => is_a_key(&key, &rules),
            Err(findings) => are_told(&findings),
        }
    }
}

fn is_within_limits(bytes: &[u8], document: &Map<String, Value>) {
    assert!(bytes.len() <= MAX_BYTES, "{} bytes", bytes.len());
    let depth = document.values().map(depth).max().unwrap_or_default() + 1;
    assert!(depth <= MAX_DEPTH, "{depth} levels");
    // Another reader takes one of two fields of the same name: it reads the same thing only where there are none.
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let other: Value = serde_json::from_slice(text).expect("what one reader reads, the other does too");
    assert_eq!(other.as_object(), Some(document));
    assert_eq!(colons(text), fields(&other), "a field stands twice");
}

/// Colons of a text in JSON that stand outside its strings: there is one for each field, also for one that stands twice.
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

/// Levels of nesting below a value, an array or object being one.
fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or_default(),
        Value::Object(fields) => 1 + fields.values().map(depth).max().unwrap_or_default(),
        _ => 0,
    }
}

fn fields(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.iter().map(fields).sum(),
        Value::Object(object) => object.len() + object.values().map(fields).sum::<usize>(),
        _ => 0,
    }
}

/// A key keeps the rules, shows nothing, and is itself when it is read back.
pub fn is_a_key(key: &ServiceKey, rules: &KeyRules) {
    assert!(rules.identity_zone.as_deref().is_none_or(|zone| zone == key.identity_zone()));
    assert!(rules.accepted_credential_types.iter().any(|kind| kind == key.credential_type()));
    assert!(!key.client_id().is_empty() && !key.client_secret().expose_secret().is_empty());
    let url = key.url();
    assert_eq!(url.scheme(), "https");
    assert!(url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none());
    let host = url.host_str().unwrap_or_default();
    let zone = key.identity_zone().to_ascii_lowercase();
    assert!(
        host.starts_with(&format!("{zone}.authentication.")) && host.ends_with(".hana.ondemand.com"),
        "a key of {zone} signs in at {host}"
    );
    let fingerprint = key.fingerprint();
    assert_eq!(format!("{key:?}"), format!("ServiceKey {{ fingerprint: {fingerprint:?}, .. }}"));
    let document = key.document().expose_secret();
    assert!(document.len() <= MAX_BYTES, "{} bytes are uploaded", document.len());
    let read_back = ServiceKey::parse(document.as_bytes(), rules).expect("the slot gives back what can be read");
    assert_eq!(read_back.fingerprint(), fingerprint);
}

/// All that is wrong is told once, and in a length that a status can hold.
pub fn are_told(findings: &Findings) {
    findings.iter().for_each(messages::nothing_of_the_document);
    let distinct: BTreeSet<_> = findings.iter().map(ToString::to_string).collect();
    assert_eq!(distinct.len(), findings.iter().count(), "the same is told twice: {findings}");
    assert!(findings.to_string().len() <= LONGEST, "{} bytes", findings.to_string().len());
}
