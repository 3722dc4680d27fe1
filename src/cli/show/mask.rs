//! The public part of a key. A field is shown only if it is known to hold no secret.

use serde_json::{Map, Value};
use url::Url;

/// Text in place of a value that may be secret. It is the same for all of them, as a length or a type would say
/// something about the value.
const MASK: &str = "***";

/// Fields of `uaa` with texts that are no secrets.
const PUBLIC_TEXTS: [&str; 10] = [
    "clientid",
    "credential-type",
    "identityzone",
    "identityzoneid",
    "subaccountid",
    "tenantid",
    "tenantmode",
    "uaadomain",
    "xsappname",
    "zoneid",
];
/// Fields of `uaa` with addresses.
const PUBLIC_URLS: [&str; 3] = ["apiurl", "sburl", "url"];

/// Returns a document without its secrets.
pub(super) fn masked(document: &Map<String, Value>) -> Value {
    let field = |(name, value): (&String, &Value)| {
        let shown = match (name.as_str(), value) {
            ("uaa", Value::Object(fields)) => object(fields, uaa_field),
            ("endpoints", Value::Object(fields)) => object(fields, |_, value| public_url(value)),
            _ => hidden(value),
        };
        (name.clone(), shown)
    };
    Value::Object(document.iter().map(field).collect())
}

fn uaa_field(name: &str, value: &Value) -> Value {
    if PUBLIC_TEXTS.contains(&name) && value.is_string() {
        value.clone()
    } else if PUBLIC_URLS.contains(&name) {
        public_url(value)
    } else {
        hidden(value)
    }
}

/// Returns an address. Any other text in its place is hidden, as is an address with a password or a query.
fn public_url(value: &Value) -> Value {
    let url = value.as_str().and_then(|text| Url::parse(text).ok());
    let holds_no_secret = |url: Url| {
        let has_user = !url.username().is_empty() || url.password().is_some();
        url.scheme() == "https" && !has_user && url.query().is_none() && url.fragment().is_none()
    };
    if url.is_some_and(holds_no_secret) { value.clone() } else { hidden(value) }
}

/// Hides a value. Objects keep the names of their fields.
fn hidden(value: &Value) -> Value {
    match value {
        Value::Object(fields) => object(fields, |_, value| hidden(value)),
        _ => MASK.into(),
    }
}

fn object(fields: &Map<String, Value>, shown: impl Fn(&str, &Value) -> Value) -> Value {
    Value::Object(fields.iter().map(|(name, value)| (name.clone(), shown(name, value))).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(document: &Value) -> Value {
        masked(document.as_object().expect("an object"))
    }

    #[test]
    fn a_key_is_shown_without_its_secrets_and_unknown_fields() {
        let document = json!({
            "endpoints": { "Api": "https://eu10.alm.cloud.sap/api", "New": { "Api": "https://CANARY.example" } },
            "uaa": {
                "clientid": "sb-acme!b1|sapcloudalm!b1", "clientsecret": "CANARY",
                "url": "https://acme-calm.authentication.eu10.hana.ondemand.com", "identityzone": "acme-calm",
                "certificate": "CANARY", "key": "CANARY", "credential-type": "instance-secret",
                "new": { "secret": "CANARY", "list": ["CANARY", 1], "number": 7 },
            },
            "password": "CANARY", "uri": "https://CANARY.example", "tags": ["CANARY"], "nothing": null,
        });
        insta::assert_snapshot!(format!("{:#}", shown(&document)));
    }

    #[test]
    fn a_public_field_that_holds_something_else_is_hidden() {
        for value in [json!(["CANARY"]), json!({ "CANARY-free": "CANARY" }), json!(7), Value::Null] {
            let uaa = shown(&json!({ "uaa": { "clientid": value, "url": value }, "endpoints": { "Api": value } }));
            assert!(!uaa.to_string().contains("\"CANARY\"") && !uaa.to_string().contains('7'), "{uaa}");
        }
        for url in [
            "CANARY",
            "https://user:CANARY@alm.example",
            "https://CANARY@alm.example",
            "https://alm.example/?token=CANARY",
            "https://alm.example/#CANARY",
            "http://alm.example/CANARY",
        ] {
            let document = json!({ "uaa": { "url": url, "sburl": url }, "endpoints": { "Api": url } });
            let expected = json!({ "uaa": { "url": MASK, "sburl": MASK }, "endpoints": { "Api": MASK } });
            assert_eq!(shown(&document), expected, "{url}");
        }
        let moved = shown(&json!({ "uaa": "CANARY", "endpoints": "CANARY", "clientid": "CANARY" }));
        assert_eq!(moved, json!({ "uaa": MASK, "endpoints": MASK, "clientid": MASK }));
    }
}
