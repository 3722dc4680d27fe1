//! The keys that are put into the slot.

use std::error::Error;
use std::path::Path;

use serde_json::{Value, json};

/// Two keys of the tenant.
pub(super) struct Keys {
    pub(super) first: Value,
    pub(super) second: Value,
}

impl Keys {
    /// Invents two keys that have the form of real ones and sign in nowhere.
    pub(super) fn invent(zone: &str) -> Self {
        let key = || {
            json!({
                "endpoints": { "Api": "https://eu10.alm.cloud.sap/api" },
                "uaa": {
                    "clientid": format!("sb-conformance-{:016x}!b1|sapcloudalm!b2", rand::random::<u64>()),
                    "clientsecret": format!("{:032x}$+/=", rand::random::<u128>()),
                    "url": format!("https://{zone}.authentication.eu10.hana.ondemand.com"),
                    "identityzone": zone, "tenantmode": "shared", "credential-type": "instance-secret",
                },
                "an unknown field": ["kept", { "as": "it is" }],
            })
        };
        Self { first: key(), second: key() }
    }

    /// Reads two keys from files.
    pub(super) fn read(first: &Path, second: &Path) -> Result<Self, Box<dyn Error>> {
        let key = |file: &Path| -> Result<Value, Box<dyn Error>> {
            let failure = |reason| format!("{}: {reason}", file.display());
            let text = std::fs::read(file).map_err(|error| failure(error.to_string()))?;
            // The error of serde might quote a value.
            let key: Value = serde_json::from_slice(&text).map_err(|_| failure("the file is not JSON".into()))?;
            let required = ["identityzone", "clientid", "clientsecret", "credential-type"];
            match required.iter().find(|field| !key["uaa"][**field].is_string()) {
                None => Ok(key),
                Some(field) => Err(failure(format!("$.uaa.{field} is missing")).into()),
            }
        };
        let (first, second) = (key(first)?, key(second)?);
        if first["uaa"]["clientid"] == second["uaa"]["clientid"] {
            return Err("the two keys must have different clients (uaa.clientid)".into());
        }
        Ok(Self { first, second })
    }
}
