//! The rules of a definition, read from the API server.

use std::collections::BTreeSet;

use kube::Client;
use serde_json::{Map, Value, json};

use testkit::bed::request;

/// A field and a rule: a keyword of the schema, or the message of a CEL rule.
pub(super) type Rule = (String, String);

/// Keywords of a schema that refuse values.
const KEYWORDS: [&str; 7] = ["enum", "pattern", "minLength", "maxLength", "minItems", "maxItems", "minimum"];
const CEL: &str = "x-kubernetes-validations";

/// Reads the schema of a definition from the cluster.
pub(super) async fn definition(client: &Client, name: &str) -> Value {
    let path = format!("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}");
    let definition = request::read(client, &path, "application/json").await.expect("the definition");
    definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"].clone()
}

/// Collects every rule for the fields that a user writes.
pub(super) fn collect(schema: &Value) -> BTreeSet<Rule> {
    let mut rules = BTreeSet::new();
    each(schema, "", &mut |field, schema| {
        for keyword in KEYWORDS.iter().filter(|keyword| schema.get(**keyword).is_some()) {
            rules.insert((field.to_owned(), (*keyword).to_owned()));
        }
        for child in schema["required"].as_array().into_iter().flatten() {
            let child = child.as_str().expect("a name");
            let path = if field.is_empty() { child.to_owned() } else { format!("{field}.{child}") };
            rules.insert((path, "required".into()));
        }
        for rule in schema[CEL].as_array().into_iter().flatten() {
            rules.insert((field.to_owned(), rule["message"].as_str().expect("each rule has a message").into()));
        }
    });
    rules
}

/// Returns true if the rule with this message compares with the old object.
pub(super) fn is_transition_rule(schema: &Value, message: &str) -> bool {
    let mut found = false;
    each(schema, "", &mut |_, schema| {
        let mut rules = schema[CEL].as_array().into_iter().flatten();
        found |= rules.any(|rule| rule["message"] == message && rule["rule"].to_string().contains("oldSelf"));
    });
    found
}

/// Visits every schema except those of the status, which no user writes.
fn each<'a>(schema: &'a Value, field: &str, visit: &mut impl FnMut(&str, &'a Value)) {
    visit(field, schema);
    for (name, child) in schema["properties"].as_object().into_iter().flatten() {
        match field {
            "" if name == "status" => {}
            "" => each(child, name, visit),
            _ => each(child, &format!("{field}.{name}"), visit),
        }
    }
    if schema["items"].is_object() {
        each(&schema["items"], &format!("{field}[]"), visit);
    }
}

/// Returns a new parent of a field, with all other fields that it requires.
fn new_parent(name: &str) -> Value {
    match name {
        "caBundleRef" => json!({ "kind": "ConfigMap", "name": "ca", "key": "ca.crt" }),
        "parameters" => json!([{ "name": "resource", "value": "v" }]),
        _ => json!({}),
    }
}

/// Sets a field of a document, or its first item for a path with `[]`; null removes the field. Other fields stay, except
/// that a binding replaces the Secret as the source.
pub(super) fn put(document: &mut Value, field: &str, value: &Value) {
    let (path, is_item) = field.strip_suffix("[]").map_or((field, false), |list| (list, true));
    if path.contains("serviceBindingRef") && document["spec"]["source"]["secretRef"].is_object() {
        document["spec"]["source"] = json!({});
    }
    let (parents, name) = path.rsplit_once('.').unwrap_or(("", path));
    let mut place = document;
    for parent in parents.split('.').filter(|parent| !parent.is_empty()) {
        let (list, is_item) = parent.strip_suffix("[]").map_or((parent, false), |list| (list, true));
        let next = place.as_object_mut().expect("an object").entry(list).or_insert_with(|| new_parent(list));
        place = if is_item { &mut next[0] } else { next };
    }
    let object: &mut Map<String, Value> = place.as_object_mut().expect("an object");
    match value {
        Value::Null => drop(object.remove(name)),
        item if is_item => drop(object.insert(name.into(), json!([item]))),
        value => drop(object.insert(name.into(), value.clone())),
    }
}
