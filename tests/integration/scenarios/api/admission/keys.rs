//! Cases for the rules of an `ALMServiceKey`.

use serde_json::{Value, json};

use super::{Case, cel, keyword, one_of, required};

const NAME: &str =
    "name must consist of lowercase letters, digits, '-' and '.', and must start and end with a letter or digit";
const ENTRY: &str = "key must consist of letters, digits, '-', '_' and '.', as the name of an entry of a Secret";
const INTERVAL: &str = "interval must be from 10s to 24h, as in 500ms, 90s or 1h30m";
const GRACE: &str = "gracePeriod must be from 0s to 720h, as in 500ms, 90s or 1h30m";
const AFTER: &str = "after must be from 10s to 720h, as in 500ms, 90s or 1h30m";

/// Returns a minimal valid key.
pub(super) fn example() -> Value {
    json!({
        "apiVersion": "almkey.dev/v1alpha1", "kind": "ALMServiceKey", "metadata": { "name": "tried" },
        "spec": { "tenantRef": { "name": "nobody" }, "source": { "secretRef": { "name": "s" } } },
    })
}

/// Returns the cases of every rule.
pub(super) fn cases() -> Vec<Case> {
    let one = "exactly one of serviceBindingRef and secretRef must be set";
    let mut cases = vec![
        required("spec", example()["spec"].clone()),
        required("spec.tenantRef", json!({ "name": "t" })),
        required("spec.source", json!({ "serviceBindingRef": { "name": "b" } })),
        cel(
            "spec.tenantRef",
            "tenantRef is immutable: delete this ALMServiceKey and create another one",
            json!({ "name": "nobody" }),
            json!({ "name": "other" }),
        ),
        cel("spec.source", one, json!({ "secretRef": { "name": "s" } }), json!({})),
        cel(
            "spec.source",
            one,
            json!({ "serviceBindingRef": { "name": "b" } }),
            json!({ "secretRef": { "name": "s" }, "serviceBindingRef": { "name": "b" } }),
        ),
        cel("spec.source.secretRef.key", ENTRY, json!("SAP_key.json-1"), json!("a/b")),
        keyword("spec.source.secretRef.key", "minLength", json!("k"), json!(""), "at least 1 chars long"),
        keyword(
            "spec.source.secretRef.key",
            "maxLength",
            json!("k".repeat(253)),
            json!("k".repeat(254)),
            "may not be more than 253",
        ),
        cel("spec.deadKey.after", AFTER, json!("720h"), json!("9999ms")),
        cel("spec.deadKey.after", AFTER, json!("10s"), json!("720h1ms")),
        cel("spec.interval", INTERVAL, json!("10s"), json!("9s")),
        cel("spec.interval", INTERVAL, json!("24h"), json!("24h1s")),
        cel("spec.gracePeriod", GRACE, json!("0s"), json!("721h")),
    ];
    cases.extend(one_of("spec.mode", &["Enforce", "Observe"], "supported values: \"Enforce\", \"Observe\""));
    cases.extend(one_of("spec.deletionPolicy", &["Delete", "Retain"], "supported values: \"Delete\", \"Retain\""));
    cases.extend(one_of("spec.deadKey.action", &["Delete", "Report"], "supported values: \"Delete\", \"Report\""));
    for field in ["spec.tenantRef.name", "spec.source.secretRef.name", "spec.source.serviceBindingRef.name"] {
        cases.extend(names(field));
    }
    cases.extend(durations("spec.interval", INTERVAL));
    cases.extend(durations("spec.gracePeriod", GRACE));
    cases.extend(durations("spec.deadKey.after", AFTER));
    cases
}

/// Returns the cases of a field with the name of an object.
pub(super) fn names(field: &'static str) -> Vec<Case> {
    let mut cases = vec![
        required(field, json!("n")),
        keyword(field, "minLength", json!("n"), json!(""), "at least 1 chars long"),
        keyword(field, "maxLength", json!("n".repeat(253)), json!("n".repeat(254)), "may not be more than 253"),
    ];
    for bad in ["Team", "a_b", "-a", "a-", "a..b", "a/b", "a b", "a\n"] {
        cases.push(cel(field, NAME, json!("team-a.calm-key.1"), json!(bad)));
    }
    cases
}

/// Returns the cases of a duration; no number of digits overflows.
pub(super) fn durations(field: &'static str, message: &'static str) -> Vec<Case> {
    let nonsense = ["99999999999999999999h", "-5m", "soon", "", "5", "1e3s", "1.5h", "5 m", "P1D", "1d", "60"];
    let mut cases: Vec<_> = nonsense.iter().map(|bad| cel(field, message, json!("59s1000ms"), json!(bad))).collect();
    let long = format!("{}s", "0".repeat(32));
    cases.push(keyword(field, "maxLength", json!("00000h00000m00059s01000ms"), json!(long), "more than 32"));
    cases
}
