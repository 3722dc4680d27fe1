//! Layouts of a key in a Secret: the five of the SAP BTP service operator, that of Crossplane, and a pasted file.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use serde_json::{Map, Value};

use super::text;
use crate::domain::reason::Reason;
use crate::domain::service_key::{Finding, read_object};

const EXPECTED: &str = "the entries uaa and endpoints, or one entry with the whole key";
/// Path of findings about the Secret itself, not about the key in it.
pub(super) const PLACE: &str = "Secret";
/// The credentials, which every key has.
const UAA: &str = "uaa";
/// The endpoints for managed systems.
const ENDPOINTS: &str = "endpoints";
/// The entry with the whole key in Secrets of crossplane-provider-btp.
const CROSSPLANE_RAW: &str = "__raw";
/// The field in which newer versions of `cf service-key` wrap the key.
const WRAPPER: &str = "credentials";
/// Maximum number of wrappings around a key: root key, entry, `credentials`.
const MAX_WRAPPINGS: usize = 3;

/// Reads a JSON object from the bytes of an entry.
type Read = fn(&[u8]) -> Result<Map<String, Value>, Finding>;

/// Finds the document of the key in the entries of a Secret.
///
/// # Errors
/// A finding about a missing, malformed or ambiguous entry. It may contain the name of an entry, but no value.
pub fn document(data: &BTreeMap<String, ByteString>, entry: Option<&str>) -> Result<Map<String, Value>, Finding> {
    if let Some(entry) = entry {
        let missing = || finding(format!("no entry \"{entry}\""), format!("the entry \"{entry}\""));
        return text::read(&data.get(entry).ok_or_else(missing)?.0).and_then(unwrap);
    }
    if data.contains_key(UAA) {
        return join_fields(data);
    }
    if let Some(raw) = data.get(CROSSPLANE_RAW) {
        return text::read(&raw.0).and_then(unwrap);
    }
    // A bare key counts more than one that was found in something else, such as an old download beside it.
    let mut keys = keys_in(data, read_object);
    if keys.is_empty() {
        keys = keys_in(data, text::read);
    }
    // The same key under several names is still one key.
    if keys.iter().all(|key| Some(key) == keys.first()) {
        keys.truncate(1);
    }
    match (keys.pop(), keys.len(), data.len()) {
        (Some(key), 0, _) => Ok(key),
        (None, _, 0) => Err(finding("no entry at all".into(), EXPECTED.into())),
        // A problem of the only entry is reported as one of the key.
        (None, _, 1) => {
            data.values().map(|bytes| text::read(&bytes.0).and_then(unwrap)).next().unwrap_or_else(|| Ok(Map::new()))
        }
        (None, _, entries) => Err(finding(format!("{entries} entries and a key in none of them"), EXPECTED.into())),
        (Some(_), others, _) => Err(finding(format!("a key in {} entries", others + 1), EXPECTED.into())),
    }
}

/// Returns all keys that `read` finds in the entries.
fn keys_in(data: &BTreeMap<String, ByteString>, read: Read) -> Vec<Map<String, Value>> {
    let objects = data.values().filter_map(|bytes| read(&bytes.0).and_then(unwrap).ok());
    objects.filter(has_credentials).collect()
}

/// Joins the entries of the default layout: one per top-level field, objects as JSON text.
fn join_fields(data: &BTreeMap<String, ByteString>) -> Result<Map<String, Value>, Finding> {
    let mut document = Map::new();
    for field in [UAA, ENDPOINTS] {
        if let Some(bytes) = data.get(field) {
            document.insert(field.into(), within(&format!("the entry \"{field}\""), text::read(&bytes.0))?.into());
        }
    }
    // Together, the entries may exceed the limits of size and depth.
    let text = Value::Object(document).to_string();
    within("the entries together", read_object(text.as_bytes()))
}

/// Removes all wrappings around a key. An object that is not wrapped is returned unchanged.
fn unwrap(mut object: Map<String, Value>) -> Result<Map<String, Value>, Finding> {
    for _ in 0..MAX_WRAPPINGS {
        match unwrap_once(&object)? {
            Some(inner) => object = inner,
            None => break,
        }
    }
    Ok(object)
}

fn unwrap_once(object: &Map<String, Value>) -> Result<Option<Map<String, Value>>, Finding> {
    match (object.get(UAA), object.get(WRAPPER)) {
        // `secretRootKey`: all values are strings, and objects are JSON in a string.
        (Some(Value::String(_)), _) => {
            let mut document = Map::new();
            for field in [UAA, ENDPOINTS] {
                let value = match object.get(field) {
                    None => continue,
                    Some(Value::String(text)) => read_text(&format!("the string \"{field}\""), text)?.into(),
                    Some(value) => value.clone(),
                };
                document.insert(field.into(), value);
            }
            Ok(Some(document))
        }
        // An object is the key itself; the rules report anything else.
        (Some(_), _) => Ok(None),
        (None, Some(Value::Object(wrapped))) => Ok(Some(wrapped.clone())),
        // `secretRootKey` with `secretKey`: the whole key as a string beside the fields of the instance.
        (None, _) => {
            let looks_like_a_key = |text: &&str| text.trim_start().starts_with('{') && text.contains(UAA);
            let texts = object.values().filter_map(Value::as_str).filter(looks_like_a_key);
            let mut keys = texts.map(|text| read_text("a string", text));
            match (keys.next(), keys.next()) {
                (Some(key), None) => Ok(Some(key?)),
                _ => Ok(None),
            }
        }
    }
}

/// Reads JSON in a string. `place` contains a field's name only if it is a known one: any other might be a misplaced
/// secret.
fn read_text(place: &str, text: &str) -> Result<Map<String, Value>, Finding> {
    within(place, read_object(text.as_bytes()))
}

fn within<T>(place: &str, read: Result<T, Finding>) -> Result<T, Finding> {
    read.map_err(|error| Finding { found: format!("in {place}: {}", error.found), ..error })
}

fn has_credentials(object: &Map<String, Value>) -> bool {
    object.get(UAA).is_some_and(Value::is_object)
}

fn finding(found: String, expected: String) -> Finding {
    Finding {
        reason: Reason::InvalidJSON,
        path: PLACE,
        found,
        expected,
        remedy: "name the entry in spec.source.secretRef.key, or use the Secret unchanged",
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde_json::json;

    use super::*;

    const KEY: &str = r#"{"uaa":{"clientid":"a"},"endpoints":{"Api":"b"}}"#;

    fn data(entries: &[(&str, &str)]) -> BTreeMap<String, ByteString> {
        entries.iter().map(|(name, value)| ((*name).to_owned(), ByteString(value.as_bytes().to_vec()))).collect()
    }

    fn read(entries: &[(&str, &str)], entry: Option<&str>) -> Result<Value, String> {
        document(&data(entries), entry).map(Value::Object).map_err(|finding| finding.to_string())
    }

    fn key() -> Value {
        serde_json::from_str(KEY).expect("JSON")
    }

    #[test]
    fn the_default_layout_joins_the_fields_and_omits_those_of_the_instance() {
        let entries = [("uaa", r#"{"clientid":"a"}"#), ("endpoints", r#"{"Api":"b"}"#), ("plan", "standard")];
        assert_eq!(read(&entries, None), Ok(key()));
    }

    #[test]
    fn a_named_entry_takes_precedence_over_all_others() {
        assert_eq!(read(&[("uaa", "{}"), ("mine", KEY)], Some("mine")), Ok(key()));
    }

    #[test]
    fn a_single_entry_needs_no_name() {
        assert_eq!(read(&[("key.txt", KEY)], None), Ok(key()));
    }

    #[test]
    fn wrappers_of_cf_and_crossplane_are_removed() {
        assert_eq!(read(&[("key", &json!({ "credentials": key() }).to_string())], None), Ok(key()));
        assert_eq!(read(&[("__raw", KEY), ("attribute.uaa", "x"), ("other", KEY)], None), Ok(key()));
    }

    // proves: limit source/layout MAX_WRAPPINGS
    #[test]
    fn a_key_in_three_wrappings_is_found_and_a_deeper_one_is_not() {
        let wrapped = |times: usize| {
            let key = (0..times).fold(key(), |inner, _| json!({ "credentials": inner }));
            read(&[("key", &key.to_string())], None)
        };
        assert_eq!(wrapped(MAX_WRAPPINGS), Ok(key()));
        assert_eq!(wrapped(MAX_WRAPPINGS + 1), Ok(json!({ "credentials": key() })));
    }

    #[test]
    fn every_layout_recorded_from_the_real_operator_holds_a_key() {
        let recording = std::fs::read_to_string("tests/data/sap-btp-service-operator.jsonl").expect("the recording");
        let mut layouts = std::collections::BTreeSet::new();
        for line in recording.lines() {
            let event: Value = serde_json::from_str(line).expect("JSON");
            let object = &event["object"];
            if object["kind"] != "Secret" {
                continue;
            }
            let decode =
                |value: &Value| ByteString(STANDARD.decode(value.as_str().unwrap_or_default()).expect("base64"));
            let entries = object["data"].as_object().expect("entries");
            let data = entries.iter().map(|(name, value)| (name.clone(), decode(value))).collect();
            let name = object["metadata"]["name"].as_str().expect("a name");
            let key = document(&data, None).unwrap_or_else(|finding| panic!("{name}: {finding}"));
            assert!(key["uaa"]["clientsecret"].is_string() && key["endpoints"]["Api"].is_string(), "{name}");
            layouts.insert(name.split('-').next().unwrap_or_default().to_owned());
        }
        assert_eq!(Vec::from_iter(layouts), ["both", "keyed", "plain", "rooted", "templated"]);
    }

    #[test]
    fn an_entry_cannot_inject_a_field_beside_it() {
        let error = read(&[("uaa", r#"{"a":1},"endpoints":{}"#)], None).expect_err("not one JSON value");
        assert!(error.contains("\"uaa\""), "{error}");
    }

    #[test]
    fn a_duplicate_field_is_refused_in_every_layout() {
        let twice = r#"{"uaa":{"clientid":"CANARY","clientid":"b"}}"#;
        let uaa = r#"{"clientid":"CANARY","clientid":"b"}"#;
        let rooted = json!({ "uaa": uaa, "plan": "standard" }).to_string();
        let both = json!({ "CANARY-name": twice, "plan": "standard" }).to_string();
        let layouts = [[("key", twice)], [("uaa", uaa)], [("root", rooted.as_str())], [("root", both.as_str())]];
        for entries in layouts.iter().map(|layout| &layout[..]) {
            let error = read(entries, None).expect_err("ambiguous");
            assert!(error.contains("a duplicate field") && !error.contains("CANARY"), "{error}");
        }
    }

    #[test]
    fn endpoints_beside_credentials_in_a_string_are_kept() {
        let uaa = json!({ "clientid": "a" }).to_string();
        for endpoints in [json!({ "Api": "b" }), json!("{\"Api\":\"b\"}")] {
            let rooted = json!({ "uaa": uaa, "endpoints": endpoints }).to_string();
            assert_eq!(read(&[("root", &rooted)], None), Ok(key()));
        }
        let broken = json!({ "uaa": uaa, "endpoints": "https://eu10.alm.cloud.sap" }).to_string();
        let error = read(&[("root", &broken)], None).expect_err("endpoints are not JSON");
        assert!(error.contains("the string \"endpoints\""), "{error}");
    }

    #[test]
    fn several_keys_or_none_are_reported_as_ambiguous() {
        let error = read(&[("a", "CANARY-1"), ("b", "CANARY-2")], None).expect_err("none");
        assert!(error.contains("2 entries") && error.contains("spec.source.secretRef.key"), "{error}");
        assert!(!error.contains("CANARY"), "{error}");
        let other = KEY.replace("\"a\"", "\"other\"");
        let error = read(&[("a", KEY), ("b", &other)], None).expect_err("two");
        assert!(error.contains("a key in 2 entries"), "{error}");
    }

    #[test]
    fn a_bare_key_counts_more_than_one_in_an_encoding() {
        let old = STANDARD.encode(KEY.replace("\"a\"", "\"old\""));
        assert_eq!(read(&[("backup", &old), ("key.json", KEY)], None), Ok(key()));
        assert!(read(&[("backup", &old), ("note", "mine")], None).is_ok());
    }

    #[test]
    fn the_same_key_in_several_entries_is_one_key() {
        let spaced = KEY.replace(',', " ,\n");
        assert_eq!(read(&[("a", KEY), ("b", &spaced), ("note", "mine")], None), Ok(key()));
        let other = KEY.replace("\"a\"", "\"other\"");
        let error = read(&[("a", KEY), ("b", &other), ("c", KEY)], None).expect_err("two keys in three entries");
        assert!(error.contains("a key in 3 entries"), "{error}");
    }
}
