//! What the API server refuses before the operator ever sees it, with the words that a user reads.
//!
//! Each rule of the two definitions has a value that it lets through and one that it refuses; a rule without them, or them
//! without a rule, fails the test.

mod of_keys;
mod of_tenants;
mod rules;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::scenario;
use testkit::bed::Tenant;
use testkit::bed::request::{self, Answer};

use rules::{Rule, put};

/// What one rule lets through and what it refuses.
pub(super) struct Case {
    /// The field, as in `spec.signIn.hosts[]`.
    pub(super) field: &'static str,
    /// The rule: a keyword of the schema, or the message of a CEL rule.
    pub(super) rule: &'static str,
    /// A value that is let through.
    pub(super) good: Value,
    /// A value that is refused; null stands for none at all.
    pub(super) bad: Value,
    /// What the user reads.
    pub(super) words: &'static str,
}

/// A case of a rule that CEL states: the user reads its message.
pub(super) fn cel(field: &'static str, message: &'static str, good: Value, bad: Value) -> Case {
    Case { field, rule: message, good, bad, words: message }
}

/// A case of a keyword of the schema.
pub(super) fn keyword(field: &'static str, rule: &'static str, good: Value, bad: Value, words: &'static str) -> Case {
    Case { field, rule, good, bad, words }
}

/// A case of an enumeration: each of its values is let through.
pub(super) fn one_of(field: &'static str, values: &[&str], words: &'static str) -> Vec<Case> {
    values.iter().map(|value| keyword(field, "enum", json!(value), json!("Other"), words)).collect()
}

/// A field that must be there.
pub(super) fn required(field: &'static str, good: Value) -> Case {
    keyword(field, "required", good, Value::Null, "Required value")
}

/// Tries an object with `value` in this field; nothing is kept.
async fn tried(tenant: &Tenant<'_>, kind: &Kind, field: &str, value: &Value) -> Answer {
    let mut object = (kind.example)();
    put(&mut object, field, value);
    let path = format!("{}?dryRun=All&fieldValidation=Strict", (kind.path)(&tenant.namespace));
    request::create(&tenant.client, &path, &object).await
}

/// Tries to change this field of an object that stands with `good` in it, to `good` and to `bad`.
async fn changed(tenant: &Tenant<'_>, kind: &Kind, case: &Case) -> (Answer, Answer) {
    let mut object = (kind.example)();
    put(&mut object, case.field, &case.good);
    object["metadata"]["name"] = json!("standing");
    let path = (kind.path)(&tenant.namespace);
    request::create(&tenant.client, &path, &object).await.expect("it can be made");
    let change = async |value: &Value| {
        let mut change = json!({});
        put(&mut change, case.field, value);
        request::merge(&tenant.client, &format!("{path}/standing?dryRun=All"), &change).await
    };
    (change(&case.good).await, change(&case.bad).await)
}

/// A kind, and how an object of it is made.
struct Kind {
    definition: &'static str,
    path: fn(&str) -> String,
    example: fn() -> Value,
    cases: fn() -> Vec<Case>,
}

const KEYS: Kind = Kind {
    definition: "almservicekeys.almkey.dev",
    path: |namespace| format!("/apis/almkey.dev/v1alpha1/namespaces/{namespace}/almservicekeys"),
    example: of_keys::example,
    cases: of_keys::cases,
};

const TENANTS: Kind = Kind {
    definition: "almtenants.almkey.dev",
    path: |_| "/apis/almkey.dev/v1alpha1/almtenants".into(),
    example: of_tenants::example,
    cases: of_tenants::cases,
};

/// Every case of a kind lets through and refuses what it says, and every rule of its definition has a case.
async fn holds_every_rule(tenant: &Tenant<'_>, kind: &Kind) {
    let definition = rules::definition(&tenant.client, kind.definition).await;
    let stated: BTreeSet<Rule> = rules::of(&definition);
    let cases = (kind.cases)();
    let tested: BTreeSet<Rule> = cases.iter().map(|case| (case.field.to_owned(), case.rule.to_owned())).collect();
    let (untested, unstated): (Vec<_>, Vec<_>) =
        (stated.difference(&tested).collect(), tested.difference(&stated).collect());
    assert!(untested.is_empty() && unstated.is_empty(), "without a case: {untested:#?}\nno rule: {unstated:#?}");

    let mut wrong = Vec::new();
    for case in &cases {
        let (good, bad) = if rules::is_of_transitions(&definition, case.rule) {
            changed(tenant, kind, case).await
        } else {
            (tried(tenant, kind, case.field, &case.good).await, tried(tenant, kind, case.field, &case.bad).await)
        };
        if good.status >= 300 {
            wrong.push(format!("{} refuses what is good: {}", case.field, good.body["message"]));
        }
        let said = bad.body["message"].as_str().unwrap_or_default();
        if bad.status != 422 || !said.contains(case.words) {
            wrong.push(format!("{} and {:?}: {} {said}", case.field, case.words, bad.status));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

// proves: cel ALMServiceKey "tenantRef is immutable: delete this ALMServiceKey and create another one"
// proves: cel ALMServiceKey "exactly one of serviceBindingRef and secretRef must be set"
// proves: cel ALMServiceKey "name must consist of lowercase letters, digits, '-' and '.', and must start and end with a letter or digit"
// proves: cel ALMServiceKey "key must consist of letters, digits, '-', '_' and '.', as the name of an entry of a Secret"
// proves: cel ALMServiceKey "interval must be from 10s to 24h, as in 500ms, 90s or 1h30m"
// proves: cel ALMServiceKey "gracePeriod must be from 0s to 720h, as in 500ms, 90s or 1h30m"
// proves: cel ALMServiceKey "after must be from 10s to 720h, as in 500ms, 90s or 1h30m"
#[test]
fn every_rule_for_a_key_lets_through_what_is_right_and_tells_what_is_wrong() {
    scenario("rules-of-keys", async |tenant| holds_every_rule(&tenant, &KEYS).await);
}

// proves: cel ALMTenant "identityZone is immutable: create another ALMTenant"
// proves: cel ALMTenant "identityZone must consist of lowercase letters, digits and '-', and must start and end with a letter or digit"
// proves: cel ALMTenant "url must be an https URL without user information, query and fragment"
// proves: cel ALMTenant "tokenUrl must be an https URL without user information, query and fragment"
// proves: cel ALMTenant "name must consist of lowercase letters, digits, '-' and '.', and must start and end with a letter or digit"
// proves: cel ALMTenant "caBundle must contain PEM certificates, each from BEGIN CERTIFICATE to END CERTIFICATE"
// proves: cel ALMTenant "caBundle must not contain a private key: anyone who may read this object could use it"
// proves: cel ALMTenant "timeout must be from 1s to 60s, as in 500ms, 90s or 1h30m"
// proves: cel ALMTenant "'*' admits all namespaces and must be the only entry"
// proves: cel ALMTenant "a namespace must be a full name (lowercase letters, digits and '-') or '*' for all"
// proves: cel ALMTenant "a host must be host or host:port, without scheme and path; a wildcard is allowed only as the first label"
// proves: cel ALMTenant "a host must not be listed twice", cel ALMTenant "a credential type must not be listed twice"
// proves: cel ALMTenant "a scope must be a single word without spaces, quotes and backslashes"
// proves: limit api/schema MAX_NAME, limit api/schema MAX_HOST, limit api/schema MAX_LIST
// proves: limit api/schema MAX_NAMESPACES
#[test]
fn every_rule_for_a_tenant_lets_through_what_is_right_and_tells_what_is_wrong() {
    scenario("rules-of-tenants", async |tenant| holds_every_rule(&tenant, &TENANTS).await);
}
