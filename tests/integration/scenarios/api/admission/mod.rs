//! The rules of both definitions, which the API server checks, with the messages that users read.
//!
//! Each rule has a case with a value that is admitted and one that is refused. A rule without a case fails the test, and
//! so does a case without a rule.

mod keys;
mod rules;
mod tenants;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::scenarios::scenario;
use testkit::bed::Tenant;
use testkit::bed::request::{self, Answer};

use rules::{Rule, put};

/// One rule with an admitted and a refused value.
pub(super) struct Case {
    /// Path of the field, as in `spec.signIn.hosts[]`.
    pub(super) field: &'static str,
    /// A keyword of the schema, or the message of a CEL rule.
    pub(super) rule: &'static str,
    /// A value that is admitted.
    pub(super) good: Value,
    /// A value that is refused; null leaves the field out.
    pub(super) bad: Value,
    /// A part of the message that the user reads.
    pub(super) words: &'static str,
}

/// Returns a case of a CEL rule, whose message the user reads.
pub(super) fn cel(field: &'static str, message: &'static str, good: Value, bad: Value) -> Case {
    Case { field, rule: message, good, bad, words: message }
}

/// Returns a case of a keyword of the schema.
pub(super) fn keyword(field: &'static str, rule: &'static str, good: Value, bad: Value, words: &'static str) -> Case {
    Case { field, rule, good, bad, words }
}

/// Returns the cases of an enumeration: each of its values is admitted.
pub(super) fn one_of(field: &'static str, values: &[&str], words: &'static str) -> Vec<Case> {
    values.iter().map(|value| keyword(field, "enum", json!(value), json!("Other"), words)).collect()
}

/// Returns a case of a required field.
pub(super) fn required(field: &'static str, good: Value) -> Case {
    keyword(field, "required", good, Value::Null, "Required value")
}

/// Creates an object with `value` in this field, as a dry run.
async fn try_create(tenant: &Tenant<'_>, kind: &Kind, field: &str, value: &Value) -> Answer {
    let mut object = (kind.example)();
    put(&mut object, field, value);
    let path = format!("{}?dryRun=All&fieldValidation=Strict", (kind.path)(&tenant.namespace));
    request::create(&tenant.client, &path, &object).await
}

/// Creates an object with `good` in this field; returns the answers to a change to `good` and to `bad`.
async fn try_change(tenant: &Tenant<'_>, kind: &Kind, case: &Case) -> (Answer, Answer) {
    let mut object = (kind.example)();
    put(&mut object, case.field, &case.good);
    let name = format!("existing-{}", case.field.replace('.', "-").to_lowercase());
    object["metadata"]["name"] = json!(name);
    let path = (kind.path)(&tenant.namespace);
    request::create(&tenant.client, &path, &object).await.expect("the object is created");
    let change = async |value: &Value| {
        let mut change = json!({});
        put(&mut change, case.field, value);
        request::merge(&tenant.client, &format!("{path}/{name}?dryRun=All"), &change).await
    };
    (change(&case.good).await, change(&case.bad).await)
}

/// A kind with its cases.
struct Kind {
    definition: &'static str,
    path: fn(&str) -> String,
    example: fn() -> Value,
    cases: fn() -> Vec<Case>,
}

const KEYS: Kind = Kind {
    definition: "almservicekeys.almkey.dev",
    path: |namespace| format!("/apis/almkey.dev/v1alpha1/namespaces/{namespace}/almservicekeys"),
    example: keys::example,
    cases: keys::cases,
};

const TENANTS: Kind = Kind {
    definition: "almtenants.almkey.dev",
    path: |_| "/apis/almkey.dev/v1alpha1/almtenants".into(),
    example: tenants::example,
    cases: tenants::cases,
};

/// Checks that every rule of a kind has a case, and that every case holds.
async fn check_every_rule(tenant: &Tenant<'_>, kind: &Kind) {
    let definition = rules::definition(&tenant.client, kind.definition).await;
    let stated: BTreeSet<Rule> = rules::collect(&definition);
    let cases = (kind.cases)();
    let tested: BTreeSet<Rule> = cases.iter().map(|case| (case.field.to_owned(), case.rule.to_owned())).collect();
    let (untested, unstated): (Vec<_>, Vec<_>) =
        (stated.difference(&tested).collect(), tested.difference(&stated).collect());
    assert!(
        untested.is_empty() && unstated.is_empty(),
        "rules without a case: {untested:#?}\ncases without a rule: {unstated:#?}"
    );

    let mut wrong = Vec::new();
    for case in &cases {
        let (good, bad) = if rules::is_transition_rule(&definition, case.rule) {
            try_change(tenant, kind, case).await
        } else {
            (
                try_create(tenant, kind, case.field, &case.good).await,
                try_create(tenant, kind, case.field, &case.bad).await,
            )
        };
        if good.status >= 300 {
            wrong.push(format!("{} refuses a good value: {}", case.field, good.body["message"]));
        }
        let message = bad.body["message"].as_str().unwrap_or_default();
        if bad.status != 422 || !message.contains(case.words) {
            wrong.push(format!("{} and {:?}: {} {message}", case.field, case.words, bad.status));
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
fn every_rule_for_a_key_admits_a_good_value_and_explains_a_bad_one() {
    scenario("rules-of-keys", async |tenant| check_every_rule(&tenant, &KEYS).await);
}

// proves: cel ALMTenant "identityZone is immutable: create another ALMTenant"
// proves: cel ALMTenant "identityZone must consist of letters, digits and '-', and must start and end with a letter or digit"
// proves: cel ALMTenant "url must be an https URL without user information, query and fragment"
// proves: cel ALMTenant "tokenUrl must be an https URL without user information, query and fragment"
// proves: cel ALMTenant "name must consist of lowercase letters, digits, '-' and '.', and must start and end with a letter or digit"
// proves: cel ALMTenant "caBundle must contain PEM certificates, each from BEGIN CERTIFICATE to END CERTIFICATE"
// proves: cel ALMTenant "caBundle must not contain a private key: anyone who may read this object could use it"
// proves: cel ALMTenant "at most one of caBundle and caBundleRef may be set"
// proves: cel ALMTenant "key must consist of letters, digits, '-', '_' and '.', as the name of an entry of a ConfigMap or Secret"
// proves: cel ALMTenant "scope must be scopes without quotes and backslashes, separated by single spaces"
// proves: cel ALMTenant "name must consist of letters, digits, '-', '.' and '_'"
// proves: cel ALMTenant "the operator sends grant_type, client_id and client_secret itself, and scope has a field of its own"
// proves: cel ALMTenant "a parameter must not be a credential: anyone who may read this object could use it"
// proves: cel ALMTenant "exactly one of http and manual must be set"
// proves: cel ALMTenant "timeout must be from 1s to 60s, as in 500ms, 90s or 1h30m"
// proves: cel ALMTenant "'*' admits all namespaces and must be the only entry"
// proves: cel ALMTenant "a namespace must be a full name (lowercase letters, digits and '-') or '*' for all"
// proves: cel ALMTenant "a host must be host or host:port, without scheme and path; a wildcard is allowed only as the first label"
// proves: cel ALMTenant "a host must not be listed twice", cel ALMTenant "a credential type must not be listed twice"
// proves: cel ALMTenant "a scope must be a single word without spaces, quotes and backslashes"
// proves: cel ALMTenant "an application must be its name without the suffix, as in app for app!b2"
// proves: limit api/schema MAX_NAME, limit api/schema MAX_HOST, limit api/schema MAX_LIST
// proves: limit api/schema MAX_NAMESPACES, limit api/schema MAX_TEXT, limit api/schema MAX_SCOPE
// proves: limit api/schema MAX_PARAMETERS
#[test]
fn every_rule_for_a_tenant_admits_a_good_value_and_explains_a_bad_one() {
    scenario("rules-of-tenants", async |tenant| check_every_rule(&tenant, &TENANTS).await);
}
