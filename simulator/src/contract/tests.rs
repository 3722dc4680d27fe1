//! The document is one that other tools can read, and what is held against it is found out.

use std::collections::BTreeSet;

use alm_key_operator::landscape::contract::{SERVICE_KEY_CONTENT_PATH, SERVICE_KEY_PATH};
use hyper::HeaderMap;
use serde_json::{Value, json};

use super::{Contract, Seen};

fn document() -> Value {
    let document = super::document().expect("it can be put together");
    serde_json::to_value(document).expect("it is JSON")
}

fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| (name.parse().expect("a name"), value.parse().expect("a value"))).collect()
}

/// Every `$ref` below a node.
fn references(node: &Value, found: &mut BTreeSet<String>) {
    match node {
        Value::Object(fields) => {
            if let Some(Value::String(reference)) = fields.get("$ref") {
                found.insert(reference.clone());
            }
            fields.values().for_each(|field| references(field, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

const WITH_TOKEN: (&str, &str) = ("authorization", "Bearer t");
const JSON: (&str, &str) = ("content-type", "application/json");

fn owner() -> Value {
    json!({ "clusterID": "c", "namespace": "n", "name": "o", "adopted": false })
}

fn key() -> Value {
    json!({ "uaa": { "identityzone": "z", "clientid": "c", "clientsecret": "CANARY", "credential-type": "t" }, "more": 1 })
}

/// What is wrong with a request.
fn asked(method: &str, path: &str, pairs: &[(&'static str, &'static str)], body: &Value) -> Vec<String> {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let seen = Seen { method, path, headers: &headers(pairs), body: body.as_bytes() };
    Contract::new().expect("the document fits together").request(&seen)
}

/// What is wrong with an answer.
fn answered(method: &str, status: u16, pairs: &[(&'static str, &'static str)], body: &Value) -> Vec<String> {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let seen = Seen { method, path: SERVICE_KEY_PATH, headers: &headers(pairs), body: body.as_bytes() };
    Contract::new().expect("the document fits together").answer(&seen, status)
}

// proves: command almkey-simulator contract
#[test]
fn the_document_is_openapi_3_1() {
    let text = document().to_string();
    let spec = oas3::from_json(&text).expect("a reader of OpenAPI 3.1 takes it");
    assert!(spec.validate_version().is_ok());
    let operations: Vec<_> = spec.operations().map(|(path, method, _)| format!("{method} {path}")).collect();
    assert_eq!(operations.len(), 5, "{operations:?}");
    let ids: BTreeSet<_> = spec.operations().filter_map(|(_, _, operation)| operation.operation_id.clone()).collect();
    assert_eq!(ids.len(), 5, "each has a name of its own");
    for (path, method, operation) in spec.operations() {
        assert!(operation.summary.is_some() && operation.description.is_some(), "{method} {path} is explained");
    }
}

#[test]
fn every_reference_leads_somewhere_and_nothing_is_declared_in_vain() {
    let document = document();
    let mut used = BTreeSet::new();
    references(&document, &mut used);
    for reference in &used {
        assert!(document.pointer(&reference[1..]).is_some(), "{reference} leads nowhere");
    }
    for part in ["parameters", "headers", "responses", "schemas"] {
        for name in document["components"][part].as_object().expect("a map").keys() {
            let reference = format!("#/components/{part}/{name}");
            assert!(used.contains(&reference), "{reference} is not used");
        }
    }
}

#[test]
fn every_schema_of_the_document_is_json_schema_2020_12() {
    let document = document();
    for (name, schema) in document["components"]["schemas"].as_object().expect("a map") {
        assert!(jsonschema::draft202012::meta::is_valid(schema), "{name}");
    }
    assert!(!jsonschema::draft202012::meta::is_valid(&json!({ "type": "nonsense" })));
}

// proves: path /v1/service-key, path /v1/service-key/content
#[test]
fn the_document_has_the_paths_that_client_and_simulator_speak() {
    let document = document();
    let methods = |path: &str| {
        let methods = document["paths"][path].as_object().expect("the path");
        methods.keys().map(String::as_str).collect::<BTreeSet<_>>()
    };
    assert_eq!(methods(SERVICE_KEY_PATH), BTreeSet::from(["delete", "get", "patch", "put"]));
    assert_eq!(methods(SERVICE_KEY_CONTENT_PATH), BTreeSet::from(["get"]));
}

#[test]
fn a_request_as_agreed_has_no_violation() {
    let (if_match, path) = (("if-match", "\"r1\""), SERVICE_KEY_PATH);
    assert_eq!(asked("GET", path, &[WITH_TOKEN], &Value::Null), Vec::<String>::new());
    assert_eq!(asked("DELETE", path, &[WITH_TOKEN, if_match], &Value::Null), Vec::<String>::new());
    let put = json!({ "owner": owner(), "key": key() });
    assert_eq!(asked("PUT", path, &[WITH_TOKEN, if_match, JSON], &put), Vec::<String>::new());
    for owner in [owner(), Value::Null] {
        let change = json!({ "owner": owner });
        assert_eq!(asked("PATCH", path, &[WITH_TOKEN, if_match, JSON], &change), Vec::<String>::new());
    }
}

#[test]
fn each_way_in_which_a_request_deviates_is_named_and_no_value_is_quoted() {
    let (if_match, path) = (("if-match", "\"r1\""), SERVICE_KEY_PATH);
    let full = &[WITH_TOKEN, if_match, JSON];
    let mut no_zone = key();
    no_zone["uaa"]["identityzone"] = json!("");
    let cases = [
        (asked("POST", path, full, &Value::Null), "there is no such path or method"),
        (asked("GET", path, &[], &Value::Null), "there is no bearer token"),
        (asked("GET", path, &[WITH_TOKEN], &key()), "there is a body"),
        (asked("DELETE", path, &[WITH_TOKEN], &Value::Null), "If-Match is missing"),
        (asked("DELETE", path, &[WITH_TOKEN, ("if-match", "*")], &Value::Null), "If-Match is not what it should be"),
        (asked("PUT", path, &[WITH_TOKEN, if_match], &Value::Null), "the body is not called application/json"),
        (asked("PUT", path, full, &Value::Null), "the body is no JSON"),
        (asked("PUT", path, full, &json!({ "owner": owner() })), "the body lacks \"key\" at $"),
        (
            asked("PUT", path, full, &json!({ "owner": owner(), "key": no_zone })),
            "the body breaks \"minLength\" at $/key/uaa/identityzone",
        ),
        (
            asked("PUT", path, full, &json!({ "owner": owner(), "key": key(), "CANARY": 1 })),
            "the body breaks \"additionalProperties\" at $",
        ),
        (asked("PATCH", path, full, &json!({})), "the body lacks \"owner\" at $"),
    ];
    for (found, expected) in cases {
        assert_eq!(found, [expected]);
    }
}

#[test]
fn each_way_in_which_an_answer_deviates_is_named() {
    let etag = ("etag", "\"r1\"");
    let problem = json!({ "code": "Empty", "message": "m" });
    assert_eq!(answered("GET", 404, &[etag, JSON], &problem), Vec::<String>::new());
    assert_eq!(answered("GET", 500, &[], &json!("whatever")), Vec::<String>::new());
    let cases = [
        (answered("GET", 404, &[JSON], &problem), "404: ETag is missing"),
        (answered("GET", 404, &[("etag", "W/\"r1\""), JSON], &problem), "404: ETag is not what it should be"),
        (answered("GET", 302, &[], &Value::Null), "302 is not declared"),
        (answered("DELETE", 204, &[etag], &problem), "204: there is a body"),
        (answered("PUT", 422, &[JSON], &problem), "422: the body lacks \"field\" at $"),
        (answered("PUT", 429, &[JSON], &problem), "429: Retry-After is missing"),
        (
            answered("GET", 404, &[etag, JSON], &json!({ "code": "a b", "message": "m" })),
            "404: the body breaks \"pattern\" at $/code",
        ),
    ];
    for (found, expected) in cases {
        assert_eq!(found, [expected]);
    }
}
