//! The documents that sources and slots hold: credentials, and what a key has besides them.

use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::domain::service_key::ServiceKey;
use crate::simulation::model::sap::{CANARY, KeyNumber};

/// The part of a document that is not its credentials.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Edition {
    /// The document as BTP issues it.
    #[default]
    Original,
    /// A document without the address that managed systems use.
    OtherEndpoint,
    /// A document with a field that managed systems do not use.
    OtherField,
}

impl Edition {
    /// All editions. The original is the most frequent one.
    pub(crate) const ALL: [Self; 4] = [Self::Original, Self::Original, Self::OtherEndpoint, Self::OtherField];
}

/// A document with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct KeyDocument {
    /// The credentials.
    pub(crate) key: KeyNumber,
    pub(crate) edition: Edition,
}

impl KeyDocument {
    pub(crate) fn original(key: KeyNumber) -> Self {
        Self { key, edition: Edition::Original }
    }

    /// Returns the document in a key that the operator has read.
    pub(crate) fn read(key: &ServiceKey) -> Self {
        let digits = key.client_secret().expose_secret().trim_start_matches(CANARY).trim_start_matches('-');
        let document: Value = serde_json::from_str(key.document().expose_secret()).expect("a document is JSON");
        let edition = match (document.get("endpoints"), document.get("note")) {
            (None, _) => Edition::OtherEndpoint,
            (Some(_), Some(_)) => Edition::OtherField,
            (Some(_), None) => Edition::Original,
        };
        Self { key: digits.parse().expect("the simulation issued the key"), edition }
    }

    /// Returns the client ID of the credentials, for this identity zone.
    pub(crate) fn client_id(self, zone: &str) -> String {
        format!("sb-{zone}-{}!b1234|sapcloudalm!b16907", self.key)
    }

    /// Returns the JSON text of the document, for credentials of this identity zone.
    pub(crate) fn to_json(self, zone: &str) -> String {
        let Self { key, edition } = self;
        let mut document = json!({
            "endpoints": { "Api": "https://eu10.alm.cloud.sap/api" },
            "uaa": {
                "clientid": self.client_id(zone),
                "clientsecret": format!("{CANARY}-{key}"),
                "url": format!("https://{zone}.authentication.eu10.hana.ondemand.com"),
                "identityzone": zone,
                "credential-type": "instance-secret",
            }
        });
        let fields = document.as_object_mut().expect("an object");
        match edition {
            Edition::Original => {}
            Edition::OtherEndpoint => {
                fields.remove("endpoints");
            }
            Edition::OtherField => {
                fields.insert("note".into(), "another".into());
            }
        }
        document.to_string()
    }

    /// Returns true if managed systems find the same in both documents: credentials and endpoints.
    pub(crate) fn is_same_key(self, other: Self) -> bool {
        let has_endpoint = |edition| edition != Edition::OtherEndpoint;
        self.key == other.key && has_endpoint(self.edition) == has_endpoint(other.edition)
    }

    /// Returns true if a slot with this document needs no upload of `source`. A document that the operator put must be the
    /// source's; a key that it adopted must be the source's key.
    pub(crate) fn is_current(self, source: Self, is_adopted: bool) -> bool {
        if is_adopted { self.is_same_key(source) } else { self == source }
    }
}
