//! Tests of the document, which other tools must be able to read, and of the checks against it.

use std::collections::BTreeSet;

use alm_key_operator::landscape::contract::{SERVICE_KEY_CONTENT_PATH, SERVICE_KEY_PATH};
use hyper::HeaderMap;
use serde_json::{Value, json};

use super::{Contract, Exchange};

fn document() -> Value {
    let document = super::document().expect("the document can be generated");
    serde_json::to_value(document).expect("the document is JSON")
}

fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| (name.parse().expect("a name"), value.parse().expect("a value"))).collect()
}

/// Collects every `$ref` below a node.
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

/// Returns the violations of a request.
fn request_violations(method: &str, path: &str, pairs: &[(&'static str, &'static str)], body: &Value) -> Vec<String> {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let exchange = Exchange { method, path, headers: &headers(pairs), body: body.as_bytes() };
    Contract::new().expect("the document compiles").check_request(&exchange)
}

/// Returns the violations of an answer.
fn answer_violations(method: &str, status: u16, pairs: &[(&'static str, &'static str)], body: &Value) -> Vec<String> {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let exchange = Exchange { method, path: SERVICE_KEY_PATH, headers: &headers(pairs), body: body.as_bytes() };
    Contract::new().expect("the document compiles").check_answer(&exchange, status)
}

// proves: command almkey-simulator contract
#[test]
fn the_document_is_openapi_3_1() {
    let text = document().to_string();
    let spec = oas3::from_json(&text).expect("a reader of OpenAPI 3.1 accepts it");
    assert!(spec.validate_version().is_ok());
    let operations: Vec<_> = spec.operations().map(|(path, method, _)| format!("{method} {path}")).collect();
    assert_eq!(operations.len(), 5, "{operations:?}");
    let ids: BTreeSet<_> = spec.operations().filter_map(|(_, _, operation)| operation.operation_id.clone()).collect();
    assert_eq!(ids.len(), 5, "each operation has a name of its own");
    for (path, method, operation) in spec.operations() {
        assert!(operation.summary.is_some() && operation.description.is_some(), "{method} {path} is described");
    }
}

#[test]
fn every_reference_resolves_and_every_component_is_used() {
    let document = document();
    let mut used = BTreeSet::new();
    references(&document, &mut used);
    for reference in &used {
        assert!(document.pointer(&reference[1..]).is_some(), "{reference} refers to nothing");
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
fn the_document_has_the_paths_that_client_and_simulator_use() {
    let document = document();
    let methods = |path: &str| {
        let methods = document["paths"][path].as_object().expect("the path");
        methods.keys().map(String::as_str).collect::<BTreeSet<_>>()
    };
    assert_eq!(methods(SERVICE_KEY_PATH), BTreeSet::from(["delete", "get", "patch", "put"]));
    assert_eq!(methods(SERVICE_KEY_CONTENT_PATH), BTreeSet::from(["get"]));
}

#[test]
fn a_request_that_keeps_the_contract_has_no_violation() {
    let (if_match, path) = (("if-match", "\"r1\""), SERVICE_KEY_PATH);
    assert_eq!(request_violations("GET", path, &[WITH_TOKEN], &Value::Null), Vec::<String>::new());
    assert_eq!(request_violations("DELETE", path, &[WITH_TOKEN, if_match], &Value::Null), Vec::<String>::new());
    let put = json!({ "owner": owner(), "key": key() });
    assert_eq!(request_violations("PUT", path, &[WITH_TOKEN, if_match, JSON], &put), Vec::<String>::new());
    for owner in [owner(), Value::Null] {
        let change = json!({ "owner": owner });
        assert_eq!(request_violations("PATCH", path, &[WITH_TOKEN, if_match, JSON], &change), Vec::<String>::new());
    }
}

#[test]
fn each_violation_by_a_request_is_named_without_a_value() {
    let (if_match, path) = (("if-match", "\"r1\""), SERVICE_KEY_PATH);
    let full = &[WITH_TOKEN, if_match, JSON];
    let mut no_zone = key();
    no_zone["uaa"]["identityzone"] = json!("");
    let cases = [
        (request_violations("POST", path, full, &Value::Null), "there is no such path or method"),
        (request_violations("GET", path, &[], &Value::Null), "there is no bearer token"),
        (request_violations("GET", path, &[WITH_TOKEN], &key()), "there is a body"),
        (request_violations("DELETE", path, &[WITH_TOKEN], &Value::Null), "If-Match is missing"),
        (
            request_violations("DELETE", path, &[WITH_TOKEN, ("if-match", "*")], &Value::Null),
            "If-Match has an invalid value",
        ),
        (
            request_violations("PUT", path, &[WITH_TOKEN, if_match], &Value::Null),
            "the body is not declared as application/json",
        ),
        (request_violations("PUT", path, full, &Value::Null), "the body is not JSON"),
        (request_violations("PUT", path, full, &json!({ "owner": owner() })), "the body lacks \"key\" at $"),
        (
            request_violations("PUT", path, full, &json!({ "owner": owner(), "key": no_zone })),
            "the body breaks \"minLength\" at $/key/uaa/identityzone",
        ),
        (
            request_violations("PUT", path, full, &json!({ "owner": owner(), "key": key(), "CANARY": 1 })),
            "the body breaks \"additionalProperties\" at $",
        ),
        (request_violations("PATCH", path, full, &json!({})), "the body lacks \"owner\" at $"),
    ];
    for (violations, expected) in cases {
        assert_eq!(violations, [expected]);
    }
}

#[test]
fn each_violation_by_an_answer_is_named() {
    let etag = ("etag", "\"r1\"");
    let problem = json!({ "code": "Empty", "message": "m" });
    assert_eq!(answer_violations("GET", 404, &[etag, JSON], &problem), Vec::<String>::new());
    assert_eq!(answer_violations("GET", 500, &[], &json!("anything")), Vec::<String>::new());
    let cases = [
        (answer_violations("GET", 404, &[JSON], &problem), "404: ETag is missing"),
        (answer_violations("GET", 404, &[("etag", "W/\"r1\""), JSON], &problem), "404: ETag has an invalid value"),
        (answer_violations("GET", 302, &[], &Value::Null), "302 is not declared"),
        (answer_violations("DELETE", 204, &[etag], &problem), "204: there is a body"),
        (answer_violations("PUT", 422, &[JSON], &problem), "422: the body lacks \"field\" at $"),
        (answer_violations("PUT", 429, &[JSON], &problem), "429: Retry-After is missing"),
        (
            answer_violations("GET", 404, &[etag, JSON], &json!({ "code": "a b", "message": "m" })),
            "404: the body breaks \"pattern\" at $/code",
        ),
    ];
    for (violations, expected) in cases {
        assert_eq!(violations, [expected]);
    }
}
