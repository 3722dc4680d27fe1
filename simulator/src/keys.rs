//! The keys of one tenant: which ones sign in.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::canary::MARKER;

/// All credentials that were ever made.
#[derive(Default)]
pub(crate) struct Keys(HashMap<(String, String), Credentials>);

struct Credentials {
    alive: bool,
    scope: String,
}

/// The scope of a token, unless a key was made for another one.
const SCOPE: &str = "calm-api.landscape.write";

/// What is special about a key to be made.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Wanted {
    /// `uaa.credential-type`.
    credential_type: Option<String>,
    /// `scope` of its tokens (RFC 6749, section 5.1): names separated by spaces.
    scope: Option<String>,
}

impl Keys {
    /// Makes a key for a new client.
    pub(crate) fn make(&mut self, zone: &str, port: u16, wanted: &Wanted) -> Value {
        let client = format!("sb-{:032x}!b1234|sapcloudalm!b16907", rand::random::<u128>());
        self.issue(zone, port, wanted, &client)
    }

    /// Makes a new secret for a client; the old one stays alive.
    pub(crate) fn rotate(&mut self, zone: &str, port: u16, client: &str) -> Option<Value> {
        let known = self.0.keys().any(|(known, _)| known == client);
        known.then(|| self.issue(zone, port, &Wanted::default(), client))
    }

    fn issue(&mut self, zone: &str, port: u16, wanted: &Wanted, client: &str) -> Value {
        // With the characters that real ones have and those that JSON escapes, and a marker by which a leak is found.
        let random = STANDARD.encode(rand::random::<[u8; 32]>());
        let secret = format!("{MARKER}-{:08x}$+/=\"\\{random}-{MARKER}", rand::random::<u32>());
        let scope = wanted.scope.clone().unwrap_or_else(|| SCOPE.to_owned());
        self.0.insert((client.to_owned(), secret.clone()), Credentials { alive: true, scope });
        json!({
            "endpoints": { "Api": "https://eu10.alm.cloud.sap/api" },
            "uaa": {
                "clientid": client, "clientsecret": secret,
                "url": format!("https://{zone}.authentication.localhost:{port}"),
                "identityzone": zone, "identityzoneid": "00000000-0000-0000-0000-000000000001",
                "tenantmode": "shared", "uaadomain": "authentication.localhost",
                "credential-type": wanted.credential_type.as_deref().unwrap_or("instance-secret"),
            },
        })
    }

    /// Makes a given key sign in.
    pub(crate) fn import(&mut self, key: &Value) -> bool {
        let text = |field: &str| key["uaa"][field].as_str().map(str::to_owned);
        let (Some(client), Some(secret)) = (text("clientid"), text("clientsecret")) else { return false };
        self.0.insert((client, secret), Credentials { alive: true, scope: SCOPE.to_owned() });
        true
    }

    /// Lets a client's credentials live or die, all or one; whether there are such.
    pub(crate) fn set(&mut self, client: &str, secret: Option<&str>, alive: bool) -> bool {
        let mut found = false;
        for ((known, its_secret), credentials) in &mut self.0 {
            if known == client && secret.is_none_or(|secret| secret == its_secret) {
                credentials.alive = alive;
                found = true;
            }
        }
        found
    }

    /// Whether such a secret was ever made here, for whichever client.
    pub(crate) fn knows(&self, secret: &str) -> bool {
        self.0.keys().any(|(_, known)| known == secret)
    }

    /// The scope of the token that these credentials get; none if they do not sign in.
    pub(crate) fn sign_in(&self, client: &str, secret: &str) -> Option<&str> {
        let credentials = self.0.get(&(client.to_owned(), secret.to_owned()))?;
        credentials.alive.then_some(credentials.scope.as_str())
    }
}

/// A name for a key in the journal, which never holds the key.
pub(crate) fn fingerprint(client: &str, secret: &str) -> String {
    let digest = Sha256::digest(format!("{client}\0{secret}"));
    let high = digest.iter().take(8).fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
    format!("{high:016x}")
}
