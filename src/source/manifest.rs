//! Files for the command line: a key, or the manifest of a Secret that holds it.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{layout, text};
use crate::domain::reason::Reason;
use crate::domain::service_key::Finding;
use crate::names::btp;

const SECRET: &str = "Secret";
const DRY_RUN: &str = "fix the manifest until `kubectl apply --dry-run=server` accepts it";

/// Finds the document of the key in a file. `entry` names the entry of the Secret that holds it.
///
/// # Errors
/// A finding about the manifest or the JSON of the key. It may contain the name of an entry, but no value.
pub fn document(bytes: &[u8], entry: Option<&str>) -> Result<Map<String, Value>, Finding> {
    let bytes = &*text::to_utf8(bytes);
    let manifests = manifests(bytes)?;
    if manifests.is_empty() {
        return match entry {
            None => layout::document(&BTreeMap::from([("file".to_owned(), ByteString(bytes.to_vec()))]), None),
            Some(entry) => {
                let expected = format!("the manifest of a Secret with the entry \"{entry}\"");
                Err(finding(
                    "$",
                    "no manifest",
                    &expected,
                    "a key as the BTP cockpit offers it has no entries: name none",
                ))
            }
        };
    }
    let mut secrets = manifests.into_iter().filter(|manifest| manifest["kind"] == SECRET);
    let secret = match (secrets.next(), secrets.count()) {
        (Some(secret), 0) => secret,
        (None, _) => {
            return Err(finding("$.kind", "a manifest of another kind", SECRET, "use the manifest of the Secret"));
        }
        (Some(_), others) => {
            return Err(finding("$", &format!("{} Secrets", others + 1), "one Secret", "check one Secret at a time"));
        }
    };
    if secret["metadata"]["labels"].get(btp::STALE_LABEL).is_some() {
        let remedy = "it keeps the old credentials of a rotation: use the Secret of the binding itself";
        let found = format!("the label {}", btp::STALE_LABEL);
        let finding = finding("$.metadata.labels", &found, "a Secret without it", remedy);
        return Err(Finding { reason: Reason::SourceNotOwned, ..finding });
    }
    layout::document(&entries(&secret)?, entry).map_err(|finding| match finding.path {
        layout::PLACE => Finding { path: "$.data", ..finding },
        _ => finding,
    })
}

/// Parses the Kubernetes objects in a text. Returns none if the text is not a manifest, but a key or an attempt at one.
fn manifests(text: &[u8]) -> Result<Vec<Value>, Finding> {
    let documents = if text.trim_ascii_start().starts_with(b"{") {
        serde_json::from_slice(text).map(|document| vec![document]).unwrap_or_default()
    } else {
        match yaml(text) {
            Ok(documents) => documents,
            Err(place) if looks_like_a_manifest(text) => {
                return Err(finding("$", &format!("text that is not YAML{place}"), "a manifest in YAML", DRY_RUN));
            }
            Err(_) => Vec::new(),
        }
    };
    let is_list = |object: &Value| object["kind"].as_str().is_some_and(|kind| kind.ends_with("List"));
    let objects = documents.into_iter().flat_map(|document| match document["items"].as_array() {
        Some(items) if is_list(&document) => items.clone(),
        Some(_) | None => vec![document],
    });
    Ok(objects.filter(|object| object["kind"].is_string() && object["apiVersion"].is_string()).collect())
}

/// Parses all YAML documents of a text. The error is the place only, because the parser's messages quote values.
fn yaml(text: &[u8]) -> Result<Vec<Value>, String> {
    let parse = |document: serde_yaml_ng::Deserializer<'_>| {
        // YAML's own value type refuses duplicate fields.
        let document = serde_yaml_ng::Value::deserialize(document).map_err(|error: serde_yaml_ng::Error| {
            let place = error.location().map(|place| format!(" at line {}, column {}", place.line(), place.column()));
            place.unwrap_or_default()
        })?;
        serde_json::to_value(document).map_err(|_| String::new())
    };
    serde_yaml_ng::Deserializer::from_slice(text).map(parse).collect()
}

fn looks_like_a_manifest(text: &[u8]) -> bool {
    text.split(|byte| *byte == b'\n').any(|line| line.starts_with(b"kind:") || line.starts_with(b"apiVersion:"))
}

/// Decodes the entries of a Secret as the API server does: those of `stringData` take precedence.
fn entries(secret: &Value) -> Result<BTreeMap<String, ByteString>, Finding> {
    let mut fields = json!({ "data": secret["data"], "stringData": secret["stringData"] });
    // The API server ignores line breaks in base64, which block scalars of YAML contain.
    for value in fields["data"].as_object_mut().into_iter().flat_map(|data| data.values_mut()) {
        if let Value::String(text) = value {
            text.retain(|c| c != '\n' && c != '\r');
        }
    }
    let Secret { data, string_data, .. } = Secret::deserialize(&fields).map_err(|_| malformed(&fields))?;
    let strings = string_data.into_iter().flatten().map(|(name, text)| (name, ByteString(text.into_bytes())));
    Ok(data.into_iter().flatten().chain(strings).collect())
}

/// Finds the first field that keeps a Secret from being decoded. The decoder's own message quotes values.
fn malformed(secret: &Value) -> Finding {
    let is_base64 = |value: &Value| ByteString::deserialize(value).is_ok();
    let first = |field: &str, is_valid: &dyn Fn(&Value) -> bool| match &secret[field] {
        Value::Null => None,
        Value::Object(entries) => entries.iter().find(|(_, value)| !is_valid(value)).map(|(name, _)| Some(named(name))),
        _ => Some(None),
    };
    match (first("data", &is_base64), first("stringData", &Value::is_string)) {
        (Some(Some(entry)), _) => {
            let found = format!("{entry}, which is not base64");
            finding(
                "$.data",
                &found,
                "entries in base64",
                "encode the value in base64, or move the entry to stringData",
            )
        }
        (Some(None), _) => finding("$.data", "something else", "an object", DRY_RUN),
        (None, Some(Some(entry))) => {
            let found = format!("{entry}, which is no string");
            finding("$.stringData", &found, "strings", "put the key into quotes or a block of text")
        }
        (None, _) => finding("$.stringData", "something else", "an object", DRY_RUN),
    }
}

/// Names an entry if the name is a valid one: any other might be a misplaced value.
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
    fn a_key_is_read_alone_wrapped_and_with_a_byte_order_mark() {
        let wrapped = json!({ "credentials": key() }).to_string();
        for text in [KEY.to_owned(), format!("\u{feff}{KEY}\r\n"), wrapped] {
            assert_eq!(read(&text), Ok(key()), "{text}");
        }
    }

    #[test]
    fn a_secret_holds_a_key_in_data_or_string_data_in_yaml_or_json() {
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
    fn an_entry_can_be_named_only_in_a_secret() {
        let other = KEY.replace("uaa", "xsuaa").replacen('{', r#"{"uaa":{"clientid":"other"},"#, 1);
        let text = secret(&format!("stringData:\n  first: '{other}'\n  second: '{KEY}'\n"));
        assert!(read(&text).expect_err("ambiguous").starts_with("$.data: found a key in 2 entries"));
        assert_eq!(document(text.as_bytes(), Some("second")).map(Value::Object), Ok(key()));
        assert!(document(KEY.as_bytes(), Some("second")).is_err());
    }

    #[test]
    fn a_manifest_without_a_key_is_explained_without_a_value() {
        for (text, message) in [
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
            assert!(error.contains(message), "{text}: {error}");
            assert!(!error.contains("CANARY"), "{error}");
        }
    }

    #[test]
    fn the_copy_with_the_old_credentials_of_a_rotation_is_refused() {
        let text = secret(&format!("stringData: {{key: '{KEY}'}}\n"))
            .replace("name: calm", "labels: {services.cloud.sap.com/stale: x}");
        let finding = document(text.as_bytes(), None).expect_err("stale");
        assert_eq!((finding.reason, finding.path), (Reason::SourceNotOwned, "$.metadata.labels"));
    }

    #[test]
    fn every_secret_recorded_from_the_real_operator_is_read() {
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
