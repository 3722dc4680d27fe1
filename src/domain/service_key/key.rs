//! The type of a valid service key.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use url::Url;

use super::finding::Findings;
use super::fingerprint::{CredentialsFingerprint, DocumentFingerprint, KeyFingerprint};
use super::json;
use super::rules::{self, Credentials};
use crate::domain::policy::KeyRules;

/// A service key that complies with the rules of its tenant.
///
/// The secrets cannot be printed: `Debug` shows only the fingerprint.
#[derive(Clone)]
pub struct ServiceKey {
    credentials: Credentials,
    document: SecretString,
    has_api_endpoint: bool,
    credentials_fingerprint: CredentialsFingerprint,
    fingerprint: KeyFingerprint,
    document_fingerprint: DocumentFingerprint,
}

impl ServiceKey {
    /// Reads `bytes` and checks them against `rules`.
    ///
    /// # Errors
    /// Returns everything that is wrong with the document, at once. A finding never contains a value of the document.
    pub fn parse(bytes: &[u8], rules: &KeyRules) -> Result<Self, Findings> {
        Self::from_document(json::read(bytes)?, rules)
    }

    /// Checks a document that has already been read against `rules`.
    ///
    /// # Errors
    /// Returns everything that is wrong with the document, at once.
    pub fn from_document(document: Map<String, Value>, rules: &KeyRules) -> Result<Self, Findings> {
        // The uploaded text is read back from the slot later, so the serialized form must be within the bounds, too.
        // Numbers can grow when they are serialized, and objects that were embedded in strings are nested deeper.
        let text = json::write(document);
        let document = json::read(text.expose_secret().as_bytes())?;
        let credentials = rules::check(&document, rules)?;
        Ok(Self {
            has_api_endpoint: document.get("endpoints").is_some_and(|endpoints| endpoints["Api"].is_string()),
            credentials_fingerprint: CredentialsFingerprint::of_credentials(&credentials),
            fingerprint: KeyFingerprint::of_key(&credentials, &document),
            document_fingerprint: DocumentFingerprint::of_document(&text),
            credentials,
            document: text,
        })
    }

    /// Returns `uaa.identityzone`, the tenant of the key.
    #[must_use]
    pub fn identity_zone(&self) -> &str {
        &self.credentials.identity_zone
    }

    /// Returns `uaa.clientid`.
    #[must_use]
    pub fn client_id(&self) -> &str {
        &self.credentials.client_id
    }

    /// Returns `uaa.clientsecret`.
    #[must_use]
    pub fn client_secret(&self) -> &SecretString {
        &self.credentials.client_secret
    }

    /// Returns `uaa.url`, the token endpoint of the key.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.credentials.url
    }

    /// Returns `uaa.credential-type`.
    #[must_use]
    pub fn credential_type(&self) -> &str {
        &self.credentials.credential_type
    }

    /// Returns true if the key has an `endpoints.Api`, from which managed systems take the address of SAP Cloud ALM.
    #[must_use]
    pub fn has_api_endpoint(&self) -> bool {
        self.has_api_endpoint
    }

    /// Returns the whole key as JSON text, which is what is uploaded.
    #[must_use]
    pub fn document(&self) -> &SecretString {
        &self.document
    }

    /// Returns the fingerprint of the credentials, for verdicts of signing in, probes and hand-overs.
    #[must_use]
    pub fn credentials_fingerprint(&self) -> &CredentialsFingerprint {
        &self.credentials_fingerprint
    }

    /// Returns the fingerprint of credentials and endpoints, for a comparison with a key that others put into the slot.
    #[must_use]
    pub fn fingerprint(&self) -> &KeyFingerprint {
        &self.fingerprint
    }

    /// Returns the fingerprint of the whole document, for a comparison with a document that the operator put.
    #[must_use]
    pub fn document_fingerprint(&self) -> &DocumentFingerprint {
        &self.document_fingerprint
    }
}

impl fmt::Debug for ServiceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceKey").field("fingerprint", &self.fingerprint).finish_non_exhaustive()
    }
}
