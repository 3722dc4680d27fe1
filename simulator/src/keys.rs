//! The keys of one tenant, and whether they sign in.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::canary::CANARY;

/// All credentials that were ever issued, by client and secret.
#[derive(Default)]
pub(crate) struct Keys(HashMap<(String, String), Credentials>);

struct Credentials {
    is_revoked: bool,
    scope: String,
}

/// Default scope of a key's tokens.
const DEFAULT_SCOPE: &str = "calm-api.landscape.write";

/// The properties of a key to create.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct KeyRequest {
    /// Value of `uaa.credential-type`.
    credential_type: Option<String>,
    /// Value of `scope` of its tokens (RFC 6749, section 5.1): names separated by spaces.
    scope: Option<String>,
}

impl Keys {
    /// Creates a key for a new client.
    pub(crate) fn create(&mut self, zone: &str, port: u16, request: &KeyRequest) -> Value {
        let client = format!("sb-{:032x}!b1234|sapcloudalm!b16907", rand::random::<u128>());
        self.issue(zone, port, request, &client)
    }

    /// Issues a new secret for a client. The old one stays valid. Returns none if there is no such client.
    pub(crate) fn rotate(&mut self, zone: &str, port: u16, client: &str) -> Option<Value> {
        let is_known = self.0.keys().any(|(known, _)| known == client);
        is_known.then(|| self.issue(zone, port, &KeyRequest::default(), client))
    }

    fn issue(&mut self, zone: &str, port: u16, request: &KeyRequest, client: &str) -> Value {
        // The secret has the characters of real ones, those that JSON escapes, and canaries by which a leak is found.
        let random = STANDARD.encode(rand::random::<[u8; 32]>());
        let secret = format!("{CANARY}-{:08x}$+/=\"\\{random}-{CANARY}", rand::random::<u32>());
        let scope = request.scope.clone().unwrap_or_else(|| DEFAULT_SCOPE.to_owned());
        self.0.insert((client.to_owned(), secret.clone()), Credentials { is_revoked: false, scope });
        json!({
            "endpoints": { "Api": "https://eu10.alm.cloud.sap/api" },
            "uaa": {
                "clientid": client, "clientsecret": secret,
                "url": format!("https://{zone}.authentication.localhost:{port}"),
                "identityzone": zone, "identityzoneid": "00000000-0000-0000-0000-000000000001",
                "tenantmode": "shared", "uaadomain": "authentication.localhost",
                "credential-type": request.credential_type.as_deref().unwrap_or("instance-secret"),
            },
        })
    }

    /// Lets the credentials of a given key sign in. Returns false if they are not complete.
    pub(crate) fn import(&mut self, key: &Value) -> bool {
        let text = |field: &str| key["uaa"][field].as_str().map(str::to_owned);
        let (Some(client), Some(secret)) = (text("clientid"), text("clientsecret")) else { return false };
        self.0.insert((client, secret), Credentials { is_revoked: false, scope: DEFAULT_SCOPE.to_owned() });
        true
    }

    /// Revokes the credentials of a client, all or one, or lets them sign in again. Returns true if there are any.
    pub(crate) fn set_revoked(&mut self, client: &str, secret: Option<&str>, is_revoked: bool) -> bool {
        let mut is_known = false;
        for ((known, known_secret), credentials) in &mut self.0 {
            if known == client && secret.is_none_or(|secret| secret == known_secret) {
                credentials.is_revoked = is_revoked;
                is_known = true;
            }
        }
        is_known
    }

    /// Returns true if this secret was issued to any client.
    pub(crate) fn knows(&self, secret: &str) -> bool {
        self.0.keys().any(|(_, known)| known == secret)
    }

    /// Returns the scope of a token for these credentials. Returns none if they do not sign in.
    pub(crate) fn sign_in(&self, client: &str, secret: &str) -> Option<&str> {
        let credentials = self.0.get(&(client.to_owned(), secret.to_owned()))?;
        (!credentials.is_revoked).then_some(credentials.scope.as_str())
    }
}

/// Returns the name of a key in the journal, which never holds the key itself.
pub(crate) fn fingerprint(client: &str, secret: &str) -> String {
    let digest = Sha256::digest(format!("{client}\0{secret}"));
    let high = digest.iter().take(8).fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
    format!("{high:016x}")
}
