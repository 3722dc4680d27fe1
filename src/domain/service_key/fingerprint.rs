//! A name for a key that tells two keys apart and reveals neither.

use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};
use std::fmt;

use super::ServiceKey;

/// Version of the recipe. A fingerprint made by another one means "compare the content", never "upload again".
const RECIPE: &str = "almkey-fingerprint-1";

/// The first 16 bytes of a SHA-256 over what makes a key this key, in hex.
///
/// Unkeyed on purpose: the secrets are long and random, so that nothing can be guessed from it. A key is not identified
/// by its `clientid`: with `binding-secret` a rotation changes only the secret.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// The fingerprint of `key`.
    #[must_use]
    pub fn of(key: &ServiceKey) -> Self {
        let mut hash = Sha256::new();
        let parts = [
            RECIPE,
            key.identity_zone(),
            key.client_id(),
            key.client_secret().expose_secret(),
            key.url().as_str(),
            key.credential_type(),
        ];
        for part in parts {
            // The length before each part keeps ("ab", "c") apart from ("a", "bc").
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        let digest = hash.finalize();
        let high = digest.iter().take(16).fold(0_u128, |number, byte| (number << 8) | u128::from(*byte));
        Self(format!("{high:032x}"))
    }

    /// A fingerprint as it was recorded.
    #[must_use]
    pub fn recorded(hex: &str) -> Self {
        Self(hex.to_owned())
    }

    /// The 32 hex digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::service_key::examples::{key, key_with};

    #[test]
    fn the_same_key_written_differently_has_the_same_fingerprint() {
        let spaced = key_with(|document| document["uaa"]["verificationkey"] = "another".into());
        assert_eq!(Fingerprint::of(&key()), Fingerprint::of(&spaced));
    }

    #[test]
    fn another_secret_under_the_same_client_is_another_key() {
        let rotated = key_with(|document| document["uaa"]["clientsecret"] = "rotated".into());
        assert_ne!(Fingerprint::of(&key()), Fingerprint::of(&rotated));
    }

    #[test]
    fn a_character_that_moves_from_one_field_to_the_next_makes_another_fingerprint() {
        let one = key_with(|d| {
            d["uaa"]["clientid"] = "ab".into();
            d["uaa"]["clientsecret"] = "c".into();
        });
        let other = key_with(|d| {
            d["uaa"]["clientid"] = "a".into();
            d["uaa"]["clientsecret"] = "bc".into();
        });
        assert_ne!(Fingerprint::of(&one), Fingerprint::of(&other));
    }

    #[test]
    fn it_is_thirty_two_hex_digits() {
        let fingerprint = Fingerprint::of(&key());
        assert_eq!(fingerprint.as_str().len(), 32);
        assert!(fingerprint.as_str().chars().all(|c| c.is_ascii_hexdigit()));
    }
}
