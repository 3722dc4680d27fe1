//! Files for the command line: a key, or the manifest of a Secret.

use alm_key_operator::domain::service_key::ServiceKey;
use alm_key_operator::source::manifest::document;

use super::service_key::{are_told, is_a_key, rules};

/// Of whatever a file holds, only names that can be those of entries are told; a key that is found in it keeps the rules.
pub fn hold(bytes: &[u8]) {
    match document(bytes, None) {
        Ok(found) => match ServiceKey::from_document(found, &rules()) {
            Ok(key) => is_a_key(&key, &rules()),
            Err(findings) => are_told(&findings),
        },
        Err(mut finding) => {
            // The one word of a manifest that is told: who maintains it must find the place.
            if let Some((_, rest)) = finding.found.split_once("the entry \"").filter(|_| finding.path != "$") {
                let (name, rest) = rest.split_once('"').expect("the end of a name");
                assert!(name.len() <= 63 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b)));
                finding.found = format!("an entry{rest}");
            }
            super::messages::nothing_of_the_document(&finding);
        }
    }
}
