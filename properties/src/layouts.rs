//! The layouts in which Secrets hold keys. Input: name, value, name, value …, separated by 0xff.

use std::collections::BTreeMap;

use alm_key_operator::domain::service_key::ServiceKey;
use alm_key_operator::source::layout::document;
use k8s_openapi::ByteString;

use super::input::{parts, text};
use super::messages;
use super::service_key::{check_findings, check_key, rules};

/// Checks that messages quote nothing of a Secret, and that a key found in it keeps the rules and survives a round trip.
pub fn check(bytes: &[u8]) {
    let mut data = BTreeMap::new();
    let mut parts = parts(bytes);
    while let Some(name) = parts.next() {
        data.insert(text(Some(name)), ByteString(parts.next().unwrap_or_default().to_vec()));
    }
    for entry in [None, Some("named")] {
        match document(&data, entry) {
            Ok(document) => match ServiceKey::from_document(document, &rules()) {
                Ok(key) => check_key(&key, &rules()),
                Err(findings) => check_findings(&findings),
            },
            Err(finding) => messages::check_finding(&finding),
        }
    }
}
