//! The layouts in which Secrets hold keys. Input: name, value, name, value …, with 0xff between them.

use std::collections::BTreeMap;

use alm_key_operator::domain::service_key::ServiceKey;
use alm_key_operator::source::layout::document;
use k8s_openapi::ByteString;

use super::service_key::{are_told, is_a_key, rules};
use super::{messages, parts, text};

/// Of whatever a Secret holds, nothing is told but what may be told; a key that is found in it keeps the rules, and is
/// itself when the slot gives it back.
pub fn hold(bytes: &[u8]) {
    let mut data = BTreeMap::new();
    let mut parts = parts(bytes);
    while let Some(name) = parts.next() {
        data.insert(text(Some(name)), ByteString(parts.next().unwrap_or_default().to_vec()));
    }
    for entry in [None, Some("named")] {
        match document(&data, entry) {
            Ok(found) => match ServiceKey::from_document(found, &rules()) {
                Ok(key) => is_a_key(&key, &rules()),
                Err(findings) => are_told(&findings),
            },
            Err(finding) => messages::nothing_of_the_document(&finding),
        }
    }
}
