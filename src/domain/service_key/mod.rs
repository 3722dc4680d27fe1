//! The SAP Cloud ALM service key: parsed from bytes into a type that only a valid key can have.

mod finding;
pub mod fingerprint;
mod json;
mod plain;
mod rules;
mod strict;

#[cfg(test)]
pub(crate) mod examples;
#[cfg(test)]
mod tests;

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use url::Url;

pub use finding::{Finding, Findings};
pub use json::read as read_object;

use super::policy::KeyRules;
use crate::wiped::Wiped;

/// The largest key that is read, in bytes. Real ones have about 2 KiB.
pub const MAX_BYTES: usize = 64 * 1024;
/// The deepest nesting that is read. Real ones have 2.
pub const MAX_DEPTH: usize = 16;

/// A service key that keeps the rules of its tenant.
///
/// Its secrets cannot be printed: `Debug` shows the fingerprint.
#[derive(Clone)]
pub struct ServiceKey {
    identity_zone: String,
    client_id: String,
    client_secret: SecretString,
    url: Url,
    credential_type: String,
    document: SecretString,
}

impl ServiceKey {
    /// Reads `bytes` and holds them against `rules`.
    ///
    /// # Errors
    /// Everything that is wrong with it, at once. A finding never holds a value of the document.
    pub fn parse(bytes: &[u8], rules: &KeyRules) -> Result<Self, Findings> {
        let document = read_object(bytes)?;
        Self::from_document(document, rules)
    }

    /// Holds a document that has been read against `rules`.
    ///
    /// # Errors
    /// Everything that is wrong with it, at once.
    pub fn from_document(document: Map<String, Value>, rules: &KeyRules) -> Result<Self, Findings> {
        // What is uploaded is read again, out of the slot: as it is written there, it must keep the bounds too. Numbers grow
        // when they are written out, and objects that stood in strings nest deeper than before.
        let whole = rules::as_text(&Wiped::new(document));
        let document = read_object(whole.expose_secret().as_bytes())?;
        rules::apply(document, whole, rules)
    }

    /// `uaa.identityzone`: the tenant it belongs to.
    #[must_use]
    pub fn identity_zone(&self) -> &str {
        &self.identity_zone
    }

    /// `uaa.clientid`.
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.client_id
    }

    /// `uaa.clientsecret`.
    #[must_use]
    pub fn client_secret(&self) -> &SecretString {
        &self.client_secret
    }

    /// `uaa.url`: where it signs in.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// `uaa.credential-type`.
    #[must_use]
    pub fn credential_type(&self) -> &str {
        &self.credential_type
    }

    /// The whole key as JSON text: what is uploaded.
    #[must_use]
    pub fn document(&self) -> &SecretString {
        &self.document
    }
}

impl fmt::Debug for ServiceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceKey").field("fingerprint", &fingerprint::Fingerprint::of(self)).finish_non_exhaustive()
    }
}
