//! Secrets in no layout, or in two.

use serde_json::{Value, json};

use super::{Hostile, changed, entries, file};

const INVALID: &str = "InvalidJSON";
const MISSING: &str = "MissingCredentials";
const NO_UAA: &[&str] = &["$.uaa: found ", "expected an object with the credentials", "SAPCloudALMAPIs"];

pub(super) fn cases(key: &Value) -> Vec<Hostile> {
    let mut cases = by_field(key);
    cases.extend(of_ones_own(key));
    cases.extend(without_credentials(key));
    cases.extend(in_strings(key));
    cases
}

fn text(value: &Value) -> Vec<u8> {
    value.to_string().into_bytes()
}

/// Returns Secrets with one entry for each field of a key.
fn by_field(key: &Value) -> Vec<Hostile> {
    let no_json: &[&str] = &["$: found in the entry \"uaa\": text that is not JSON at line 1"];
    let behind: &[&str] = &["$: found in the entry \"uaa\": text after the object"];
    let uaa = |what, bytes: &[u8], message| entries(what, vec![("uaa", bytes.to_vec())], INVALID, message);
    let both = |what, endpoints: Vec<u8>, message| {
        entries(what, vec![("uaa", text(&key["uaa"])), ("endpoints", endpoints)], INVALID, message)
    };
    let deep = text(&(0..15).fold(json!({}), |inner, _| json!({ "in": inner })));
    let large = text(&json!({ "CANARY": "x".repeat(65_500) }));
    vec![
        uaa("uaa is a word", b"CANARY", no_json),
        uaa("a field is smuggled in beside uaa", format!("{},\"endpoints\":{{}}", key["uaa"]).as_bytes(), behind),
        uaa("uaa is a NUL", b"\0", &["$: found in the entry \"uaa\": NUL characters"]),
        uaa("uaa is an array", b"[]", &["$: found in the entry \"uaa\": an array, expected a JSON object"]),
        uaa("uaa is empty", b"", &["$: found in the entry \"uaa\": text that ends too early"]),
        both("endpoints are an array", b"[]".to_vec(), &["$: found in the entry \"endpoints\": an array"]),
        both("endpoints are a URL", b"https://CANARY".to_vec(), &["in the entry \"endpoints\": text that is not JSON"]),
        both("entries that are too deep together", deep, &["in the entries together: nesting deeper than 16"]),
        both("entries that are too large together", large, &["in the entries together: ", "at most 65536 bytes"]),
    ]
}

/// Returns Secrets as a user's own `secretTemplate` or External Secret may write them.
fn of_ones_own(key: &Value) -> Vec<Hostile> {
    let none: &[&str] = &["Secret: found ", "entries and a key in none of them", "spec.source.secretRef.key"];
    let field = |name: &'static str| (name, key["uaa"][name].as_str().unwrap_or_default().as_bytes().to_vec());
    let split = vec![field("clientid"), field("clientsecret"), field("url")];
    let environment = vec![("env", b"CLIENT_ID=CANARY\n".to_vec()), ("note", b"CANARY".to_vec())];
    let absent: &[&str] = &["Secret: found no entry \"absent\"", "spec.source.secretRef.key"];
    let many = (0..1000).map(|number| (format!("entry-{number}"), vec![b'x'; 1000])).collect();
    let another = changed(key, |key| key["uaa"]["clientsecret"] = json!("CANARY"));
    let two = vec![("a", text(key)), ("b", another.into_bytes())];
    vec![
        Hostile { entry: Some("absent"), ..file("an entry that is not there", text(key), INVALID, absent) },
        entries("a template that splits the key", split, INVALID, none),
        entries("a template for an environment", environment, INVALID, none),
        entries("two keys", two, INVALID, &["Secret: found a key in 2 entries"]),
        Hostile { data: many, ..entries("a mebibyte of entries", Vec::new(), INVALID, none) },
    ]
}

fn without_credentials(key: &Value) -> Vec<Hostile> {
    let no_json: &[&str] = &["$: found text that is not JSON at line 1"];
    let wrapped = (0..4).fold(key.clone(), |inner, _| json!({ "credentials": inner }));
    let other = "{\"endpoint\":\"https://CANARY\",\"apikey\":\"CANARY\"}";
    vec![
        file("a template of the credentials alone", text(&key["uaa"]), MISSING, NO_UAA),
        file("a template with another name for them", text(&json!({ "xsuaa": key["uaa"] })), MISSING, NO_UAA),
        file("a template with its braces in it", "{\"uaa\": {{ .uaa }}, \"endpoints\": {}}", INVALID, no_json),
        file("a template with nothing in it", "{\"uaa\": <no value>}", INVALID, no_json),
        file("a key of another service", other, MISSING, NO_UAA),
        file("an empty object", "{}", MISSING, NO_UAA),
        file("a key that is wrapped four times", text(&wrapped), MISSING, NO_UAA),
        file("a key that is wrapped in an array", text(&json!({ "credentials": [key] })), MISSING, NO_UAA),
        file("uaa is null", changed(key, |key| key["uaa"] = Value::Null), MISSING, NO_UAA),
        file("uaa is a number", changed(key, |key| key["uaa"] = json!(4711)), MISSING, NO_UAA),
        file("uaa is an array of one", changed(key, |key| key["uaa"] = json!([key["uaa"]])), MISSING, NO_UAA),
        file("uaa in capitals", text(&json!({ "UAA": key["uaa"] })), MISSING, NO_UAA),
    ]
}

/// Returns Secrets as the SAP BTP service operator writes them below a root key, except for one mistake each.
fn in_strings(key: &Value) -> Vec<Hostile> {
    let strings = |what, uaa: &str, message| {
        let root = json!({ "uaa": uaa, "endpoints": key["endpoints"].to_string(), "plan": "standard" });
        file(what, text(&root), INVALID, message)
    };
    let uaa = key["uaa"].to_string();
    let twice = uaa.replacen('{', "{\"clientid\":\"CANARY\",", 1);
    let mut deep = key["uaa"].clone();
    deep["more"] = (0..15).fold(json!(1), |inner, _| json!([inner]));
    vec![
        strings("a string that is a word", "CANARY", &["in the string \"uaa\": text that is not JSON"]),
        strings("a string that is empty", "", &["in the string \"uaa\": text that ends too early"]),
        strings("a string in a string", &json!(uaa).to_string(), &["in the string \"uaa\": a string"]),
        strings("a field that stands twice in a string", &twice, &["in the string \"uaa\": a duplicate field"]),
        strings("a string that is too deep where it stands", &deep.to_string(), &["$: found nesting deeper than 16"]),
    ]
}
