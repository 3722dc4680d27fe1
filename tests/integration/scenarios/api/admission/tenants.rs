//! Cases for the rules of an `ALMTenant`.

use serde_json::{Value, json};

use super::keys::{durations, names};
use super::{Case, cel, keyword, one_of, required};

const LANDSCAPE: &str = "spec.landscapeManagement";
const HTTP: &str = "spec.landscapeManagement.http";
const ONE_ADAPTER: &str = "exactly one of http and manual must be set";
const HTTP_STAYS: &str = "http cannot be changed to manual: create another ALMTenant";
const HOST: &str =
    "a host must be host or host:port, without scheme and path; a wildcard is allowed only as the first label";
const TIMEOUT: &str = "timeout must be from 1s to 60s, as in 500ms, 90s or 1h30m";
const NAMESPACE: &str = "a namespace must be a full name (lowercase letters, digits and '-') or '*' for all";
const ONE_BUNDLE: &str = "at most one of caBundle and caBundleRef may be set";
const BUNDLE_ENTRY: &str =
    "key must consist of letters, digits, '-', '_' and '.', as the name of an entry of a ConfigMap or Secret";
const PEM: &str = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----";

/// Returns a minimal valid tenant.
pub(super) fn example() -> Value {
    json!({
        "apiVersion": "almkey.dev/v1alpha1", "kind": "ALMTenant", "metadata": { "name": "tried" },
        "spec": {
            "identityZone": "tried",
            "landscapeManagement": { "http": http() },
            "allowedNamespaces": ["tried"],
        },
    })
}

fn http() -> Value {
    json!({
        "url": "https://localhost:1",
        "oauth2": { "tokenUrl": "https://localhost:1/oauth/token", "secretRef": { "name": "tried" } },
    })
}

/// Returns the cases of every rule.
pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![
        required("spec", example()["spec"].clone()),
        required("spec.landscapeManagement", json!({ "http": http() })),
        cel(LANDSCAPE, ONE_ADAPTER, json!({ "manual": {} }), json!({})),
        cel(LANDSCAPE, ONE_ADAPTER, json!({ "http": http() }), json!({ "http": http(), "manual": {} })),
        cel(LANDSCAPE, HTTP_STAYS, json!({ "http": http() }), json!({ "http": null, "manual": {} })),
        required("spec.landscapeManagement.http.oauth2", http()["oauth2"].clone()),
        required("spec.landscapeManagement.http.oauth2.secretRef", json!({ "name": "s" })),
        cel("spec.landscapeManagement.http.timeout", TIMEOUT, json!("1s"), json!("999ms")),
        cel("spec.landscapeManagement.http.timeout", TIMEOUT, json!("60s"), json!("61s")),
    ];
    cases.extend(identity_zone());
    cases.extend(namespaces());
    cases.extend(names("spec.landscapeManagement.http.oauth2.secretRef.name"));
    cases.extend(durations("spec.landscapeManagement.http.timeout", TIMEOUT));
    cases.extend(https("spec.landscapeManagement.http.url", "url"));
    cases.extend(https("spec.landscapeManagement.http.oauth2.tokenUrl", "tokenUrl"));
    cases.extend(token_requests());
    cases.extend(certificates("spec.landscapeManagement.http.caBundle"));
    cases.extend(certificates("spec.signIn.caBundle"));
    let both = |mut parent: Value| {
        (parent["caBundle"], parent["caBundleRef"]) = (json!(PEM), ca_bundle_ref());
        parent
    };
    cases.push(cel(HTTP, ONE_BUNDLE, with_reference(http()), both(http())));
    cases.push(cel("spec.signIn", ONE_BUNDLE, with_reference(json!({})), both(json!({}))));
    cases.extend(ca_bundle_refs());
    cases.extend(hosts("spec.signIn.hosts", "spec.signIn.hosts[]"));
    cases.extend(hosts("spec.endpointHosts", "spec.endpointHosts[]"));
    cases.extend(credential_types());
    cases.extend(services());
    cases.extend(scopes());
    let policies = ["Never", "IfIdentical", "Replace"];
    cases.extend(one_of("spec.adoptionPolicy", &policies, "supported values: \"Never\", \"IfIdentical\", \"Replace\""));
    cases
}

fn identity_zone() -> Vec<Case> {
    let field = "spec.identityZone";
    let words = "identityZone must consist of letters, digits and '-', and must start and end with a letter or digit";
    let immutable = "identityZone is immutable: create another ALMTenant";
    let mut cases = vec![
        required(field, json!("z")),
        keyword(field, "minLength", json!("z"), json!(""), "at least 1 chars long"),
        keyword(field, "maxLength", json!("z".repeat(63)), json!("z".repeat(64)), "may not be more than 63"),
        cel(field, immutable, json!("tried"), json!("other")),
    ];
    for bad in ["acmé", "acme.calm", "-acme", "acme-", "acme calm", "acme_calm", "*"] {
        cases.push(cel(field, words, json!("ACME-calm-1"), json!(bad)));
    }
    cases
}

fn namespaces() -> Vec<Case> {
    let (field, item) = ("spec.allowedNamespaces", "spec.allowedNamespaces[]");
    let alone = "'*' admits all namespaces and must be the only entry";
    // Names of the maximal length, to stay within the cost limit of CEL.
    let many = |count: usize| json!((0..count).map(|number| format!("n{number:062}")).collect::<Vec<_>>());
    let mut cases = vec![
        required(field, json!(["*"])),
        keyword(field, "minItems", json!(["a"]), json!([]), "at least 1 items"),
        keyword(field, "maxItems", many(1024), many(1025), "must have at most 1024 items"),
        cel(field, alone, json!(["a", "b"]), json!(["*", "a"])),
        cel(field, alone, json!(["*"]), json!(["a", "*"])),
        keyword(item, "minLength", json!("n"), json!(""), "at least 1 chars long"),
        keyword(item, "maxLength", json!("n".repeat(63)), json!("n".repeat(64)), "may not be more than 63"),
    ];
    for bad in ["team-*", "Team", "a.b", "-a", "**", "a,b"] {
        cases.push(cel(item, NAMESPACE, json!("team-1"), json!(bad)));
    }
    cases
}

fn https(field: &'static str, name: &str) -> Vec<Case> {
    let words = match name {
        "url" => "url must be an https URL without user information, query and fragment",
        _ => "tokenUrl must be an https URL without user information, query and fragment",
    };
    let long = |length: usize| {
        let start = "https://h/";
        json!(format!("{start}{}", "p".repeat(length - start.len())))
    };
    let mut cases = vec![
        required(field, json!("https://h.example")),
        keyword(field, "minLength", json!("https://h"), json!(""), "at least 1 chars long"),
        keyword(field, "maxLength", long(2048), long(2049), "may not be more than 2048"),
    ];
    let good = "https://h.example:8443/base/path/";
    for bad in [
        "http://h.example",
        "h.example",
        "https://",
        "https:///path",
        "HTTPS://user:password@h.example",
        "https://user@h.example",
        "https://h.example?to=x",
        "https://h.example/path#x",
        "https://h .example",
        "https://[::1",
        " https://h.example",
    ] {
        cases.push(cel(field, words, json!(good), json!(bad)));
    }
    cases
}

fn certificates(field: &'static str) -> Vec<Case> {
    let long = |length: usize| json!(format!("{PEM}{}", "\n".repeat(length - PEM.len())));
    let not_pem = "caBundle must contain PEM certificates, each from BEGIN CERTIFICATE to END CERTIFICATE";
    let private = "caBundle must not contain a private key: anyone who may read this object could use it";
    let with_key = format!("{PEM}\n-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----");
    vec![
        keyword(field, "minLength", json!(PEM), json!(""), "at least 1 chars long"),
        keyword(field, "maxLength", long(65536), long(65537), "may not be more than 65536"),
        cel(field, not_pem, json!(format!("# ours\n{PEM}\n{PEM}\n")), json!("/etc/ssl/certs/ca.pem")),
        cel(field, not_pem, json!(PEM), json!("LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCg==")),
        cel(field, private, json!(PEM), json!(with_key)),
    ]
}

fn ca_bundle_ref() -> Value {
    json!({ "kind": "ConfigMap", "name": "trusted-ca", "key": "ca-bundle.crt" })
}

fn with_reference(mut parent: Value) -> Value {
    parent["caBundleRef"] = ca_bundle_ref();
    parent
}

fn ca_bundle_refs() -> Vec<Case> {
    let mut cases = Vec::new();
    for [kind, name, key] in [
        [
            "spec.landscapeManagement.http.caBundleRef.kind",
            "spec.landscapeManagement.http.caBundleRef.name",
            "spec.landscapeManagement.http.caBundleRef.key",
        ],
        ["spec.signIn.caBundleRef.kind", "spec.signIn.caBundleRef.name", "spec.signIn.caBundleRef.key"],
    ] {
        cases.push(required(kind, json!("Secret")));
        cases.extend(one_of(kind, &["ConfigMap", "Secret"], "supported values: \"ConfigMap\", \"Secret\""));
        cases.extend(names(name));
        cases.extend([
            required(key, json!("ca.crt")),
            cel(key, BUNDLE_ENTRY, json!("SAP_ca-1.crt"), json!("a/b")),
            keyword(key, "minLength", json!("k"), json!(""), "at least 1 chars long"),
            keyword(key, "maxLength", json!("k".repeat(253)), json!("k".repeat(254)), "may not be more than 253"),
        ]);
    }
    cases
}

fn token_requests() -> Vec<Case> {
    let (scope, parameters) =
        ("spec.landscapeManagement.http.oauth2.scope", "spec.landscapeManagement.http.oauth2.parameters");
    let words = "scope must be scopes without quotes and backslashes, separated by single spaces";
    let many = |count: usize| {
        json!((0..count).map(|number| json!({ "name": format!("p{number}"), "value": "v" })).collect::<Vec<_>>())
    };
    let long = |length: usize| json!("s".repeat(length));
    let mut cases = vec![
        keyword(scope, "minLength", json!("s"), json!(""), "at least 1 chars long"),
        keyword(scope, "maxLength", long(1024), long(1025), "may not be more than 1024"),
        keyword(parameters, "maxItems", many(16), many(17), "must have at most 16 items"),
    ];
    for bad in ["a  b", " a", "a ", "a\tb", "a\"b", "a\\b", "a\n", "\u{e4}"] {
        cases.push(cel(scope, words, json!("api://00000000-0000/.default openid [x]~"), json!(bad)));
    }
    cases.extend(parameter_names());
    let value = "spec.landscapeManagement.http.oauth2.parameters[].value";
    cases.extend([
        required(value, json!("v")),
        keyword(value, "minLength", json!("v"), json!(""), "at least 1 chars long"),
        keyword(value, "maxLength", long(2048), long(2049), "may not be more than 2048"),
    ]);
    cases
}

fn parameter_names() -> Vec<Case> {
    let name = "spec.landscapeManagement.http.oauth2.parameters[].name";
    let words = "name must consist of letters, digits, '-', '.' and '_'";
    let own = "the operator sends grant_type, client_id and client_secret itself, and scope has a field of its own";
    let credential = "a parameter must not be a credential: anyone who may read this object could use it";
    let long = |length: usize| json!("n".repeat(length));
    let mut cases = vec![
        required(name, json!("resource")),
        keyword(name, "minLength", json!("n"), json!(""), "at least 1 chars long"),
        keyword(name, "maxLength", long(64), long(65), "may not be more than 64"),
    ];
    cases.extend(["a b", "a=b", "a&b", "\u{e4}"].map(|bad| cel(name, words, json!("x-Token_format.1"), json!(bad))));
    for bad in ["grant_type", "client_id", "client_secret", "scope", "Scope"] {
        cases.push(cel(name, own, json!("audience"), json!(bad)));
    }
    for bad in [
        "username",
        "password",
        "code",
        "code_verifier",
        "refresh_token",
        "assertion",
        "client_assertion",
        "Client_Assertion",
        "client_assertion_type",
        "device_code",
        "subject_token",
        "actor_token",
    ] {
        cases.push(cel(name, credential, json!("resource"), json!(bad)));
    }
    cases
}

fn hosts(list: &'static str, item: &'static str) -> Vec<Case> {
    // The longest DNS name with a port, to stay within the cost limit of CEL.
    let longest = |number: usize| format!("{}.{number:061}:65535", vec!["l".repeat(63); 3].join("."));
    let many = |count: usize| json!((0..count).map(longest).collect::<Vec<_>>());
    let long = longest(1);
    let twice = "a host must not be listed twice";
    let mut cases = vec![
        keyword(list, "minItems", json!(["h"]), json!([]), "at least 1 items"),
        keyword(list, "maxItems", many(64), many(65), "must have at most 64 items"),
        cel(list, twice, json!(["h.example", "h.example:8443"]), json!(["h.example", "i.example", "H.example"])),
        keyword(item, "minLength", json!("h"), json!(""), "at least 1 chars long"),
        keyword(item, "maxLength", json!(long), json!(format!("x{long}")), "may not be more than 259"),
    ];
    for good in ["10.0.0.1:8443", "*.authentication.eu10.hana.ondemand.com", "*.localhost:65535", "EU10.alm.cloud.sap"]
    {
        cases.push(cel(item, HOST, json!(good), json!("https://h.example")));
    }
    for bad in [
        "*",
        "**.example",
        "h.*.example",
        "h*.example",
        "h.example/path",
        "h..example",
        ".example",
        "h.example.",
        "h.example:",
        "h.example:0",
        "h.example:65536",
        "h.example:x",
        "-h.example",
        "h_1.example",
        "user@h.example",
        "<landscape>.example",
    ] {
        cases.push(cel(item, HOST, json!("h.example"), json!(bad)));
    }
    cases
}

fn credential_types() -> Vec<Case> {
    let (field, item) = ("spec.acceptedCredentialTypes", "spec.acceptedCredentialTypes[]");
    let types = ["instance-secret", "binding-secret"];
    let mut cases = one_of(item, &types, "supported values: \"instance-secret\", \"binding-secret\"");
    cases.push(keyword(field, "minItems", json!(types), json!([]), "at least 1 items"));
    let three = json!(["instance-secret", "binding-secret", "instance-secret"]);
    cases.push(keyword(field, "maxItems", json!(types), three, "must have at most 2 items"));
    let twice = json!(["binding-secret", "binding-secret"]);
    cases.push(cel(field, "a credential type must not be listed twice", json!(types), twice));
    cases
}

fn services() -> Vec<Case> {
    let (field, item) = ("spec.acceptedServices", "spec.acceptedServices[]");
    let words = "an application must be its name without the suffix, as in app for app!b2";
    let many = |count: usize| json!((0..count).map(|number| format!("app-{number}")).collect::<Vec<_>>());
    let mut cases = vec![
        keyword(field, "maxItems", many(64), many(65), "must have at most 64 items"),
        keyword(item, "minLength", json!("a"), json!(""), "at least 1 chars long"),
        keyword(item, "maxLength", json!("a".repeat(100)), json!("a".repeat(101)), "may not be more than 100"),
    ];
    for bad in ["app!b2", "sb-x!b1|app", "*", "an app", "ä"] {
        cases.push(cel(item, words, json!("alm-ts-backend"), json!(bad)));
    }
    cases
}

fn scopes() -> Vec<Case> {
    let (field, item) = ("spec.forbiddenScopes", "spec.forbiddenScopes[]");
    let words = "a scope must be a single word without spaces, quotes and backslashes";
    let many = |count: usize| json!((0..count).map(|number| format!("s{number}.read")).collect::<Vec<_>>());
    let mut cases = vec![
        keyword(field, "maxItems", many(64), many(65), "must have at most 64 items"),
        keyword(field, "maxItems", json!([]), many(65), "must have at most 64 items"),
        keyword(item, "minLength", json!("s"), json!(""), "at least 1 chars long"),
        keyword(item, "maxLength", json!("s".repeat(256)), json!("s".repeat(257)), "may not be more than 256"),
    ];
    for bad in ["a b", "a\"b", "a\\b", "a\n", "ä"] {
        cases.push(cel(item, words, json!("xsapp!b1.calm-api.[analytics]~read"), json!(bad)));
    }
    cases
}
