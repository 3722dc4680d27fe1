//! Files that the command line reads: a key, or the manifest of a Secret.

use alm_key_operator::domain::service_key::ServiceKey;
use alm_key_operator::source::manifest::document;

use super::messages;
use super::service_key::{check_findings, check_key, rules};

/// Checks that messages quote nothing of a file but valid names of entries, and that a key found in it keeps the rules.
pub fn check(bytes: &[u8]) {
    match document(bytes, None) {
        Ok(document) => match ServiceKey::from_document(document, &rules()) {
            Ok(key) => check_key(&key, &rules()),
            Err(findings) => check_findings(&findings),
        },
        Err(mut finding) => {
            // The name of an entry is the one quotation, so that the author of the manifest finds the place.
            if let Some((_, rest)) = finding.found.split_once("the entry \"").filter(|_| finding.path != "$") {
                let (name, rest) = rest.split_once('"').expect("the end of a name");
                assert!(name.len() <= 63 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b)));
                finding.found = format!("an entry{rest}");
            }
            messages::check_finding(&finding);
        }
    }
}
