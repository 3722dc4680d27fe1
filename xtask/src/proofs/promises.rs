//! All promises that have a name: fields, conditions, reasons, rules, annotations, flags, commands, metrics and limits.
//! They are taken from the code itself, so that none can be forgotten.

use std::collections::BTreeSet;

use alm_key_operator::api::{ALMServiceKey, ALMTenant};
use alm_key_operator::cli;
use alm_key_operator::domain::reason::Reason;
use alm_key_operator::landscape::contract::{SERVICE_KEY_CONTENT_PATH, SERVICE_KEY_PATH};
use alm_key_operator::names::{annotation, condition};
use kube::CustomResourceExt;
use serde_json::Value;

use crate::workspace::root;

/// A promise: its kind and its name, as a comment `// proves:` writes them.
pub type Promise = (&'static str, String);

/// Returns all promises.
///
/// # Panics
/// A page of `docs/` that lists promises cannot be read.
#[must_use]
pub fn all() -> BTreeSet<Promise> {
    let mut all = BTreeSet::new();
    for (kind, definition) in [("ALMServiceKey", ALMServiceKey::crd()), ("ALMTenant", ALMTenant::crd())] {
        let definition = serde_json::to_value(definition).expect("a definition is JSON");
        let schema = &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
        for part in ["spec", "status"] {
            fields(&schema["properties"][part], &format!("{kind} {part}"), &mut all);
        }
        rules(schema, kind, &mut all);
    }
    let mut add = |kind, name: &str| all.insert((kind, name.to_owned()));
    for kind in [condition::READY, condition::VALID, condition::SIGNED_IN, condition::UPLOADED] {
        add("condition", &format!("ALMServiceKey {kind}"));
    }
    add("condition", &format!("ALMTenant {}", condition::READY));
    for kind in [condition::RECONCILING, condition::STALLED] {
        add("condition", &format!("ALMServiceKey {kind}"));
        add("condition", &format!("ALMTenant {kind}"));
    }
    for reason in Reason::ALL {
        add("reason", reason.as_str());
    }
    for name in [annotation::RECONCILE_REQUESTED_AT, annotation::CONFIRMATION, annotation::ABANDON] {
        add("annotation", name);
    }
    for command in cli::tree().get_subcommands() {
        add("command", command.get_name());
        for flag in command.get_arguments().filter_map(clap::Arg::get_long) {
            add("flag", &format!("--{flag}"));
        }
    }
    for command in ["contract", "conformance"] {
        add("command", &format!("almkey-simulator {command}"));
    }
    for path in [SERVICE_KEY_PATH, SERVICE_KEY_CONTENT_PATH, "/healthz", "/readyz", "/metrics"] {
        add("path", path);
    }
    for metric in metrics() {
        add("metric", &metric);
    }
    for limit in limits() {
        add("limit", &limit);
    }
    all
}

/// Adds the fields of a schema that have no fields themselves. Those of conditions are Kubernetes' own.
fn fields(schema: &Value, path: &str, all: &mut BTreeSet<Promise>) {
    let properties = schema["properties"].as_object().filter(|_| !path.ends_with(".conditions"));
    match properties {
        Some(properties) => {
            for (name, property) in properties {
                let separator = if path.ends_with(name.as_str()) { "" } else { "." };
                fields(property, &format!("{path}{separator}{name}"), all);
            }
        }
        None => drop(all.insert(("field", path.to_owned()))),
    }
}

/// Adds the messages of all CEL rules in a schema.
fn rules(schema: &Value, kind: &str, all: &mut BTreeSet<Promise>) {
    match schema {
        Value::Object(members) => {
            for rule in members.get("x-kubernetes-validations").and_then(Value::as_array).into_iter().flatten() {
                all.insert(("cel", format!("{kind} \"{}\"", rule["message"].as_str().unwrap_or_default())));
            }
            members.values().for_each(|member| rules(member, kind, all));
        }
        Value::Array(items) => items.iter().for_each(|item| rules(item, kind, all)),
        _ => {}
    }
}

/// Returns the limits as `docs/limits.md` lists them. A test compares that page with the code.
fn limits() -> Vec<String> {
    let page = std::fs::read_to_string(root().join("docs/limits.md")).expect("docs/limits.md");
    let limits = page.split("\n## Defaults").next().unwrap_or_default();
    let constants = limits.lines().filter_map(|row| row.strip_prefix("| ")?.split(" | ").nth(2));
    constants.filter_map(|cell| Some(cell.strip_prefix('`')?.trim_end_matches('`').to_owned())).collect()
}

/// Returns the metrics as `docs/metrics.md` lists them. A scenario compares that page with the metrics of an operator.
fn metrics() -> Vec<String> {
    let page = std::fs::read_to_string(root().join("docs/metrics.md")).expect("docs/metrics.md");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.filter_map(|row| row.split('`').next()).map(str::to_owned).collect()
}
