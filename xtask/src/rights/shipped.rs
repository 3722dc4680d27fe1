//! The rights that the manifests give to the operator.

use std::collections::BTreeSet;

use k8s_openapi::api::rbac::v1::PolicyRule;
use serde::Deserialize as _;
use serde_json::Value;

use super::right::{NAMESPACE, Place, Right};

/// Returns all rights that these manifests bind to the operator's service account.
///
/// # Panics
/// The manifests are not YAML, or a binding names a role that is not among them.
#[must_use]
pub fn of(manifests: &str) -> BTreeSet<Right> {
    let documents: Vec<Value> = serde_yaml_ng::Deserializer::from_str(manifests)
        .map(|document| Value::deserialize(document).expect("manifests are YAML"))
        .collect();
    let bindings = documents.iter().filter(|document| {
        let is_binding = document["kind"].as_str().is_some_and(|kind| kind.ends_with("RoleBinding"));
        is_binding && document["subjects"].as_array().into_iter().flatten().any(is_operator)
    });
    let mut rights = BTreeSet::new();
    for binding in bindings {
        let place = match (binding["kind"].as_str(), binding["metadata"]["namespace"].as_str()) {
            (Some("ClusterRoleBinding"), _) => Place::Cluster,
            // One without a namespace is applied to each namespace that is to be served.
            (_, namespace) => Place::of_binding_in(namespace.unwrap_or_default()),
        };
        let role = |document: &&Value| {
            document["kind"] == binding["roleRef"]["kind"] && document["metadata"]["name"] == binding["roleRef"]["name"]
        };
        let role = documents.iter().find(role).unwrap_or_else(|| panic!("no role for {binding}"));
        let name = role["metadata"]["name"].as_str().expect("a name");
        let rules: Vec<PolicyRule> = serde_json::from_value(role["rules"].clone()).expect("rules");
        rights.extend(rules.iter().flat_map(|rule| rights_of_rule(name, place, rule)));
    }
    rights
}

fn is_operator(subject: &Value) -> bool {
    let account = (subject["kind"].as_str(), subject["namespace"].as_str(), subject["name"].as_str());
    account == (Some("ServiceAccount"), Some(NAMESPACE), Some("alm-key-operator"))
}

fn rights_of_rule(role: &str, place: Place, granted: &PolicyRule) -> Vec<Right> {
    assert!(
        granted.non_resource_urls.as_ref().is_none_or(Vec::is_empty),
        "{role} gives a right on a URL, for which the table has no column"
    );
    let any = vec![String::new()];
    let names = granted.resource_names.as_ref().filter(|names| !names.is_empty()).unwrap_or(&any);
    let mut rights = Vec::new();
    for group in granted.api_groups.iter().flatten() {
        for resource in granted.resources.iter().flatten() {
            for name in names {
                rights.extend(granted.verbs.iter().map(|verb| Right {
                    role: role.to_owned(),
                    place,
                    group: group.clone(),
                    resource: resource.clone(),
                    name: name.clone(),
                    verb: verb.clone(),
                }));
            }
        }
    }
    rights
}
