//! The OpenAPI documents of the API server, as strict validators.

use std::collections::BTreeMap;

use jsonschema::{ValidationError, Validator};
use serde_json::{Value, json};
use testkit::bed::TestBed;

/// Validators by API version and kind, compiled when they are first needed.
pub(super) struct OpenApi<'a> {
    bed: &'a TestBed,
    documents: BTreeMap<String, Value>,
    validators: BTreeMap<(String, String), Validator>,
}

impl<'a> OpenApi<'a> {
    pub(super) fn of(bed: &'a TestBed) -> Self {
        Self { bed, documents: BTreeMap::new(), validators: BTreeMap::new() }
    }

    /// Returns the findings about an object: place and message.
    pub(super) fn findings(&mut self, object: &Value) -> Vec<String> {
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let (version, kind) = (text(&object["apiVersion"]), text(&object["kind"]));
        let id = (version, kind);
        let validator = self.validators.remove(&id).unwrap_or_else(|| self.validator(&id.0, &id.1));
        let describe = |error: ValidationError<'_>| format!("{} {}: {error}", id.1, error.instance_path());
        let findings = validator.iter_errors(object).map(describe).collect();
        self.validators.insert(id, validator);
        findings
    }

    fn validator(&mut self, api_version: &str, kind: &str) -> Validator {
        let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
        let path = if group.is_empty() { format!("api/{version}") } else { format!("apis/{api_version}") };
        let bed = self.bed;
        let document = self.documents.entry(path.clone()).or_insert_with(|| {
            let text = bed.kubectl(&["get", "--raw", &format!("/openapi/v3/{path}")]);
            let mut document = serde_json::from_str(&text).expect("JSON");
            refuse_unknown_fields(&mut document);
            document
        });
        let schemas = document["components"]["schemas"].as_object().expect("schemas");
        let names = json!({ "group": group, "version": version, "kind": kind });
        let is_kind = |schema: &Value| {
            schema["x-kubernetes-group-version-kind"].as_array().is_some_and(|kinds| kinds.contains(&names))
        };
        let (name, _) = schemas
            .iter()
            .find(|(_, schema)| is_kind(schema))
            .unwrap_or_else(|| panic!("the API server documents no {api_version} {kind}"));
        let schema = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$ref": format!("#/components/schemas/{name}"), "components": { "schemas": schemas },
        });
        jsonschema::validator_for(&schema).expect("a schema")
    }
}

/// Lets no object have a field that its schema does not name.
fn refuse_unknown_fields(node: &mut Value) {
    match node {
        Value::Array(items) => items.iter_mut().for_each(refuse_unknown_fields),
        Value::Object(map) => {
            let is_open = map.get("x-kubernetes-preserve-unknown-fields") == Some(&json!(true));
            if map.get("type") == Some(&json!("object"))
                && map.get("properties").is_some_and(Value::is_object)
                && !map.contains_key("additionalProperties")
                && !is_open
            {
                map.insert("additionalProperties".into(), json!(false));
            }
            map.values_mut().for_each(refuse_unknown_fields);
        }
        _ => {}
    }
}
