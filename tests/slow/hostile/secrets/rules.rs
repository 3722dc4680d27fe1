//! Keys that must not be uploaded.

use serde_json::{Map, Value, json};

use super::{Hostile, Keys, changed, file};

const TENANT: &str = "WrongTenant";
const MISSING: &str = "MissingCredentials";
const TYPE: &str = "UnsupportedCredentialType";
const HOST: &str = "TokenHostNotAllowed";
const ENDPOINT: &str = "EndpointNotAllowed";

pub(super) fn cases(keys: &Keys) -> Vec<Hostile> {
    let mut cases = tenants(keys);
    cases.extend(credentials(&keys.good));
    cases.extend(types(&keys.good));
    cases.extend(token_urls(&keys.good));
    cases.extend(token_hosts(&keys.good));
    cases.extend(endpoints(&keys.good));
    cases
}

fn set(key: &Value, field: &str, value: impl Into<Value>) -> String {
    changed(key, |key| key["uaa"][field] = value.into())
}

fn without(key: &Value, field: &str) -> String {
    changed(key, |key| drop(uaa(key).remove(field)))
}

fn uaa(key: &mut Value) -> &mut Map<String, Value> {
    key["uaa"].as_object_mut().expect("the credentials")
}

fn tenants(keys: &Keys) -> Vec<Hostile> {
    let key = &keys.good;
    let zone = key["uaa"]["identityzone"].as_str().expect("a zone");
    let other: &[&str] = &["$.uaa.identityzone: found the identity zone of another tenant", "spec.identityZone"];
    let kind: &[&str] = &["$.uaa.identityzone: found ", "spec.tenantRef"];
    let is = |what, zone: String| file(what, set(key, "identityzone", zone), TENANT, other);
    let of_kind = |what, value: Value| file(what, set(key, "identityzone", value), TENANT, kind);
    vec![
        file("a living key of another tenant", keys.other.to_string(), TENANT, other),
        is("the zone and a space", format!("{zone} ")),
        is("the zone and a NUL", format!("{zone}\0")),
        is("the zone between bidi characters", format!("\u{202e}{zone}\u{202c}")),
        is("the zone with a zero-width space", format!("{zone}\u{200b}")),
        is("the zone with a Cyrillic letter", zone.replacen('o', "\u{43e}", 1)),
        is("a pattern for a zone", "*".into()),
        is("a zone of 60,000 letters", "z".repeat(60_000)),
        of_kind("an empty zone", json!("")),
        of_kind("a zone that is null", Value::Null),
        of_kind("a zone that is a huge number", json!(1e300)),
        of_kind("a zone in an array", json!([zone])),
        file("no zone", without(key, "identityzone"), TENANT, kind),
    ]
}

fn credentials(key: &Value) -> Vec<Hostile> {
    let client: &[&str] = &["$.uaa.clientid: found ", "expected a string that is not empty"];
    let secret: &[&str] = &["$.uaa.clientsecret: found ", "expected a string that is not empty"];
    let x509: &[&str] = &["$.uaa.clientsecret: found nothing", "x509", "$.uaa.credential-type: found \"x509\""];
    let certificate = |key: &mut Value| {
        key["uaa"]["credential-type"] = json!("x509");
        key["uaa"]["certificate"] = json!("-----BEGIN CERTIFICATE-----CANARY");
        key["uaa"]["key"] = json!("-----BEGIN RSA PRIVATE KEY-----CANARY");
    };
    let of_certificate = changed(key, |key| {
        certificate(key);
        uaa(key).remove("clientsecret");
    });
    let nothing: &[&str] = &["$.uaa.identityzone: found nothing", "$.uaa.clientid: found nothing", "$.uaa.url: found"];
    vec![
        file("no client", without(key, "clientid"), MISSING, client),
        file("an empty client", set(key, "clientid", ""), MISSING, client),
        file("a client that is null", set(key, "clientid", Value::Null), MISSING, client),
        file("a client that is a huge number", set(key, "clientid", u64::MAX), MISSING, client),
        file("a client that is an object", set(key, "clientid", json!({ "CANARY": 1 })), MISSING, client),
        file("a key with hide-secret", without(key, "clientsecret"), MISSING, &["found nothing", "hide-secret"]),
        file("an empty secret", set(key, "clientsecret", ""), MISSING, secret),
        file("a secret that is false", set(key, "clientsecret", false), MISSING, secret),
        file("a secret in an array", set(key, "clientsecret", json!(["CANARY"])), MISSING, secret),
        file("an x509 key", of_certificate, MISSING, x509),
        file("an x509 key that has a secret too", changed(key, certificate), TYPE, &x509[2..]),
        file("an empty uaa", changed(key, |key| key["uaa"] = json!({})), TENANT, nothing),
    ]
}

fn types(key: &Value) -> Vec<Hostile> {
    let other: &[&str] = &["$.uaa.credential-type: found another type", "spec.acceptedCredentialTypes"];
    let binding: &[&str] = &["$.uaa.credential-type: found \"binding-secret\"", "spec.acceptedCredentialTypes"];
    let kind: &[&str] = &["$.uaa.credential-type: found ", "expected instance-secret"];
    let is = |what, value: Value, message| file(what, set(key, "credential-type", value), TYPE, message);
    vec![
        is("a binding's key", json!("binding-secret"), binding),
        is("a type that nobody knows", json!("CANARY"), other),
        is("a type in capitals", json!("INSTANCE-SECRET"), other),
        is("a type with a space", json!(" instance-secret"), other),
        is("a type that is null", Value::Null, kind),
        is("types in an array", json!(["instance-secret"]), kind),
        file("no type", without(key, "credential-type"), TYPE, kind),
    ]
}

/// Returns keys whose token URL has a form that is never used.
fn token_urls(key: &Value) -> Vec<Hostile> {
    let real = key["uaa"]["url"].as_str().expect("a URL");
    let authority = real.trim_start_matches("https://");
    let (host, port) = authority.rsplit_once(':').expect("a host and a port");
    let is = |what, url: String, message| file(what, set(key, "url", url), HOST, message);
    let scheme: &[&str] = &["$.uaa.url: found a URL that is not https"];
    let user: &[&str] = &["$.uaa.url: found a URL with user information"];
    let parts: &[&str] = &["$.uaa.url: found a URL with a query or a fragment"];
    let no_url: &[&str] = &["$.uaa.url: found a string that is not a URL"];
    vec![
        is("user information", format!("https://CANARY:CANARY@{authority}"), user),
        is("an allowed host as a user", format!("https://{host}@evil.example"), user),
        is("a query", format!("{real}?to=CANARY"), parts),
        is("a fragment", format!("{real}#CANARY"), parts),
        is("http", format!("http://{authority}"), scheme),
        is("a file", "file:///etc/CANARY".into(), scheme),
        is("a script", "javascript:CANARY".into(), scheme),
        is("a host without a scheme", format!("{host}/{port}"), no_url),
        is("a NUL in a host", "https://a\0.example".into(), no_url),
        is("a port beyond all ports", format!("https://{host}:99999"), no_url),
        is("an empty URL", String::new(), &["$.uaa.url: found an empty string, expected an https URL"]),
        is("a host of 60,000 letters", format!("https://{}", "a".repeat(60_000)), &["$.uaa.url: found "]),
        file("no URL", without(key, "url"), HOST, &["$.uaa.url: found nothing, expected an https URL"]),
        file("a URL that is an object", set(key, "url", json!({})), HOST, &["$.uaa.url: found an object"]),
    ]
}

/// Returns keys whose token host must never get the key.
fn token_hosts(key: &Value) -> Vec<Hostile> {
    let authority = key["uaa"]["url"].as_str().expect("a URL").trim_start_matches("https://");
    let (host, port) = authority.rsplit_once(':').expect("a host and a port");
    let is =
        |what, authority: String, message| file(what, set(key, "url", format!("https://{authority}")), HOST, message);
    let foreign = |what, authority: String| {
        is(what, authority, &["$.uaa.url: found a host that is not allowed", "spec.signIn.hosts"])
    };
    let foreign_pair = |what, authority: String| {
        is(what, authority, &["$.uaa.url: found a host and a port that are not allowed together", "spec.signIn.hosts"])
    };
    // Two parsers may see two hosts in it: the message names that, or that the host is not allowed.
    let doubtful = |what, authority: String| is(what, authority, &["$.uaa.url: found ", "spec.signIn.hosts"]);
    vec![
        foreign("a foreign host", "evil.example".into()),
        foreign_pair("an allowed host in front", format!("{host}.evil.example:{port}")),
        foreign("an allowed host in a path", format!("evil.example/{host}")),
        doubtful("an allowed host behind a backslash", format!("evil.example\\.{host}")),
        foreign_pair("an allowed host with a dot at its end", format!("{host}.:{port}")),
        foreign_pair("another port", format!("{host}:1")),
        foreign("no port", host.into()),
        foreign_pair("two labels for one", format!("evil.{authority}")),
        foreign_pair("an address", format!("127.0.0.1:{port}")),
        foreign("the address of a cloud's own secrets", "169.254.169.254/latest/meta-data".into()),
        doubtful("an address in decimal", format!("2130706433:{port}")),
        doubtful("an address of IPv6", format!("[::ffff:127.0.0.1]:{port}")),
        foreign("the API server", "kubernetes.default.svc".into()),
        doubtful("a host in another script", format!("\u{430}{host}:{port}")),
    ]
}

fn endpoints(key: &Value) -> Vec<Hostile> {
    let all = |what, value: Value, message| file(what, changed(key, |key| key["endpoints"] = value), ENDPOINT, message);
    let api = |what, value: Value, message| all(what, json!({ "Api": value }), message);
    let foreign: &[&str] = &["$.endpoints.Api: found a host that is not allowed", "spec.endpointHosts"];
    let foreign_pair: &[&str] =
        &["$.endpoints.Api: found a host and a port that are not allowed together", "spec.endpointHosts"];
    let kind: &[&str] = &["$.endpoints: found ", "expected an object of https URLs"];
    let no_url: &[&str] = &["$.endpoints.Api: found a string that is not an https URL"];
    let user: &[&str] = &["$.endpoints.Api: found a URL with user information"];
    let many: Map<String, Value> = (0..5000).map(|number| (format!("e{number}"), json!(number))).collect();
    let each = json!({ "a": null, "b": 1, "c": "", "d": [], "e": {}, "f": "https://evil.example" });
    let of_each: &[&str] = &["$.endpoints.*: found null", "found an array", "found a host that is not allowed"];
    vec![
        api("a foreign endpoint", json!("https://evil.example/CANARY"), foreign),
        api("an endpoint that only looks alike", json!("https://evilalm.cloud.sap"), foreign),
        api("an endpoint with an allowed host in front", json!("https://eu10.alm.cloud.sap.evil.example"), foreign),
        api("an endpoint at another port", json!("https://eu10.alm.cloud.sap:8443"), foreign_pair),
        api("an endpoint with a dot at its end", json!("https://eu10.alm.cloud.sap./api"), foreign),
        api("an endpoint with a user", json!("https://CANARY@eu10.alm.cloud.sap"), user),
        api("an endpoint without TLS", json!("http://eu10.alm.cloud.sap/api"), no_url),
        api("an endpoint that is no URL", json!("CANARY"), no_url),
        api("an endpoint that is null", Value::Null, &["$.endpoints.Api: found null"]),
        all("endpoints that are null", Value::Null, kind),
        all("endpoints in an array", json!(["https://eu10.alm.cloud.sap"]), kind),
        all("5,000 endpoints", Value::Object(many), &["$.endpoints.*: found a number"]),
        all("endpoints of every kind", each, of_each),
    ]
}
