//! An identifier that distinguishes keys without revealing anything about them.

use std::fmt;

use sha2::{Digest, Sha256};

/// The version of the computation. A fingerprint of another version means "compare the content", never "upload again".
const RECIPE: &str = "almkey-fingerprint-1";

/// The first 16 bytes of a SHA-256 over the identifying parts of a key, in hexadecimal.
///
/// The hash is deliberately unkeyed: the secrets are long and random, so the fingerprint allows no guess. The
/// `clientid` alone does not identify a key, because a rotation of a `binding-secret` changes only the secret.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// Computes the fingerprint of a key.
    ///
    /// `parts` are its identity zone, client ID, client secret, token URL and credential type, in this order.
    #[must_use]
    pub fn compute(parts: [&str; 5]) -> Self {
        let mut hash = Sha256::new();
        for part in std::iter::once(RECIPE).chain(parts) {
            // The length before each part distinguishes ("ab", "c") from ("a", "bc").
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        let digest = hash.finalize();
        let high = digest.iter().take(16).fold(0_u128, |number, byte| (number << 8) | u128::from(*byte));
        Self(format!("{high:032x}"))
    }

    /// Restores a fingerprint from its recorded form, without validation.
    #[must_use]
    pub fn recorded(hex: &str) -> Self {
        Self(hex.to_owned())
    }

    /// Returns the 32 hexadecimal digits.
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
    use crate::domain::service_key::examples::{key, key_with};

    #[test]
    fn fields_outside_the_credentials_do_not_change_the_fingerprint() {
        let changed = key_with(|document| document["uaa"]["verificationkey"] = "another".into());
        assert_eq!(key().fingerprint(), changed.fingerprint());
    }

    #[test]
    fn another_secret_of_the_same_client_gives_another_fingerprint() {
        let rotated = key_with(|document| document["uaa"]["clientsecret"] = "rotated".into());
        assert_ne!(key().fingerprint(), rotated.fingerprint());
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
        assert_ne!(one.fingerprint(), other.fingerprint());
    }

    #[test]
    fn a_fingerprint_has_thirty_two_hexadecimal_digits() {
        let key = key();
        let fingerprint = key.fingerprint();
        assert_eq!(fingerprint.as_str().len(), 32);
        assert!(fingerprint.as_str().chars().all(|c| c.is_ascii_hexdigit()));
    }
}
