//! Identifiers that distinguish keys without revealing anything about them.
//!
//! Two keys can be the same in three ways, and each comparison needs one of them:
//!
//! - The same credentials sign in as the same client. A verdict of a token endpoint, a probe and a hand-over speak of
//!   credentials.
//! - The same key has the same credentials and the same endpoints, which is what managed systems use. A key that the
//!   operator did not put into the slot is compared in this way.
//! - The same document has the same fields and values. A key that the operator put into the slot is compared in this
//!   way, so that each change of the source reaches the slot.

use std::fmt;
use std::marker::PhantomData;

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::rules;

/// The version of the computation, which a recorded fingerprint begins with. A fingerprint of another version means
/// "compare the content", never "upload again". Version 1 had no prefix, and covered the credentials alone.
const RECIPE: &str = "2:";

/// The first 16 bytes of a SHA-256 over a part of a key, in hexadecimal, after the version of the computation.
///
/// The hash is deliberately unkeyed: the secrets are long and random, so the fingerprint allows no guess.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint<Part> {
    text: String,
    part: PhantomData<Part>,
}

/// The part of a key that signs in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Credentials {}

/// The credentials and the endpoints.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {}

/// All fields of a key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Document {}

/// Identifies the credentials of a key.
pub type CredentialsFingerprint = Fingerprint<Credentials>;
/// Identifies the credentials and endpoints of a key.
pub type KeyFingerprint = Fingerprint<Key>;
/// Identifies the whole document of a key.
pub type DocumentFingerprint = Fingerprint<Document>;

impl CredentialsFingerprint {
    /// Computes the fingerprint of a key's credentials. The `clientid` alone does not identify a key, because a rotation
    /// of a `binding-secret` changes only the secret. Names of hosts and zones compare without regard to case.
    pub(super) fn of_credentials(credentials: &rules::Credentials) -> Self {
        Self::finish(hash_credentials("credentials", credentials))
    }
}

impl KeyFingerprint {
    /// Computes the fingerprint of a key's credentials and of its `endpoints`.
    pub(super) fn of_key(credentials: &rules::Credentials, document: &Map<String, Value>) -> Self {
        let mut hash = hash_credentials("key", credentials);
        add(&mut hash, &document.get("endpoints").map(Value::to_string).unwrap_or_default());
        Self::finish(hash)
    }
}

impl DocumentFingerprint {
    /// Computes the fingerprint of a document in its canonical form, which has no white space and sorted names.
    pub(super) fn of_document(canonical: &SecretString) -> Self {
        let mut hash = begin("document");
        add(&mut hash, canonical.expose_secret());
        Self::finish(hash)
    }
}

fn begin(part: &str) -> Sha256 {
    let mut hash = Sha256::new();
    add(&mut hash, RECIPE);
    add(&mut hash, part);
    hash
}

fn hash_credentials(part: &str, credentials: &rules::Credentials) -> Sha256 {
    let mut hash = begin(part);
    add(&mut hash, &credentials.identity_zone.to_ascii_lowercase());
    add(&mut hash, &credentials.client_id);
    add(&mut hash, credentials.client_secret.expose_secret());
    // A parsed URL has its host in lower case.
    add(&mut hash, credentials.url.as_str().trim_end_matches('/'));
    add(&mut hash, &credentials.credential_type);
    hash
}

/// Adds a value. The length before it distinguishes ("ab", "c") from ("a", "bc").
fn add(hash: &mut Sha256, value: &str) {
    hash.update((value.len() as u64).to_be_bytes());
    hash.update(value.as_bytes());
}

impl<Part> Fingerprint<Part> {
    fn finish(hash: Sha256) -> Self {
        let digest = hash.finalize();
        let high = digest.iter().take(16).fold(0_u128, |number, byte| (number << 8) | u128::from(*byte));
        Self::recorded(&format!("{RECIPE}{high:032x}"))
    }

    /// Restores a fingerprint from its recorded form, without validation.
    #[must_use]
    pub fn recorded(text: &str) -> Self {
        Self { text: text.to_owned(), part: PhantomData }
    }

    /// Parses a fingerprint of this version that a person entered; `None` if the text is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix(RECIPE)?;
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        (digits.len() == 32 && digits.bytes().all(is_digit)).then(|| Self::recorded(text))
    }

    /// Returns true if the fingerprint was computed as this version does. Only such fingerprints can be compared.
    #[must_use]
    pub fn is_comparable(&self) -> bool {
        self.text.starts_with(RECIPE)
    }

    /// Returns the recorded form: the version of the computation, a colon and 32 hexadecimal digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl<Part> fmt::Display for Fingerprint<Part> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl<Part> fmt::Debug for Fingerprint<Part> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::service_key::ServiceKey;
    use crate::domain::service_key::examples::{key, key_with, rules};

    /// Returns whether two keys have the same credentials, are the same key, and are the same document.
    fn compared(one: &ServiceKey, other: &ServiceKey) -> [bool; 3] {
        [
            one.credentials_fingerprint() == other.credentials_fingerprint(),
            one.fingerprint() == other.fingerprint(),
            one.document_fingerprint() == other.document_fingerprint(),
        ]
    }

    #[test]
    fn a_field_outside_credentials_and_endpoints_changes_the_document_alone() {
        let changed = key_with(|document| document["uaa"]["verificationkey"] = "another".into());
        assert_eq!(compared(&key(), &changed), [true, true, false]);
    }

    #[test]
    fn another_endpoint_is_another_key_with_the_same_credentials() {
        let moved = key_with(|document| document["endpoints"] = json!({ "Api": "https://eu10-004.alm.cloud.sap/api" }));
        assert_eq!(compared(&key(), &moved), [true, false, false]);
        let without = key_with(|document| {
            document.as_object_mut().expect("an object").remove("endpoints");
        });
        assert_eq!(compared(&key(), &without), [true, false, false]);
    }

    #[test]
    fn another_secret_of_the_same_client_changes_all_fingerprints() {
        let rotated = key_with(|document| document["uaa"]["clientsecret"] = "rotated".into());
        assert_eq!(compared(&key(), &rotated), [false, false, false]);
    }

    #[test]
    fn white_space_and_the_order_of_fields_change_no_fingerprint() {
        let texts = [
            r#"{"uaa":{"clientid":"sb-acme!b1|sapcloudalm!b1","clientsecret":"s","identityzone":"acme-calm","url":
               "https://acme-calm.authentication.eu10.hana.ondemand.com","credential-type":"instance-secret"},
               "endpoints":{"Api":"https://eu10.alm.cloud.sap/api"}}"#,
            r#"{ "endpoints" : { "Api": "https://eu10.alm.cloud.sap/api" },
               "uaa": { "credential-type": "instance-secret", "identityzone": "acme-calm", "clientsecret": "s",
               "url": "https://acme-calm.authentication.eu10.hana.ondemand.com", "clientid": "sb-acme!b1|sapcloudalm!b1" }
               }"#,
        ];
        let [one, other] = texts.map(parse);
        assert_eq!(compared(&one, &other), [true, true, true]);
    }

    #[test]
    fn the_case_of_hosts_and_a_trailing_slash_change_no_credentials() {
        let changed = key_with(|document| {
            let uaa = &mut document["uaa"];
            for field in ["url", "identityzone"] {
                uaa[field] =
                    uaa[field].as_str().expect("a string").to_ascii_uppercase().replace("HTTPS", "https").into();
            }
            uaa["url"] = format!("{}/", uaa["url"].as_str().expect("a string")).into();
        });
        assert_eq!(compared(&key(), &changed), [true, true, false]);
    }

    #[test]
    fn moving_a_character_to_the_next_field_changes_the_fingerprint() {
        let one = key_with(|d| {
            d["uaa"]["clientid"] = "ab".into();
            d["uaa"]["clientsecret"] = "c".into();
        });
        let other = key_with(|d| {
            d["uaa"]["clientid"] = "a".into();
            d["uaa"]["clientsecret"] = "bc".into();
        });
        assert_ne!(one.credentials_fingerprint(), other.credentials_fingerprint());
    }

    #[test]
    fn a_fingerprint_has_its_recipe_and_thirty_two_hexadecimal_digits() {
        let key = key();
        for fingerprint in
            [key.credentials_fingerprint().as_str(), key.fingerprint().as_str(), key.document_fingerprint().as_str()]
        {
            let digits = fingerprint.strip_prefix("2:").expect("the recipe");
            assert_eq!(digits.len(), 32);
            assert!(digits.chars().all(|c| c.is_ascii_hexdigit()));
        }
    }

    #[test]
    fn a_fingerprint_of_another_recipe_cannot_be_compared() {
        assert!(key().fingerprint().is_comparable());
        assert!(!KeyFingerprint::recorded("00112233445566778899aabbccddeeff").is_comparable());
    }

    fn parse(text: &str) -> ServiceKey {
        ServiceKey::parse(text.as_bytes(), &rules()).expect("a valid key")
    }
}
