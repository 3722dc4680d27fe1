//! Every layout of a key in a Secret, and every defect that is refused before a sign-in.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::scenarios::scenario;
use testkit::bed::Tenant;
use testkit::bed::key::{condition, message};

/// A layout: its name, the entries of a Secret with a key, and the value of `secretRef.key`, if it is set.
type Layout = (&'static str, fn(&Value) -> Value, Option<&'static str>);

/// Layouts of the SAP BTP service operator (see the recording in `tests/data`).
const BINDING_LAYOUTS: [Layout; 5] = [
    ("default", |key| with_instance(json!({ "uaa": text(&key["uaa"]), "endpoints": text(&key["endpoints"]) })), None),
    ("secretKey", |key| with_instance(json!({ "credentials.json": text(key) })), None),
    ("secretRootKey", |key| json!({ "root": text(&root_key_layout(key)) }), None),
    ("secretKey and secretRootKey", |key| json!({ "root": text(&with_instance(json!({ "k": text(key) }))) }), None),
    ("secretTemplate", |key| json!({ "note": "templated", "calm.json": format!("{key:#}\n") }), None),
];

/// Layouts of every other Secret.
const SECRET_LAYOUTS: [Layout; 15] = [
    ("one entry", |key| json!({ "key.txt": text(key) }), None),
    ("one entry, named", |key| json!({ "key.txt": text(key) }), Some("key.txt")),
    ("several entries and one key", |key| json!({ "a": "note", "b": "{}", "key.json": text(key) }), None),
    ("several keys and one named", |key| json!({ "mine": text(key), "other": text(key), "uaa": "{}" }), Some("mine")),
    ("credentials around it", |key| json!({ "key": text(&json!({ "credentials": key })) }), None),
    ("credentials around it, named", |key| json!({ "a": "b", "k": text(&json!({ "credentials": key })) }), Some("k")),
    ("crossplane's __raw", |key| json!({ "__raw": text(key), "attribute.plan": "standard", "other": text(key) }), None),
    (
        "crossplane's entries",
        |key| json!({ "uaa": text(&key["uaa"]), "endpoints": text(&key["endpoints"]), "__raw": text(key) }),
        None,
    ),
    ("byte order mark and line breaks", |key| json!({ "key.json": format!("\u{feff}{key:#}\r\n\r\n") }), None),
    ("byte order mark, named", |key| json!({ "key.json": format!("\u{feff}{key}\n"), "b": "c" }), Some("key.json")),
    ("root key, named", |key| json!({ "root": text(&root_key_layout(key)), "other": text(key) }), Some("root")),
    ("the lines of cf", |key| json!({ "key.txt": format!("Getting key calm for service alm...\n\n{key:#}\n") }), None),
    ("base64 once more", |key| json!({ "key.json": STANDARD.encode(text(key)) }), None),
    ("a JSON string, named", |key| json!({ "key.json": json!(text(key)).to_string(), "b": "c" }), Some("key.json")),
    ("without endpoints", |key| json!({ "uaa": text(&key["uaa"]) }), None),
];

fn text(value: &Value) -> String {
    value.to_string()
}

/// Adds the entries that the BTP operator writes beside the credentials.
fn with_instance(mut entries: Value) -> Value {
    for (name, value) in [
        ("instance_name", "calm"),
        ("instance_guid", "22222222-2222-2222-2222-222222222222"),
        ("plan", "standard"),
        ("label", "SAPCloudALMAPIs"),
        ("type", "SAPCloudALMAPIs"),
        ("tags", "[\"alm\"]"),
        (".metadata", "{\"metaDataProperties\":[{\"name\":\"plan\",\"format\":\"text\"}],\"credentialProperties\":[]}"),
    ] {
        entries[name] = json!(value);
    }
    entries
}

/// Returns the layout with a root key: all values are strings, and `.metadata` is missing.
fn root_key_layout(key: &Value) -> Value {
    let mut strings = with_instance(json!({ "uaa": text(&key["uaa"]), "endpoints": text(&key["endpoints"]) }));
    strings.as_object_mut().expect("an object").remove(".metadata");
    strings
}

/// Waits until the object reports this key as uploaded, and checks the slot.
async fn await_uploaded(tenant: &Tenant<'_>, layout: &str, key: &Value) {
    let expected = tenant.fingerprint(key);
    tenant
        .await_key("calm", &format!("uploaded from the layout \"{layout}\""), |object| {
            let uploaded = object.status.as_ref().and_then(|status| status.uploaded.as_ref());
            uploaded.is_some_and(|uploaded| uploaded.fingerprint == expected)
                && condition(object, "Ready") == ("True".into(), "Uploaded".into())
        })
        .await;
    assert_eq!(tenant.slot_key().await, *key, "{layout}");
}

// proves: field ALMServiceKey spec.source.serviceBindingRef.name, field ALMServiceKey status.uploaded.fingerprint
#[test]
fn the_key_of_a_binding_is_uploaded_from_each_of_the_five_layouts() {
    scenario("layouts-of-bindings", async |tenant| {
        let binding = tenant.bind("plain", &tenant.make_key().await).await;
        tenant.apply_for_binding("calm", "plain").await;
        for (name, layout, _) in BINDING_LAYOUTS {
            let key = tenant.make_key().await;
            tenant.write_binding_data(&binding, &layout(&key), &json!({})).await;
            await_uploaded(&tenant, name, &key).await;
        }
    });
}

// proves: field ALMServiceKey spec.source.secretRef.name, field ALMServiceKey spec.source.secretRef.key
#[test]
fn the_key_of_a_secret_is_uploaded_from_every_supported_layout() {
    scenario("layouts-of-secrets", async |tenant| {
        tenant.write_secret("first", &tenant.make_key().await).await;
        tenant.apply_for_secret("calm", "first").await;
        for (number, (name, layout, entry)) in BINDING_LAYOUTS.into_iter().chain(SECRET_LAYOUTS).enumerate() {
            let (mut key, secret) = (tenant.make_key().await, format!("layout-{number}"));
            if name == "without endpoints" {
                key.as_object_mut().expect("an object").remove("endpoints");
            }
            tenant.write_data(&secret, layout(&key)).await;
            let source = json!({ "secretRef": { "name": secret, "key": entry } });
            tenant.patch("calm", json!({ "spec": { "source": source } })).await;
            await_uploaded(&tenant, name, &key).await;
        }
        let writes = tenant.writes().await;
        assert!(writes.iter().all(|write| write == "+Put"), "each upload replaces the one before: {writes:?}");
    });
}

/// A refused Secret: its entries, the value of `secretRef.key`, the reason, and parts of the message.
type Refusal = (fn(&Value) -> Value, Option<&'static str>, &'static str, &'static [&'static str]);

const REFUSED: [Refusal; 21] = [
    (
        |key| json!({ "key": text(key) }),
        Some("mine"),
        "InvalidJSON",
        &["no entry \"mine\"", "spec.source.secretRef.key"],
    ),
    (
        |key| {
            let another = changed(key, |key| key["uaa"]["clientsecret"] = json!("CANARY"));
            json!({ "a": text(key), "b": another["key.json"] })
        },
        None,
        "InvalidJSON",
        &["a key in 2 entries", "secretRef.key"],
    ),
    (|_| json!({ "a": "CANARY", "b": "CANARY" }), None, "InvalidJSON", &["2 entries and a key in none of them"]),
    (|_| json!({ "key": "" }), None, "InvalidJSON", &["$: found text that ends too early at line 1, column 0"]),
    (|_| json!({ "key": "CANARY" }), Some("key"), "InvalidJSON", &["$: found text that is not JSON at line 1"]),
    (|_| json!({ "key": "[\"CANARY\"]" }), None, "InvalidJSON", &["$: found an array, expected a JSON object"]),
    (|_| json!({ "uaa": "CANARY" }), None, "InvalidJSON", &["in the entry \"uaa\": text that is not JSON at line 1"]),
    (|key| json!({ "uaa": text(&key["uaa"]), "endpoints": "[]" }), None, "InvalidJSON", &["the entry \"endpoints\""]),
    (|_| json!({ "key": "{}" }), None, "MissingCredentials", &["$.uaa: found nothing", "SAPCloudALMAPIs"]),
    (|key| changed(key, |key| key["uaa"] = json!("CANARY")), None, "InvalidJSON", &["in the string \"uaa\""]),
    (|key| changed(key, |key| key["uaa"] = json!(["CANARY"])), None, "MissingCredentials", &["$.uaa: found an array"]),
    (|key| json!({ "key": with_duplicate_field(key) }), None, "InvalidJSON", &["a duplicate field", "line 1"]),
    (
        |key| json!({ "uaa": with_duplicate_field(&key["uaa"]) }),
        None,
        "InvalidJSON",
        &["in the entry \"uaa\": a duplicate field"],
    ),
    (
        |key| json!({ "root": text(&json!({ "uaa": with_duplicate_field(&key["uaa"]), "plan": "standard" })) }),
        None,
        "InvalidJSON",
        &["in the string \"uaa\": a duplicate field"],
    ),
    (
        |key| json!({ "root": text(&json!({ "k": with_duplicate_field(key), "plan": "standard" })) }),
        None,
        "InvalidJSON",
        &["in a string: a duplicate field"],
    ),
    (
        |key| json!({ "key": format!("{key}{}", " ".repeat(64 * 1024)) }),
        None,
        "InvalidJSON",
        &["bytes, expected at most 65536 bytes"],
    ),
    (
        |key| changed(key, |key| key["deep"] = (0..16).fold(json!(1), |inner, _| json!([inner]))),
        None,
        "InvalidJSON",
        &["nesting deeper than 16"],
    ),
    (
        |key| {
            changed(key, |key| {
                key["uaa"].as_object_mut().expect("an object").remove("clientsecret");
                key["uaa"]["credential-type"] = json!("x509");
                key["uaa"]["certificate"] = json!("-----BEGIN CERTIFICATE-----CANARY");
                key["uaa"]["key"] = json!("-----BEGIN RSA PRIVATE KEY-----CANARY");
            })
        },
        None,
        "MissingCredentials",
        &["$.uaa.clientsecret: found nothing", "x509 keys", "$.uaa.credential-type: found \"x509\""],
    ),
    (
        |key| changed(key, |key| drop(key["uaa"].as_object_mut().expect("an object").remove("clientsecret"))),
        None,
        "MissingCredentials",
        &["$.uaa.clientsecret: found nothing", "hide-secret", "create a key with a client secret"],
    ),
    (
        |key| changed(key, |key| key["endpoints"]["Api"] = json!("https://api.attacker.example/CANARY")),
        None,
        "EndpointNotAllowed",
        &["$.endpoints.Api: found a host that is not allowed", "*.alm.cloud.sap", "spec.endpointHosts"],
    ),
    (
        |key| changed(key, |key| key["endpoints"]["CANARY"] = json!("ftp://eu10.alm.cloud.sap")),
        None,
        "EndpointNotAllowed",
        &["$.endpoints.*: found a string that is not an https URL"],
    ),
];

/// Returns a Secret's entry with a changed key.
fn changed(key: &Value, change: impl FnOnce(&mut Value)) -> Value {
    let mut key = key.clone();
    change(&mut key);
    json!({ "key.json": key.to_string() })
}

/// Returns an object as text, with its first field repeated.
fn with_duplicate_field(object: &Value) -> String {
    let (name, value) = object.as_object().and_then(|fields| fields.iter().next()).expect("a field");
    object.to_string().replacen('{', &format!("{{{}:{value},", json!(name)), 1)
}

// proves: reason InvalidJSON, reason MissingCredentials, reason EndpointNotAllowed
#[test]
fn an_invalid_key_is_refused_with_path_and_remedy_before_any_sign_in() {
    scenario("no-keys", async |tenant| {
        let key = tenant.make_key().await;
        for (number, (data, entry, _, _)) in REFUSED.into_iter().enumerate() {
            let name = format!("refused-{number}");
            tenant.write_data(&name, data(&key)).await;
            let secret = match entry {
                None => json!({ "name": name }),
                Some(entry) => json!({ "name": name, "key": entry }),
            };
            tenant.apply(&name, json!({ "source": { "secretRef": secret } })).await;
        }

        for (number, (_, _, reason, words)) in REFUSED.into_iter().enumerate() {
            let object = tenant.await_ready(&format!("refused-{number}"), "False", reason).await;
            let message = message(&object, "Valid");
            assert!(words.iter().all(|word| message.contains(word)), "{number}, {words:?}: {message}");
            assert!(message.contains("; "), "the remedy follows the finding: {message}");
            let whole = serde_json::to_string(&object.status).expect("JSON");
            assert!(!whole.contains("CANARY"), "{number}: {whole}");
            assert_eq!(condition(&object, "Valid"), ("False".into(), reason.into()));
            assert_eq!(condition(&object, "Uploaded").0, "False");
            assert_eq!(condition(&object, "Stalled").0, "True");
        }
        assert_eq!(tenant.calls(&["SignIn", "Put"]).await, Vec::<Value>::new());
        assert_eq!(tenant.slot_key().await, Value::Null);
    });
}
