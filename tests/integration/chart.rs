//! The values of the Helm chart and their schema. The tests with Helm itself are in `tests/slow/chart`.

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};
use testkit::bed::cluster::package;

fn read(file: &str) -> Value {
    let text = fs::read_to_string(package().join("charts/alm-key-operator").join(file)).expect("the file");
    serde_yaml_ng::from_str(&text).expect("YAML")
}

/// Adds the paths of the values that a schema describes.
fn described(schema: &Value, path: &str, paths: &mut BTreeSet<String>) {
    assert!(!path.is_empty() || schema["additionalProperties"] == json!(false), "the schema admits unknown values");
    let Some(properties) = schema["properties"].as_object() else {
        paths.insert(path.to_owned());
        return;
    };
    assert_eq!(schema["additionalProperties"], json!(false), "{path} admits unknown values");
    for (name, property) in properties.iter().filter(|(name, _)| *name != "global") {
        described(property, &format!("{path}/{name}"), paths);
    }
}

#[test]
fn each_value_of_the_chart_has_a_schema_that_its_default_fits() {
    let (values, schema) = (read("values.yaml"), read("values.schema.json"));
    let mut paths = BTreeSet::new();
    described(&schema, "", &mut paths);

    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let errors: Vec<String> = validator.iter_errors(&values).map(|error| error.to_string()).collect();
    assert_eq!(errors, Vec::<String>::new());
    // The parts of an affinity have no default.
    let missing: Vec<_> =
        paths.iter().filter(|path| values.pointer(path).is_none() && !path.starts_with("/affinity/")).collect();
    assert!(missing.is_empty(), "values.yaml lacks {missing:?}");
}

#[test]
fn the_page_and_the_program_of_helm_name_the_version_of_its_module() {
    let text = |path: &str| fs::read_to_string(package().join(path)).expect("the file");
    let module = text("testkit/go/helm/go.mod");
    let (_, rest) = module.split_once("helm.sh/helm/v4 v").expect("the module");
    let version = rest.split_whitespace().next().expect("a version");
    assert!(text("testkit/src/helm.rs").contains(&format!("version.version=v{version}\"")), "the program");
    assert!(text("docs/helm.md").contains(&format!("with Helm {version},")), "the page");
}
