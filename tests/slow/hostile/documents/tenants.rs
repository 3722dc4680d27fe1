//! `ALMTenant`s.

use serde_json::{Value, json};

use super::{Collection, Refused, changed};

const TENANTS: (Collection, fn() -> Value) = (Collection::Tenants, example);
const URL: &str = "spec.landscapeManagement.http.url";
const TOKEN_URL: &str = "spec.landscapeManagement.http.oauth2.tokenUrl";
const BUNDLE: &str = "spec.landscapeManagement.http.caBundle";

fn example() -> Value {
    json!({
        "apiVersion": "almkey.dev/v1alpha1", "kind": "ALMTenant", "metadata": { "name": "refused" },
        "spec": {
            "identityZone": "refused",
            "landscapeManagement": { "http": {
                "url": "https://localhost:1",
                "oauth2": { "tokenUrl": "https://localhost:1/oauth/token", "secretRef": { "name": "refused" } },
            } },
            "allowedNamespaces": ["refused"],
        },
    })
}

pub(super) fn cases() -> Vec<Refused> {
    let mut cases = zones_and_namespaces();
    cases.extend(landscapes());
    cases.extend(hosts());
    cases.extend(lists_and_words());
    cases
}

fn field(what: &'static str, message: &'static str, field: &'static str, value: Value) -> Refused {
    changed(TENANTS, what, message, |tenant| tenant["spec"][field] = value)
}

fn http(what: &'static str, message: &'static str, field: &'static str, value: Value) -> Refused {
    changed(TENANTS, what, message, |tenant| tenant["spec"]["landscapeManagement"]["http"][field] = value)
}

fn zones_and_namespaces() -> Vec<Refused> {
    let zone = |what, value: Value| field(what, "spec.identityZone", "identityZone", value);
    let namespaces = |what, value: Value| field(what, "spec.allowedNamespaces", "allowedNamespaces", value);
    vec![
        zone("a pattern for a zone", json!("*")),
        zone("a zone with a letter of another script", json!("acm\u{435}")),
        zone("a zone with a dot", json!("acme.evil")),
        zone("a zone with a NUL", json!("acme\0")),
        zone("a zone between bidi characters", json!("\u{202e}emca\u{202c}")),
        zone("a zone of 64 letters", json!("z".repeat(64))),
        zone("a zone that is a number", json!(4711)),
        namespaces("no namespaces", json!([])),
        namespaces("all namespaces and one", json!(["*", "team-a"])),
        namespaces("a pattern for namespaces", json!(["team-*"])),
        namespaces("a namespace that is a word", json!("team-a")),
        namespaces("a namespace that is null", json!([null])),
        namespaces("5,000 namespaces", json!(vec!["a"; 5000])),
        namespaces("a namespace of 64 letters", json!(["n".repeat(64)])),
    ]
}

fn landscapes() -> Vec<Refused> {
    let url = |what, value: &str| http(what, URL, "url", json!(value));
    let token = |what, value: &str| {
        changed(TENANTS, what, TOKEN_URL, |tenant| {
            tenant["spec"]["landscapeManagement"]["http"]["oauth2"]["tokenUrl"] = json!(value);
        })
    };
    let timeout = |what, value: &str| http(what, "spec.landscapeManagement.http.timeout", "timeout", json!(value));
    let bundle = |what, value: String| http(what, BUNDLE, "caBundle", json!(value));
    let private = "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\n";
    vec![
        url("http", "http://lm.example"),
        url("a URL with a password", "https://admin:secret@lm.example"),
        url("a URL with a query", "https://lm.example?x=y"),
        url("a URL with a fragment", "https://lm.example#x"),
        url("a file for a URL", "file:///etc/passwd"),
        url("a URL with a line break", "https://lm.example/\nHost: evil"),
        url("a URL without a host", "https:///v1"),
        token("http for a token", "http://lm.example/oauth/token"),
        token("a token URL with a password", "https://a:b@lm.example/oauth/token"),
        timeout("no time at all", "0s"),
        timeout("a negative time", "-1s"),
        timeout("all the time of the bed", "99999h"),
        bundle("a path for certificates", "/etc/ssl/cert.pem".into()),
        bundle("a private key among certificates", private.into()),
        bundle("certificates of a mebibyte", "-----BEGIN CERTIFICATE-----\n".repeat(38_000)),
        field("a landscape that nobody knows", "unknown field", "landscapeManagement", json!({ "ftp": {} })),
    ]
}

fn hosts() -> Vec<Refused> {
    let mut cases = Vec::new();
    for (what, host) in [
        ("all hosts", json!("*")),
        ("all hosts of a top-level domain, twice", json!("*.*.example")),
        ("a wildcard inside", json!("a.*.example")),
        ("a wildcard for a part", json!("a*.example")),
        ("a placeholder of our own", json!("acme.authentication.<landscape>.hana.ondemand.com")),
        ("a scheme", json!("https://a.example")),
        ("a user", json!("user@a.example")),
        ("a host with a dot at its end", json!("a.example.")),
        ("a port of nothing", json!("a.example:0")),
        ("a port beyond all ports", json!("a.example:65536")),
        ("a host in another script", json!("\u{430}.example")),
        ("an address of IPv6", json!("[::1]:8443")),
        ("a host that is null", Value::Null),
    ] {
        let hosts = json!([host]);
        cases.push(field(what, "spec.endpointHosts", "endpointHosts", hosts.clone()));
        cases.push(field(what, "spec.signIn.hosts", "signIn", json!({ "hosts": hosts })));
    }
    cases
}

fn lists_and_words() -> Vec<Refused> {
    let (types, scopes) = ("spec.acceptedCredentialTypes", "spec.forbiddenScopes");
    let adoption = |what, value: Value| field(what, "spec.adoptionPolicy", "adoptionPolicy", value);
    vec![
        field("a type that nobody can use", types, "acceptedCredentialTypes", json!(["x509"])),
        field("no type", types, "acceptedCredentialTypes", json!([])),
        field("a type twice", types, "acceptedCredentialTypes", json!(["binding-secret", "binding-secret"])),
        field("two scopes in one", scopes, "forbiddenScopes", json!(["a b"])),
        field("an empty scope", scopes, "forbiddenScopes", json!([""])),
        field("65 scopes", scopes, "forbiddenScopes", json!(vec!["a"; 65])),
        field("private networks by a word", "spec.signIn", "signIn", json!({ "allowPrivateNetworks": "yes" })),
        adoption("a policy that nobody knows", json!("Always")),
        adoption("a policy in lower case", json!("never")),
        adoption("a policy that is true", json!(true)),
    ]
}
