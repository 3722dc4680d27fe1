//! Schemas of names, hosts, https URLs, certificates and durations, each with the message for an invalid value.
//!
//! The rules are CEL rules, because the API server reports a violated `pattern` with the regular expression only.

use schemars::{Schema, SchemaGenerator, json_schema};

/// Pattern of a DNS label (RFC 1123).
const LABEL: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
/// Pattern of an entry of a `ConfigMap` or Secret, and of a parameter's name (RFC 6749, appendix A).
const WORD: &str = "^[-._a-zA-Z0-9]+$";
/// Pattern of one OAuth 2.0 scope (RFC 6749, section 3.3), as a text of CEL.
const SCOPE: &str = r"[!#-\\[\\]-~]+";
/// Parameters of a token request that the operator sends itself.
const OWN_PARAMETERS: &str = "['grant_type', 'client_id', 'client_secret', 'scope']";
/// Parameters of a token request that carry a credential, or belong to one: RFC 6749, 7521, 7636, 8628 and 8693.
const CREDENTIALS: &str = "['username', 'password', 'code', 'code_verifier', 'refresh_token', 'assertion', \
                           'client_assertion', 'client_assertion_type', 'device_code', 'subject_token', \
                           'actor_token']";
/// Maximum length of a DNS name, in characters.
const MAX_NAME: u32 = 253;
/// Maximum length of a DNS name, a colon and a port, in characters.
const MAX_HOST: u32 = 259;
/// Maximum number of hosts or scopes in a list. It bounds the cost of the CEL rules.
const MAX_LIST: u32 = 64;
/// Maximum number of namespaces in a list.
const MAX_NAMESPACES: u32 = 1024;
/// Maximum length of a URL, or of the value of a parameter of a token request, in characters.
pub(super) const MAX_TEXT: u32 = 2048;
/// Maximum length of the scope of a token request, in characters.
const MAX_SCOPE: u32 = 1024;
/// Maximum number of further parameters of a token request.
pub(super) const MAX_PARAMETERS: u32 = 16;

/// Returns the schema of an identity zone, which is the first label of the tenant's hosts. BTP admits capital letters in
/// a subdomain.
pub(super) fn identity_zone(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "string",
        "minLength": 1,
        "maxLength": 63,
        "x-kubernetes-validations": [
            {
                "rule": format!("self.lowerAscii().matches('^{LABEL}$')"),
                "message": "identityZone must consist of letters, digits and '-', and must start and end with a letter or digit",
            },
            { "rule": "self == oldSelf", "message": "identityZone is immutable: create another ALMTenant" },
        ],
    })
}

/// Returns the schema of the name of a Kubernetes object.
pub(super) fn object_name(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "string",
        "minLength": 1,
        "maxLength": MAX_NAME,
        "x-kubernetes-validations": [{
            "rule": format!(r"self.matches('^{LABEL}(\\.{LABEL})*$')"),
            "message": "name must consist of lowercase letters, digits, '-' and '.', and must start and end with a letter or digit",
        }],
    })
}

/// Returns the schema of the name of an entry in a Secret.
pub(super) fn secret_entry(_: &mut SchemaGenerator) -> Schema {
    entry("a Secret")
}

/// Returns the schema of the name of an entry in a `ConfigMap` or Secret.
pub(super) fn bundle_entry(_: &mut SchemaGenerator) -> Schema {
    entry("a ConfigMap or Secret")
}

fn entry(object: &str) -> Schema {
    json_schema!({
        "type": "string",
        "minLength": 1,
        "maxLength": MAX_NAME,
        "x-kubernetes-validations": [{
            "rule": format!("self.matches('{WORD}')"),
            "message": format!("key must consist of letters, digits, '-', '_' and '.', as the name of an entry of {object}"),
        }],
    })
}

/// Returns the schema of a list of namespaces, or `*` for all.
pub(super) fn namespaces(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "minItems": 1,
        "maxItems": MAX_NAMESPACES,
        "items": {
            "type": "string",
            "minLength": 1,
            "maxLength": 63,
            "x-kubernetes-validations": [{
                "rule": format!(r"self == '*' || self.matches('^{LABEL}$')"),
                "message": "a namespace must be a full name (lowercase letters, digits and '-') or '*' for all",
            }],
        },
        "x-kubernetes-list-type": "atomic",
        "x-kubernetes-validations": [{
            "rule": "size(self) == 1 || !self.exists(name, name == '*')",
            "message": "'*' admits all namespaces and must be the only entry",
        }],
    })
}

/// Returns the schema of a list of hosts, in which the first label may be a wildcard.
pub(super) fn hosts(_: &mut SchemaGenerator) -> Schema {
    let host =
        r"^(\\*\\.)?[a-zA-Z0-9]([-a-zA-Z0-9]*[a-zA-Z0-9])?(\\.[a-zA-Z0-9]([-a-zA-Z0-9]*[a-zA-Z0-9])?)*(:[0-9]{1,5})?$";
    let port = "!self.contains(':') || (int(self.split(':')[1]) >= 1 && int(self.split(':')[1]) <= 65535)";
    json_schema!({
        "type": "array",
        "minItems": 1,
        "maxItems": MAX_LIST,
        "items": {
            "type": "string",
            "minLength": 1,
            "maxLength": MAX_HOST,
            "x-kubernetes-validations": [{
                "rule": format!("self.matches('{host}') && ({port})"),
                "message": "a host must be host or host:port, without scheme and path; a wildcard is allowed only as the first label",
            }],
        },
        "x-kubernetes-list-type": "atomic",
        "x-kubernetes-validations": [{
            "rule": "self.all(host, self.exists_one(other, other.lowerAscii() == host.lowerAscii()))",
            "message": "a host must not be listed twice",
        }],
    })
}

/// Returns the schema of a list of suffixes of OAuth 2.0 scopes (RFC 6749, section 3.3).
pub(super) fn scopes(_: &mut SchemaGenerator) -> Schema {
    let message = "a scope must be a single word without spaces, quotes and backslashes";
    words(256, &format!("self.matches('^{SCOPE}$')"), message)
}

/// Returns the schema of the scope of a token request (RFC 6749, section 3.3).
pub(super) fn scope(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "string",
        "minLength": 1,
        "maxLength": MAX_SCOPE,
        "x-kubernetes-validations": [{
            "rule": format!("self.matches('^{SCOPE}( {SCOPE})*$')"),
            "message": "scope must be scopes without quotes and backslashes, separated by single spaces",
        }],
    })
}

/// Returns the schema of the name of a further parameter of a token request.
pub(super) fn parameter_name(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "string",
        "minLength": 1,
        "maxLength": 64,
        "x-kubernetes-validations": [
            {
                "rule": format!("self.matches('{WORD}')"),
                "message": "name must consist of letters, digits, '-', '.' and '_'",
            },
            {
                "rule": format!("!(self.lowerAscii() in {OWN_PARAMETERS})"),
                "message": "the operator sends grant_type, client_id and client_secret itself, and scope has a field of its own",
            },
            {
                "rule": format!("!(self.lowerAscii() in {CREDENTIALS})"),
                "message": "a parameter must not be a credential: anyone who may read this object could use it",
            },
        ],
    })
}

/// Returns the schema of a list of applications, as XSUAA names them (`xsappname`).
pub(super) fn services(_: &mut SchemaGenerator) -> Schema {
    let message = "an application must be its name without the suffix, as in app for app!b2";
    words(100, "self.matches('^[-_./a-zA-Z0-9]+$')", message)
}

/// Returns the schema of a list, which may be empty, of words that obey a rule.
fn words(max_length: u32, rule: &str, message: &str) -> Schema {
    json_schema!({
        "type": "array",
        "maxItems": MAX_LIST,
        "items": {
            "type": "string",
            "minLength": 1,
            "maxLength": max_length,
            "x-kubernetes-validations": [{ "rule": rule, "message": message }],
        },
        "x-kubernetes-list-type": "atomic",
    })
}

/// Returns the schema of an https URL to which a path is appended.
pub(super) fn base_url(_: &mut SchemaGenerator) -> Schema {
    https("url")
}

/// Returns the schema of the https URL of a token endpoint.
pub(super) fn token_url(_: &mut SchemaGenerator) -> Schema {
    https("tokenUrl")
}

fn https(field: &str) -> Schema {
    json_schema!({
        "type": "string",
        "minLength": 1,
        "maxLength": MAX_TEXT,
        "x-kubernetes-validations": [{
            "rule": "isURL(self) && self.matches('^https://[^/?#@]+(/[^?#]*)?$')",
            "message": format!("{field} must be an https URL without user information, query and fragment"),
        }],
    })
}

/// Returns the schema of PEM certificates. CEL cannot parse them: the conditions of the tenant report unusable ones.
pub(super) fn certificates(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "string",
        "minLength": 1,
        "maxLength": 65536,
        "x-kubernetes-validations": [
            {
                "rule": "self.contains('-----BEGIN CERTIFICATE-----')",
                "message": "caBundle must contain PEM certificates, each from BEGIN CERTIFICATE to END CERTIFICATE",
            },
            {
                "rule": "!self.contains('PRIVATE KEY-----')",
                "message": "caBundle must not contain a private key: anyone who may read this object could use it",
            },
        ],
    })
}

/// Returns the schema of `spec.interval` of an `ALMServiceKey`.
pub(super) fn interval(_: &mut SchemaGenerator) -> Schema {
    duration("interval", "10s", "24h")
}

/// Returns the schema of `spec.gracePeriod` of an `ALMServiceKey`.
pub(super) fn grace_period(_: &mut SchemaGenerator) -> Schema {
    duration("gracePeriod", "0s", "720h")
}

/// Returns the schema of `spec.deadKey.after`.
pub(super) fn after(_: &mut SchemaGenerator) -> Schema {
    duration("after", "10s", "720h")
}

/// Returns the schema of the timeout of a request.
pub(super) fn timeout(_: &mut SchemaGenerator) -> Schema {
    duration("timeout", "1s", "60s")
}

/// Returns the schema of a duration as in the Gateway API (GEP-2257). Parts have five digits at most, so that none
/// overflows.
fn duration(field: &str, lowest: &str, highest: &str) -> Schema {
    let within = format!("duration(self) >= duration('{lowest}') && duration(self) <= duration('{highest}')");
    json_schema!({
        "type": "string",
        "maxLength": 32,
        "x-kubernetes-validations": [{
            "rule": format!("self.matches('^([0-9]{{1,5}}(h|m|s|ms)){{1,4}}$') && {within}"),
            "message": format!("{field} must be from {lowest} to {highest}, as in 500ms, 90s or 1h30m"),
        }],
    })
}
