//! A file to a key's document: the key itself, or the manifest of a Secret that holds it.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::layout;
use crate::domain::reason::Reason;
use crate::domain::service_key::Finding;
use crate::names::btp;

/// What some editors put before a text.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
const SECRET: &str = "Secret";
const APPLY_IT: &str = "mend the manifest until `kubectl apply --dry-run=server` takes it";

/// The key's document out of a file; `entry` names the entry of the Secret that holds it.
///
/// # Errors
/// What is wrong with the manifest, or with the key's JSON. Names of entries are told, values never.
pub fn document(bytes: &[u8], entry: Option<&str>) -> Result<Map<String, Value>, Finding> {
    let text = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    let Some(manifests) = manifests(text)? else {
        return match entry {
            None => key(bytes),
            Some(entry) => Err(Finding {
                reason: Reason::InvalidJSON,
                path: "$",
                found: "no manifest".into(),
                expected: format!("the manifest of a Secret with the entry \"{entry}\""),
                remedy: "a key as the BTP cockpit offers it has no entries: name none",
            }),
        };
    };
    let mut secrets = manifests.into_iter().filter(|manifest| manifest["kind"] == SECRET);
    let secret = match (secrets.next(), secrets.count()) {
        (Some(secret), 0) => secret,
        (None, _) => {
            return Err(finding("$.kind", "a manifest of another kind", SECRET, "use the manifest of the Secret"));
        }
        (Some(_), more) => {
            let found = format!("{} Secrets", more + 1);
            return Err(finding("$", &found, "one Secret", "look at one Secret at a time"));
        }
    };
    if secret["metadata"]["labels"].get(btp::STALE_LABEL).is_some() {
        return Err(Finding {
            reason: Reason::SourceNotOwned,
            path: "$.metadata.labels",
            found: format!("the label {}", btp::STALE_LABEL),
            expected: "a Secret without it".into(),
            remedy: "it keeps the old credentials of a rotation: use the Secret of the binding itself",
        });
    }
    layout::document(&entries(&secret)?, entry).map_err(|finding| match finding.path {
        layout::PLACE => Finding { path: "$.data", ..finding },
        _ => finding,
    })
}

/// The file as a key, whatever it is wrapped in.
fn key(bytes: &[u8]) -> Result<Map<String, Value>, Finding> {
    layout::document(&BTreeMap::from([("file".to_owned(), ByteString(bytes.to_vec()))]), None)
}

/// The Kubernetes objects in a text; none if it is no manifest at all, but a key or what should have been one.
fn manifests(text: &[u8]) -> Result<Option<Vec<Value>>, Finding> {
    let documents = if text.trim_ascii_start().starts_with(b"{") {
        serde_json::from_slice(text).map(|document| vec![document]).unwrap_or_default()
    } else {
        match yaml(text) {
            Ok(documents) => documents,
            Err(place) if looks_like_a_manifest(text) => {
                return Err(finding("$", &format!("text that is not YAML{place}"), "a manifest in YAML", APPLY_IT));
            }
            Err(_) => Vec::new(),
        }
    };
    let mut objects = Vec::new();
    for document in documents {
        match document["items"].as_array() {
            Some(items) if document["kind"].as_str().is_some_and(|kind| kind.ends_with("List")) => {
                objects.extend(items.iter().cloned());
            }
            Some(_) | None => objects.push(document),
        }
    }
    objects.retain(|object| object["kind"].is_string() && object["apiVersion"].is_string());
    Ok((!objects.is_empty()).then_some(objects))
}

/// All documents of a text in YAML, or where it is none. The messages of the parser quote values and stay here.
fn yaml(text: &[u8]) -> Result<Vec<Value>, String> {
    let mut documents = Vec::new();
    for document in serde_yaml_ng::Deserializer::from_slice(text) {
        // By way of YAML's own type, which takes no field twice.
        let document = serde_yaml_ng::Value::deserialize(document).map_err(|error| {
            let place = error.location().map(|place| format!(" at line {}, column {}", place.line(), place.column()));
            place.unwrap_or_default()
        })?;
        documents.push(serde_json::to_value(document).map_err(|_| String::new())?);
    }
    Ok(documents)
}

fn looks_like_a_manifest(text: &[u8]) -> bool {
    text.split(|byte| *byte == b'\n').any(|line| line.starts_with(b"kind:") || line.starts_with(b"apiVersion:"))
}

/// What the API server would make of `data` and `stringData`, of which the latter wins.
fn entries(secret: &Value) -> Result<BTreeMap<String, ByteString>, Finding> {
    let mut entries = BTreeMap::new();
    for (name, value) in object(secret, "data", "$.data")? {
        // Line breaks are no part of base64, and block scalars of YAML end with one.
        let text = value.as_str().map(|text| text.replace(['\n', '\r'], ""));
        let Some(bytes) = text.and_then(|text| serde_json::from_value(Value::String(text)).ok()) else {
            let found = format!("{}, which is not base64", named(name));
            return Err(finding("$.data", &found, "entries in base64", "encode it, or move it to stringData"));
        };
        entries.insert(name.clone(), bytes);
    }
    for (name, value) in object(secret, "stringData", "$.stringData")? {
        let Some(text) = value.as_str() else {
            let found = format!("{}, which is no string", named(name));
            return Err(finding("$.stringData", &found, "strings", "put the key into quotes or a block of text"));
        };
        entries.insert(name.clone(), ByteString(text.as_bytes().to_vec()));
    }
    Ok(entries)
}

/// The fields of an object in the Secret that may be absent.
fn object<'a>(
    secret: &'a Value,
    field: &str,
    path: &'static str,
) -> Result<impl Iterator<Item = (&'a String, &'a Value)>, Finding> {
    let fields = match secret.get(field) {
        None | Some(Value::Null) => None,
        Some(Value::Object(fields)) => Some(fields),
        Some(_) => return Err(finding(path, "something else", "an object", APPLY_IT)),
    };
    Ok(fields.into_iter().flatten())
}

/// An entry by its name, if it can be one: anything else might be a value in the wrong place.
fn named(name: &str) -> String {
    let valid = name.len() <= 63 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    if valid { format!("the entry \"{name}\"") } else { "an entry".into() }
}

fn finding(path: &'static str, found: &str, expected: &str, remedy: &'static str) -> Finding {
    Finding { reason: Reason::InvalidJSON, path, found: found.into(), expected: expected.into(), remedy }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde_json::json;

    use super::*;

    const KEY: &str = r#"{"uaa":{"clientid":"a"},"endpoints":{"Api":"b"}}"#;

    fn read(text: &str) -> Result<Value, String> {
        document(text.as_bytes(), None).map(Value::Object).map_err(|finding| finding.to_string())
    }

    fn key() -> Value {
        serde_json::from_str(KEY).expect("JSON")
    }

    fn secret(fields: &str) -> String {
        format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: calm}}\n{fields}")
    }

    #[test]
    fn a_key_alone_wrapped_or_marked_is_a_key() {
        let wrapped = json!({ "credentials": key() }).to_string();
        for text in [KEY.to_owned(), format!("\u{feff}{KEY}\r\n"), wrapped] {
            assert_eq!(read(&text), Ok(key()), "{text}");
        }
    }

    #[test]
    fn a_secret_holds_a_key_in_data_and_in_string_data_in_yaml_and_in_json() {
        let encoded = STANDARD.encode(KEY);
        let (first, second) = encoded.split_at(20);
        let in_json = json!({ "apiVersion": "v1", "kind": "Secret", "data": { "key": encoded } });
        for text in [
            secret(&format!("data:\n  key.txt: {encoded}\n")),
            secret(&format!("data:\n  key.txt: |\n    {first}\n    {second}\n")),
            secret(&format!("stringData:\n  key.txt: |\n    {KEY}\n")),
            secret(&format!("data:\n  key: bm90IGl0\nstringData:\n  key: '{KEY}'\n")),
            format!(
                "---\n# a comment\n{}---\napiVersion: v1\nkind: ConfigMap\n",
                secret(&format!("data: {{k: {encoded}}}\n"))
            ),
            in_json.to_string(),
            json!({ "apiVersion": "v1", "kind": "List", "items": [in_json] }).to_string(),
        ] {
            assert_eq!(read(&text), Ok(key()), "{text}");
        }
    }

    #[test]
    fn an_entry_can_be_named_and_only_in_a_secret() {
        let text = secret(&format!("stringData:\n  first: '{KEY}'\n  second: '{KEY}'\n"));
        assert!(read(&text).expect_err("ambiguous").starts_with("$.data: found a key in 2 entries"));
        assert_eq!(document(text.as_bytes(), Some("second")).map(Value::Object), Ok(key()));
        assert!(document(KEY.as_bytes(), Some("second")).is_err());
    }

    #[test]
    fn a_manifest_that_holds_no_key_says_why_and_quotes_nothing() {
        for (text, said) in [
            ("apiVersion: v1\nkind: CANARY\n".to_owned(), "$.kind: found a manifest of another kind"),
            (format!("{}---\n{}", secret(""), secret("")), "found 2 Secrets"),
            (secret(""), "$.data: found no entry at all"),
            (secret("data: CANARY\n"), "$.data: found something else"),
            (secret("data: {key: '{CANARY}'}\n"), "$.data: found the entry \"key\", which is not base64"),
            (secret("data: {'CANARY/+=': '{}'}\n"), "$.data: found an entry, which is not base64"),
            (secret("stringData: {key: 7}\n"), "$.stringData: found the entry \"key\", which is no string"),
            (secret("stringData: {key: 'CANARY'}\n"), "$: found text that is not JSON at line 1"),
            (secret("stringData: {key: a, key: CANARY}\n"), "$: found text that is not YAML"),
            (secret("data: [CANARY\n"), "$: found text that is not YAML"),
            ("CANARY".to_owned(), "$: found text that is not JSON at line 1"),
            (String::new(), "$: found text that ends too early"),
        ] {
            let error = read(&text).expect_err("no key");
            assert!(error.starts_with(said) || error.contains(said), "{text}: {error}");
            assert!(!error.contains("CANARY"), "{error}");
        }
    }

    #[test]
    fn the_copy_with_the_old_credentials_of_a_rotation_is_no_source() {
        let text = secret(&format!("stringData: {{key: '{KEY}'}}\n"))
            .replace("name: calm", "labels: {services.cloud.sap.com/stale: x}");
        let finding = document(text.as_bytes(), None).expect_err("stale");
        assert_eq!((finding.reason, finding.path), (Reason::SourceNotOwned, "$.metadata.labels"));
    }

    #[test]
    fn every_secret_that_the_real_operator_wrote_is_read_as_a_manifest() {
        let recording = std::fs::read_to_string("tests/data/sap-btp-service-operator.jsonl").expect("the recording");
        let mut read = 0;
        for line in recording.lines() {
            let event: Value = serde_json::from_str(line).expect("JSON");
            let mut object = event["object"].clone();
            if object["kind"] != SECRET || object["metadata"]["labels"].get(btp::STALE_LABEL).is_some() {
                continue;
            }
            object["apiVersion"] = "v1".into();
            let yaml = serde_yaml_ng::to_string(&object).expect("YAML");
            for text in [object.to_string(), yaml] {
                let key = document(text.as_bytes(), None).expect("a key");
                assert!(key["uaa"]["clientsecret"].is_string());
                read += 1;
            }
        }
        assert!(read >= 10, "{read}");
    }
}
