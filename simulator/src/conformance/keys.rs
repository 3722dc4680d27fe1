//! The keys that a server is tried with.

use std::error::Error;
use std::path::Path;

use serde_json::{Value, json};

/// Two keys of the tenant.
pub(super) struct Keys {
    pub(super) first: Value,
    pub(super) second: Value,
}

impl Keys {
    /// Two that look like real ones and sign in nowhere.
    pub(super) fn made_up(zone: &str) -> Self {
        let key = || {
            json!({
                "endpoints": { "Api": "https://eu10.alm.cloud.sap/api" },
                "uaa": {
                    "clientid": format!("sb-conformance-{:016x}!b1|sapcloudalm!b2", rand::random::<u64>()),
                    "clientsecret": format!("{:032x}$+/=", rand::random::<u128>()),
                    "url": format!("https://{zone}.authentication.eu10.hana.ondemand.com"),
                    "identityzone": zone, "tenantmode": "shared", "credential-type": "instance-secret",
                },
                "a field that nobody knows": ["kept", { "as": "it is" }],
            })
        };
        Self { first: key(), second: key() }
    }

    /// Two from files.
    pub(super) fn read(first: &Path, second: &Path) -> Result<Self, Box<dyn Error>> {
        let key = |file: &Path| -> Result<Value, Box<dyn Error>> {
            let complaint = |what| format!("{}: {what}", file.display());
            let text = std::fs::read(file).map_err(|error| complaint(error.to_string()))?;
            // What serde says might quote a value.
            let key: Value = serde_json::from_slice(&text).map_err(|_| complaint("it is no JSON".into()))?;
            let complete = ["identityzone", "clientid", "clientsecret", "credential-type"];
            match complete.iter().find(|field| !key["uaa"][**field].is_string()) {
                None => Ok(key),
                Some(field) => Err(complaint(format!("$.uaa.{field} is missing")).into()),
            }
        };
        let (first, second) = (key(first)?, key(second)?);
        if first["uaa"]["clientid"] == second["uaa"]["clientid"] {
            return Err("the two keys must have different clients".into());
        }
        Ok(Self { first, second })
    }
}
