//! The four rules of SAP's upload, and what signing in needs.
//!
//! Source: SAP Cloud ALM Setup & Admin Guide, "Managing Your Service Credentials". All findings are reported at once.

use secrecy::SecretString;
use serde_json::{Map, Value};
use url::Url;

use super::json::kind;
use super::plain::{has_lookalike, is_plain};
use super::{Finding, Findings, MAX_BYTES, ServiceKey};
use crate::domain::policy::{HostList, KeyRules};
use crate::domain::reason::Reason;
use crate::wiped::{Buffer, Wiped};

const UAA: &str = "$.uaa";
const IDENTITY_ZONE: &str = "$.uaa.identityzone";
const CLIENT_ID: &str = "$.uaa.clientid";
const CLIENT_SECRET: &str = "$.uaa.clientsecret";
const CREDENTIAL_TYPE: &str = "$.uaa.credential-type";
const URL: &str = "$.uaa.url";
/// What a URL is that not every reader reads alike, and what it is to be.
const NOT_PLAIN: &str = "a URL that is written in a way in which readers may see another host";
const PLAIN: &str =
    "an https URL in plain form: https://, the host in ASCII, and a path without spaces and backslashes";
/// Found in the place of a field, or beside it.
const LOOKALIKE: &str = "a field of this name in other letter case, which some readers take for it";

/// Turns a document, written out as `whole`, into a key, or says everything that is wrong with it.
pub(super) fn apply(
    document: Map<String, Value>,
    whole: SecretString,
    rules: &KeyRules,
) -> Result<ServiceKey, Findings> {
    let document = Wiped::new(document);
    let lookalike = has_lookalike(&document, "uaa");
    let Some(uaa) = document.get("uaa").and_then(Value::as_object).filter(|_| !lookalike) else {
        let found = document.get("uaa").map_or("nothing", kind);
        return Err(Finding {
            reason: Reason::MissingCredentials,
            path: UAA,
            found: if lookalike { LOOKALIKE.into() } else { found.into() },
            expected: "an object with the credentials".into(),
            remedy: "use a service key or binding of the offering SAPCloudALMAPIs",
        }
        .into());
    };
    let mut findings = Vec::new();
    let identity_zone = keep(identity_zone(uaa, rules), &mut findings);
    let client_id = keep(text(uaa, "clientid", CLIENT_ID), &mut findings);
    let client_secret = keep(client_secret(uaa).map(SecretString::from), &mut findings);
    let credential_type = keep(credential_type(uaa, rules), &mut findings);
    let url = keep(url(uaa, rules), &mut findings);

    findings.extend(endpoints(&document, rules));

    if let Some(findings) = Findings::from_vec(findings) {
        return Err(findings);
    }
    let complete = "without a finding every part is there";
    Ok(ServiceKey {
        identity_zone: identity_zone.expect(complete),
        client_id: client_id.expect(complete),
        client_secret: client_secret.expect(complete),
        credential_type: credential_type.expect(complete),
        url: url.expect(complete),
        document: whole,
    })
}

/// Without a copy in observations that is given back as it is.
pub(super) fn as_text(document: &Map<String, Value>) -> SecretString {
    let mut text = Buffer::with_capacity(MAX_BYTES);
    serde_json::to_writer(&mut text, document).expect("JSON can be written to memory");
    SecretString::from(String::from_utf8_lossy(&text).into_owned())
}

fn keep<T>(result: Result<T, Finding>, findings: &mut Vec<Finding>) -> Option<T> {
    result.map_err(|finding| findings.push(finding)).ok()
}

/// Rule 2: it belongs to this tenant.
fn identity_zone(uaa: &Map<String, Value>, rules: &KeyRules) -> Result<String, Finding> {
    let admitted = |zone: &String| rules.identity_zone.as_ref().map_or(!zone.is_empty(), |expected| zone == expected);
    match uaa.get("identityzone") {
        Some(Value::String(zone)) if admitted(zone) => Ok(zone.clone()),
        other => Err(Finding {
            reason: Reason::WrongTenant,
            path: IDENTITY_ZONE,
            found: match other {
                None => "nothing".into(),
                Some(Value::String(zone)) if !zone.is_empty() => "the identity zone of another tenant".into(),
                Some(value) => kind(value).into(),
            },
            expected: match &rules.identity_zone {
                Some(expected) => format!("\"{expected}\", the ALMTenant's spec.identityZone"),
                None => "a string that is not empty".into(),
            },
            remedy: "use a key of this tenant, or name the ALMTenant that it belongs to in spec.tenantRef",
        }),
    }
}

/// Rule 3, its second half. A key without a secret is a normal thing: x509 and hide-secret keys have none.
fn client_secret(uaa: &Map<String, Value>) -> Result<String, Finding> {
    text(uaa, "clientsecret", CLIENT_SECRET).map_err(|finding| match uaa.get("clientsecret") {
        None => Finding {
            remedy: "x509 keys and bindings made with hide-secret have none: make one with a client secret",
            ..finding
        },
        Some(_) => finding,
    })
}

/// Rule 3: a text that is there and not empty.
fn text(uaa: &Map<String, Value>, field: &str, path: &'static str) -> Result<String, Finding> {
    match uaa.get(field) {
        Some(Value::String(text)) if !text.is_empty() => Ok(text.clone()),
        other => Err(Finding {
            reason: Reason::MissingCredentials,
            path,
            found: other.map_or("nothing", kind).into(),
            expected: "a string that is not empty".into(),
            remedy: "take the key as the BTP cockpit offers it, unchanged",
        }),
    }
}

/// Rule 4: the type of its credentials. Which ones are accepted is the tenant's to say.
fn credential_type(uaa: &Map<String, Value>, rules: &KeyRules) -> Result<String, Finding> {
    let accepted = &rules.accepted_credential_types;
    match uaa.get("credential-type") {
        Some(Value::String(kind)) if accepted.contains(kind) => Ok(kind.clone()),
        other => Err(Finding {
            reason: Reason::UnsupportedCredentialType,
            path: CREDENTIAL_TYPE,
            found: match other.and_then(Value::as_str) {
                // Only names that SAP documents are repeated: anything else might be a secret in the wrong place.
                Some(known @ ("instance-secret" | "binding-secret" | "x509")) => format!("\"{known}\""),
                Some(_) => "another type".into(),
                None => other.map_or("nothing", kind).into(),
            },
            expected: accepted.join(" or "),
            remedy: "make a key of that type, or admit this one in the ALMTenant's spec.acceptedCredentialTypes",
        }),
    }
}

/// Where the key signs in: https, and a host that the tenant allows.
fn url(uaa: &Map<String, Value>, rules: &KeyRules) -> Result<Url, Finding> {
    let finding = |found: &str, expected: &str| Finding {
        reason: Reason::TokenHostNotAllowed,
        path: URL,
        found: found.into(),
        expected: expected.into(),
        remedy: "use an unchanged key of this tenant; other hosts are allowed in the ALMTenant's spec.signIn.hosts",
    };
    if has_lookalike(uaa, "url") {
        return Err(finding(LOOKALIKE, "the field once"));
    }
    let text = match uaa.get("url") {
        Some(Value::String(text)) if !text.is_empty() => text,
        other => return Err(finding(other.map_or("nothing", kind), "an https URL")),
    };
    let url = Url::parse(text).map_err(|_| finding("a string that is no URL", "an https URL"))?;
    if url.scheme() != "https" {
        return Err(finding("a URL that is not https", "an https URL"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(finding("a URL with user information", "an https URL without it"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(finding("a URL with a query or a fragment", "an https URL without them"));
    }
    if !is_plain(text, &url) {
        return Err(finding(NOT_PLAIN, PLAIN));
    }
    match &rules.token_hosts {
        Some(hosts) if !hosts.allows(&url) => Err(finding("a host that is not allowed", &hosts.to_string())),
        None if !is_of_its_own_zone(uaa, &url) => Err(finding(
            "a host that is not allowed",
            "the host <uaa.identityzone>.authentication.<landscape>.hana.ondemand.com",
        )),
        Some(_) | None => Ok(url),
    }
}

/// Whether the key signs in where SAP lets keys of its identity zone sign in. Without a zone there is nothing to hold
/// the host against, and that has been said already.
fn is_of_its_own_zone(uaa: &Map<String, Value>, url: &Url) -> bool {
    let zone = uaa.get("identityzone").and_then(Value::as_str).unwrap_or_default();
    // Nothing in it may act as a pattern.
    let is_label = zone.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    zone.is_empty() || (is_label && HostList::sap_default(zone).allows(url))
}

/// Where the key leads managed systems: a genuine `uaa` with a foreign endpoint would lead them astray.
fn endpoints(document: &Map<String, Value>, rules: &KeyRules) -> Vec<Finding> {
    let Some(hosts) = &rules.endpoint_hosts else { return Vec::new() };
    let finding = |path: &'static str, found: &str, expected: &str| Finding {
        reason: Reason::EndpointNotAllowed,
        path,
        found: found.into(),
        expected: expected.into(),
        remedy: "use an unchanged key of this tenant; other hosts are allowed in the ALMTenant's spec.endpointHosts",
    };
    if has_lookalike(document, "endpoints") {
        return vec![finding("$.endpoints", LOOKALIKE, "the field once")];
    }
    let endpoints = match document.get("endpoints") {
        None => return Vec::new(),
        Some(Value::Object(endpoints)) => endpoints,
        Some(other) => return vec![finding("$.endpoints", kind(other), "an object of https URLs")],
    };
    let mut findings: Vec<Finding> = Vec::new();
    let allowed = hosts.to_string();
    for (name, value) in endpoints {
        let text = value.as_str().unwrap_or_default();
        let url = Url::parse(text).ok().filter(|url| url.scheme() == "https");
        let (found, expected) = match &url {
            None if value.is_string() => ("a string that is no https URL", "an https URL"),
            None => (kind(value), "an https URL"),
            Some(url) if !url.username().is_empty() || url.password().is_some() => {
                ("a URL with user information", "an https URL without it")
            }
            Some(url) if !is_plain(text, url) => (NOT_PLAIN, PLAIN),
            Some(url) if !hosts.allows(url) => ("a host that is not allowed", allowed.as_str()),
            Some(_) => continue,
        };
        // Any other name is not repeated: it might be a secret in the wrong place.
        let path = if name == "Api" { "$.endpoints.Api" } else { "$.endpoints.*" };
        let finding = finding(path, found, expected);
        // Thousands of fields fit into a key, and a status holds less than what would be said of each.
        if !findings.contains(&finding) {
            findings.push(finding);
        }
    }
    findings
}
