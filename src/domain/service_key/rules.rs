//! The four rules of SAP's upload, and the requirements of signing in.
//!
//! Source: SAP Cloud ALM Setup & Admin Guide, "Managing Your Service Credentials". All findings are reported at once.

use secrecy::SecretString;
use serde_json::{Map, Value};
use url::Url;

use super::finding::{Finding, Findings};
use super::json::kind;
use super::unambiguous::{has_lookalike, is_unambiguous};
use crate::domain::policy::{HostList, KeyRules};
use crate::domain::reason::Reason;

const UAA: &str = "$.uaa";
const IDENTITY_ZONE: &str = "$.uaa.identityzone";
const CLIENT_ID: &str = "$.uaa.clientid";
const CLIENT_SECRET: &str = "$.uaa.clientsecret";
const CREDENTIAL_TYPE: &str = "$.uaa.credential-type";
const URL: &str = "$.uaa.url";
/// The beginning of the name of SAP Cloud ALM's application, as in the client IDs of its keys.
const CLOUD_ALM: &str = "sapcloudalm";
/// The finding for a URL that parsers disagree about.
const AMBIGUOUS: &str = "a URL in which some parsers may see another host";
const UNAMBIGUOUS: &str =
    "an https URL without ambiguous parts: https://, the host in ASCII, no spaces and no backslashes";
/// The finding for a field beside the expected one or in its place.
const LOOKALIKE: &str = "a field of this name in other letter case, which some parsers treat as this field";
const SINGLE: &str = "a single field of this name";

/// The part of a valid key that is used for signing in.
#[derive(Clone)]
pub(super) struct Credentials {
    pub(super) identity_zone: String,
    pub(super) client_id: String,
    pub(super) client_secret: SecretString,
    pub(super) url: Url,
    pub(super) credential_type: String,
}

/// Returns the credentials of a document, or everything that is wrong with it.
pub(super) fn check(document: &Map<String, Value>, rules: &KeyRules) -> Result<Credentials, Findings> {
    let lookalike = has_lookalike(document, "uaa");
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
    let identity_zone = collect(identity_zone(uaa, rules), &mut findings);
    let client_id = collect(text(uaa, "clientid", CLIENT_ID), &mut findings);
    let client_secret = collect(client_secret(uaa).map(SecretString::from), &mut findings);
    let credential_type = collect(credential_type(uaa, rules), &mut findings);
    let url = collect(url(uaa, rules), &mut findings);

    findings.extend(endpoints(document, rules));
    findings.extend(client_id.as_deref().and_then(|client_id| service(document, client_id, rules)));

    if let Some(findings) = Findings::from_vec(findings) {
        return Err(findings);
    }
    let complete = "every field is present if there is no finding";
    Ok(Credentials {
        identity_zone: identity_zone.expect(complete),
        client_id: client_id.expect(complete),
        client_secret: client_secret.expect(complete),
        credential_type: credential_type.expect(complete),
        url: url.expect(complete),
    })
}

/// Returns the value; moves a finding to `findings`.
fn collect<T>(result: Result<T, Finding>, findings: &mut Vec<Finding>) -> Option<T> {
    result.map_err(|finding| findings.push(finding)).ok()
}

/// Checks rule 2: the key belongs to this tenant.
fn identity_zone(uaa: &Map<String, Value>, rules: &KeyRules) -> Result<String, Finding> {
    // A zone is a label of host names. BTP lets users write it with capital letters.
    let is_expected = |zone: &str, expected: &str| zone.eq_ignore_ascii_case(expected);
    let admitted =
        |zone: &String| rules.identity_zone.as_ref().map_or(!zone.is_empty(), |expected| is_expected(zone, expected));
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
            remedy: "use a key of this tenant, or set spec.tenantRef to the ALMTenant of this key",
        }),
    }
}

/// Checks the second half of rule 3. Keys without a client secret are common: x509 and hide-secret keys have none.
fn client_secret(uaa: &Map<String, Value>) -> Result<String, Finding> {
    text(uaa, "clientsecret", CLIENT_SECRET).map_err(|finding| match uaa.get("clientsecret") {
        None => Finding {
            remedy: "x509 keys and keys created with hide-secret have none: create a key with a client secret",
            ..finding
        },
        Some(_) => finding,
    })
}

/// Checks rule 3: the field is a string that is not empty.
fn text(uaa: &Map<String, Value>, field: &str, path: &'static str) -> Result<String, Finding> {
    match uaa.get(field) {
        Some(Value::String(text)) if !text.is_empty() => Ok(text.clone()),
        other => Err(Finding {
            reason: Reason::MissingCredentials,
            path,
            found: other.map_or("nothing", kind).into(),
            expected: "a string that is not empty".into(),
            remedy: "use the key exactly as the BTP cockpit provides it",
        }),
    }
}

/// Checks rule 4: the tenant accepts the credential type.
fn credential_type(uaa: &Map<String, Value>, rules: &KeyRules) -> Result<String, Finding> {
    let accepted = &rules.accepted_credential_types;
    match uaa.get("credential-type") {
        Some(Value::String(kind)) if accepted.contains(kind) => Ok(kind.clone()),
        other => Err(Finding {
            reason: Reason::UnsupportedCredentialType,
            path: CREDENTIAL_TYPE,
            found: match other.and_then(Value::as_str) {
                // Only names documented by SAP are repeated: any other value might be a misplaced secret.
                Some(known @ ("instance-secret" | "binding-secret" | "x509")) => format!("\"{known}\""),
                Some(_) => "another type".into(),
                None => other.map_or("nothing", kind).into(),
            },
            expected: accepted.join(" or "),
            remedy: "create a key of an accepted type, or extend the ALMTenant's spec.acceptedCredentialTypes",
        }),
    }
}

/// Checks the token URL: https, and a host that the tenant allows.
fn url(uaa: &Map<String, Value>, rules: &KeyRules) -> Result<Url, Finding> {
    let finding = |found: &str, expected: &str| Finding {
        reason: Reason::TokenHostNotAllowed,
        path: URL,
        found: found.into(),
        expected: expected.into(),
        remedy: "use a key of this tenant exactly as BTP issued it, or add the host to the ALMTenant's spec.signIn.hosts",
    };
    if has_lookalike(uaa, "url") {
        return Err(finding(LOOKALIKE, SINGLE));
    }
    let text = match uaa.get("url") {
        Some(Value::String(text)) if !text.is_empty() => text,
        other => return Err(finding(other.map_or("nothing", kind), "an https URL")),
    };
    let url = Url::parse(text).map_err(|_| finding("a string that is not a URL", "an https URL"))?;
    if url.scheme() != "https" {
        return Err(finding("a URL that is not https", "an https URL"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(finding("a URL with user information", "an https URL without user information"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(finding("a URL with a query or a fragment", "an https URL without query and fragment"));
    }
    if !is_unambiguous(text, &url) {
        return Err(finding(AMBIGUOUS, UNAMBIGUOUS));
    }
    match &rules.token_hosts {
        Some(hosts) if !hosts.allows(&url) => Err(finding(not_allowed(&url), &hosts.to_string())),
        None if !is_in_own_zone(uaa, &url) => Err(finding(
            not_allowed(&url),
            "the host <uaa.identityzone>.authentication.<landscape>.hana.ondemand.com or .platform.sapcloud.cn",
        )),
        Some(_) | None => Ok(url),
    }
}

/// Returns the description of a host that is not allowed. A host in a list that names no port is allowed with port 443 alone.
fn not_allowed(url: &Url) -> &'static str {
    match url.port() {
        None => "a host that is not allowed",
        Some(_) => "a host and a port that are not allowed together",
    }
}

/// Returns true if the host is the one where SAP lets keys of this identity zone sign in, or if the key has no zone,
/// which is a finding of its own.
fn is_in_own_zone(uaa: &Map<String, Value>, url: &Url) -> bool {
    let zone = uaa.get("identityzone").and_then(Value::as_str).unwrap_or_default();
    // A zone must not act as a pattern.
    let is_label = zone.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    zone.is_empty() || (is_label && HostList::sap_default(zone).allows(url))
}

/// Checks that the key is one of SAP Cloud ALM. A key of another service that is subscribed in the same subaccount has the
/// same identity zone and signs in at the same host, but no managed system can use it.
fn service(document: &Map<String, Value>, client_id: &str, rules: &KeyRules) -> Option<Finding> {
    let accepted = rules.accepted_services.as_ref()?;
    let application = application(client_id)?;
    let is_accepted = application.starts_with(CLOUD_ALM) || accepted.iter().any(|service| service == application);
    let endpoints = document.get("endpoints").and_then(Value::as_object);
    let urls = endpoints.into_iter().flatten().filter_map(|(_, value)| Url::parse(value.as_str()?).ok());
    if is_accepted || urls.into_iter().any(|url| HostList::sap_endpoints().allows(&url)) {
        return None;
    }
    Some(Finding {
        reason: Reason::WrongService,
        path: CLIENT_ID,
        found: "the client of another application, and no endpoint of SAP Cloud ALM".into(),
        expected: [&[CLOUD_ALM.to_owned()], accepted.as_slice()].concat().join(" or "),
        remedy: "use a service key or binding of the offering SAPCloudALMAPIs, or add the application to the \
                 ALMTenant's spec.acceptedServices",
    })
}

/// Returns the application that a client ID names as XSUAA forms it: `sb-<instance>!b<n>|<application>!b<n>`.
fn application(client_id: &str) -> Option<&str> {
    let (_, broker) = client_id.rsplit_once('|')?;
    let (application, number) = broker.rsplit_once("!b")?;
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    (is_number && !application.is_empty()).then_some(application)
}

/// Checks the endpoints: a genuine `uaa` with a foreign endpoint would misdirect managed systems.
fn endpoints(document: &Map<String, Value>, rules: &KeyRules) -> Vec<Finding> {
    let Some(hosts) = &rules.endpoint_hosts else { return Vec::new() };
    let finding = |path: &'static str, found: &str, expected: &str| Finding {
        reason: Reason::EndpointNotAllowed,
        path,
        found: found.into(),
        expected: expected.into(),
        remedy: "use a key of this tenant exactly as BTP issued it, or add the host to the ALMTenant's spec.endpointHosts",
    };
    if has_lookalike(document, "endpoints") {
        return vec![finding("$.endpoints", LOOKALIKE, SINGLE)];
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
            None if value.is_string() => ("a string that is not an https URL", "an https URL"),
            None => (kind(value), "an https URL"),
            Some(url) if !url.username().is_empty() || url.password().is_some() => {
                ("a URL with user information", "an https URL without user information")
            }
            Some(url) if !is_unambiguous(text, url) => (AMBIGUOUS, UNAMBIGUOUS),
            Some(url) if !hosts.allows(url) => (not_allowed(url), allowed.as_str()),
            Some(_) => continue,
        };
        // Other names are not repeated: they might be misplaced secrets.
        let path = if name == "Api" { "$.endpoints.Api" } else { "$.endpoints.*" };
        let finding = finding(path, found, expected);
        // A key has room for thousands of fields, and a status has no room for a finding about each.
        if !findings.contains(&finding) {
            findings.push(finding);
        }
    }
    findings
}
