//! How a Secret holds a key: the five layouts of the SAP BTP service operator, that of crossplane, and a pasted file.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use serde_json::{Map, Value};

use crate::domain::reason::Reason;
use crate::domain::service_key::{Finding, MAX_BYTES, read_object};
use crate::wiped::{Buffer, Wiped};

const WHAT_IS_TAKEN: &str = "the entries uaa and endpoints, or one entry with the whole key";
/// Where a finding lies that is one of the Secret, not of the key in it.
pub(super) const PLACE: &str = "Secret";
/// The credentials, by which a key is known.
const UAA: &str = "uaa";
/// Where managed systems go with them.
const ENDPOINTS: &str = "endpoints";
/// The whole key in the Secrets of crossplane-provider-btp.
const CROSSPLANE_RAW: &str = "__raw";
/// What newer `cf service-key` output wraps a key in.
const WRAPPER: &str = "credentials";
/// The deepest that a key is wrapped: root key, entry, `credentials`.
const MAX_WRAPPINGS: usize = 3;

/// The key's document out of the Secret's entries.
///
/// # Errors
/// Which entry is missing or ambiguous. Names of entries are told, values never.
pub fn document(data: &BTreeMap<String, ByteString>, entry: Option<&str>) -> Result<Map<String, Value>, Finding> {
    if let Some(entry) = entry {
        let missing = || finding(format!("no entry \"{entry}\""), format!("the entry \"{entry}\""));
        return read_object(&data.get(entry).ok_or_else(missing)?.0).and_then(unwrapped);
    }
    if data.contains_key(UAA) {
        return by_field(data);
    }
    if let Some(raw) = data.get(CROSSPLANE_RAW) {
        return read_object(&raw.0).and_then(unwrapped);
    }
    let read = |bytes: &ByteString| read_object(&bytes.0).and_then(unwrapped);
    let objects = data.values().filter_map(|bytes| read(bytes).ok());
    let mut keys: Vec<_> = objects.map(Wiped::new).filter(|object| holds_credentials(object)).collect();
    match (keys.pop(), keys.len(), data.len()) {
        (Some(key), 0, _) => Ok(key.hand_on()),
        (None, _, 0) => Err(finding("no entry at all".into(), WHAT_IS_TAKEN.into())),
        // What is wrong with the only entry is said of it as of a key.
        (None, _, 1) => data.values().map(read).next().unwrap_or_else(|| Ok(Map::new())),
        (None, _, entries) => {
            Err(finding(format!("{entries} entries and a key in none of them"), WHAT_IS_TAKEN.into()))
        }
        (Some(_), others, _) => Err(finding(format!("a key in {} entries", others + 1), WHAT_IS_TAKEN.into())),
    }
}

/// The default layout: an entry for each top-level field, objects as JSON text.
fn by_field(data: &BTreeMap<String, ByteString>) -> Result<Map<String, Value>, Finding> {
    let mut document: Wiped<Map<String, Value>> = Wiped::default();
    for field in [UAA, ENDPOINTS] {
        if let Some(bytes) = data.get(field) {
            document.insert(field.into(), within(&format!("the entry \"{field}\""), read_object(&bytes.0))?.into());
        }
    }
    let mut together = Buffer::with_capacity(MAX_BYTES);
    serde_json::to_writer(&mut together, &*document).expect("JSON can be written to memory");
    // Together they may be larger and deeper than a key may be.
    within("the entries together", read_object(&together))
}

/// The key itself, whatever it is wrapped in; an object that is no key stays as it is.
fn unwrapped(object: Map<String, Value>) -> Result<Map<String, Value>, Finding> {
    let mut object = Wiped::new(object);
    for _ in 0..MAX_WRAPPINGS {
        match unwrapped_once(&object)? {
            Some(inner) => object = Wiped::new(inner),
            None => break,
        }
    }
    Ok(object.hand_on())
}

fn unwrapped_once(object: &Map<String, Value>) -> Result<Option<Map<String, Value>>, Finding> {
    match (object.get(UAA), object.get(WRAPPER)) {
        // `secretRootKey`: all values are strings, and the objects among them JSON in a string.
        (Some(Value::String(_)), _) => {
            let mut document: Wiped<Map<String, Value>> = Wiped::default();
            for field in [UAA, ENDPOINTS] {
                let value = match object.get(field) {
                    None => continue,
                    Some(Value::String(text)) => read_text(&format!("the string \"{field}\""), text)?.into(),
                    Some(value) => value.clone(),
                };
                document.insert(field.into(), value);
            }
            Ok(Some(document.hand_on()))
        }
        // An object is the key itself, and of anything else the rules say what is wrong.
        (Some(_), _) => Ok(None),
        (None, Some(Value::Object(wrapped))) => Ok(Some(wrapped.clone())),
        // `secretRootKey` and `secretKey`: the whole key as a string beside those of the instance.
        (None, _) => {
            let looks_like_one = |text: &&str| text.trim_start().starts_with('{') && text.contains(UAA);
            let texts = object.values().filter_map(Value::as_str).filter(looks_like_one);
            let mut keys = texts.map(|text| read_text("a string", text).map(Wiped::new));
            match (keys.next(), keys.next()) {
                (Some(key), None) => Ok(Some(key?.hand_on())),
                _ => Ok(None),
            }
        }
    }
}

/// JSON in a string in JSON. A field's own name is told only if it is one of ours: it might be a secret in the wrong place.
fn read_text(place: &str, text: &str) -> Result<Map<String, Value>, Finding> {
    within(place, read_object(text.as_bytes()))
}

fn within<T>(place: &str, read: Result<T, Finding>) -> Result<T, Finding> {
    read.map_err(|error| Finding { found: format!("in {place}: {}", error.found), ..error })
}

fn holds_credentials(object: &Map<String, Value>) -> bool {
    object.get(UAA).is_some_and(Value::is_object)
}

fn finding(found: String, expected: String) -> Finding {
    Finding {
        reason: Reason::InvalidJSON,
        path: PLACE,
        found,
        expected,
        remedy: "name the entry in spec.source.secretRef.key, or use the Secret as its maker writes it",
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
    fn the_default_layout_puts_the_fields_together_and_leaves_the_instance_out() {
        let entries = [("uaa", r#"{"clientid":"a"}"#), ("endpoints", r#"{"Api":"b"}"#), ("plan", "standard")];
        assert_eq!(read(&entries, None), Ok(key()));
    }

    #[test]
    fn a_named_entry_is_taken_whatever_else_is_there() {
        assert_eq!(read(&[("uaa", "{}"), ("mine", KEY)], Some("mine")), Ok(key()));
    }

    #[test]
    fn a_single_entry_needs_no_name() {
        assert_eq!(read(&[("key.txt", KEY)], None), Ok(key()));
    }

    #[test]
    fn wrappers_of_cf_and_crossplane_are_taken_off() {
        assert_eq!(read(&[("key", &json!({ "credentials": key() }).to_string())], None), Ok(key()));
        assert_eq!(read(&[("__raw", KEY), ("attribute.uaa", "x"), ("other", KEY)], None), Ok(key()));
    }

    // proves: limit source/layout MAX_WRAPPINGS
    #[test]
    fn a_key_that_is_wrapped_three_times_is_found_and_deeper_it_is_not_looked_for() {
        let wrapped = |times: usize| {
            let key = (0..times).fold(key(), |inner, _| json!({ "credentials": inner }));
            read(&[("key", &key.to_string())], None)
        };
        assert_eq!(wrapped(MAX_WRAPPINGS), Ok(key()));
        assert_eq!(wrapped(MAX_WRAPPINGS + 1), Ok(json!({ "credentials": key() })));
    }

    #[test]
    fn every_layout_that_the_real_operator_wrote_holds_a_key() {
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
    fn an_entry_cannot_smuggle_a_field_beside_it() {
        let error = read(&[("uaa", r#"{"a":1},"endpoints":{}"#)], None).expect_err("not one JSON value");
        assert!(error.contains("\"uaa\""), "{error}");
    }

    #[test]
    fn a_field_that_stands_twice_is_refused_in_every_layout() {
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
    fn endpoints_beside_credentials_in_a_string_are_never_lost() {
        let uaa = json!({ "clientid": "a" }).to_string();
        for endpoints in [json!({ "Api": "b" }), json!("{\"Api\":\"b\"}")] {
            let rooted = json!({ "uaa": uaa, "endpoints": endpoints }).to_string();
            assert_eq!(read(&[("root", &rooted)], None), Ok(key()));
        }
        let broken = json!({ "uaa": uaa, "endpoints": "https://eu10.alm.cloud.sap" }).to_string();
        let error = read(&[("root", &broken)], None).expect_err("endpoints that are no JSON");
        assert!(error.contains("the string \"endpoints\""), "{error}");
    }

    #[test]
    fn several_keys_or_none_are_ambiguous_and_said_to_be_so() {
        let error = read(&[("a", "CANARY-1"), ("b", "CANARY-2")], None).expect_err("none");
        assert!(error.contains("2 entries") && error.contains("spec.source.secretRef.key"), "{error}");
        assert!(!error.contains("CANARY"), "{error}");
        let error = read(&[("a", KEY), ("b", KEY)], None).expect_err("two");
        assert!(error.contains("a key in 2 entries"), "{error}");
    }
}
