//! Schemas that several fields share: what a name, a host, an https URL and a certificate look like, each with the words
//! that a user reads who got it wrong.
//!
//! A pattern alone would answer with a regular expression; a CEL rule answers with a sentence.

use schemars::{Schema, SchemaGenerator, json_schema};

/// A label of DNS (RFC 1123).
const LABEL: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
/// The longest name of DNS.
const LONGEST_NAME: u32 = 253;
/// A name, a colon and a port.
const LONGEST_HOST: u32 = 259;
/// How many hosts or scopes a list may name. CEL's cost is bounded by it.
const LONGEST_LIST: u32 = 64;
/// How many namespaces a list may name.
const MOST_NAMESPACES: u32 = 1024;

/// The identity zone of a tenant: the first label of its hosts.
pub(super) fn identity_zone(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "string",
        "minLength": 1,
        "maxLength": 63,
        "x-kubernetes-validations": [
            {
                "rule": format!("self.matches('^{LABEL}$')"),
                "message": "identityZone must be lowercase letters, digits and '-', a letter or digit first and last",
            },
            { "rule": "self == oldSelf", "message": "identityZone is immutable: create another ALMTenant" },
        ],
    })
}

/// Name of an object in a cluster.
pub(super) fn object_name(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "string",
        "minLength": 1,
        "maxLength": LONGEST_NAME,
        "x-kubernetes-validations": [{
            "rule": format!(r"self.matches('^{LABEL}(\\.{LABEL})*$')"),
            "message": "name must be an object's name: lowercase letters, digits, '-' and '.', a letter or digit first and last",
        }],
    })
}

/// Name of an entry in a Secret's data.
pub(super) fn secret_entry(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "string",
        "minLength": 1,
        "maxLength": LONGEST_NAME,
        "x-kubernetes-validations": [{
            "rule": "self.matches('^[-._a-zA-Z0-9]+$')",
            "message": "key must be the name of a Secret's entry: letters, digits, '-', '_' and '.'",
        }],
    })
}

/// Names of namespaces, or all.
pub(super) fn namespaces(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "minItems": 1,
        "maxItems": MOST_NAMESPACES,
        "items": {
            "type": "string",
            "minLength": 1,
            "maxLength": 63,
            "x-kubernetes-validations": [{
                "rule": format!(r"self == '*' || self.matches('^{LABEL}$')"),
                "message": "a namespace must be named in full (lowercase letters, digits and '-'), or be '*' for all",
            }],
        },
        "x-kubernetes-list-type": "atomic",
        "x-kubernetes-validations": [{
            "rule": "size(self) == 1 || !self.exists(name, name == '*')",
            "message": "'*' admits all namespaces and must stand alone",
        }],
    })
}

/// Hosts, with a wildcard as the first label at most.
pub(super) fn hosts(_: &mut SchemaGenerator) -> Schema {
    let host =
        r"^(\\*\\.)?[a-zA-Z0-9]([-a-zA-Z0-9]*[a-zA-Z0-9])?(\\.[a-zA-Z0-9]([-a-zA-Z0-9]*[a-zA-Z0-9])?)*(:[0-9]{1,5})?$";
    let port = "!self.contains(':') || (int(self.split(':')[1]) >= 1 && int(self.split(':')[1]) <= 65535)";
    json_schema!({
        "type": "array",
        "minItems": 1,
        "maxItems": LONGEST_LIST,
        "items": {
            "type": "string",
            "minLength": 1,
            "maxLength": LONGEST_HOST,
            "x-kubernetes-validations": [{
                "rule": format!("self.matches('{host}') && ({port})"),
                "message": "a host must be host or host:port without scheme and path, a wildcard only as its first label",
            }],
        },
        "x-kubernetes-list-type": "atomic",
        "x-kubernetes-validations": [{
            "rule": "self.all(host, self.exists_one(other, other.lowerAscii() == host.lowerAscii()))",
            "message": "a host must not be named twice",
        }],
    })
}

/// Endings of OAuth 2.0 scopes (RFC 6749, section 3.3).
pub(super) fn scopes(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "maxItems": LONGEST_LIST,
        "items": {
            "type": "string",
            "minLength": 1,
            "maxLength": 256,
            "x-kubernetes-validations": [{
                "rule": "self.matches('^[!#-\\\\[\\\\]-~]+$')",
                "message": "a scope must be one word, without spaces, quotes and backslashes",
            }],
        },
        "x-kubernetes-list-type": "atomic",
    })
}

/// An https URL that a path can be appended to.
pub(super) fn base_url(_: &mut SchemaGenerator) -> Schema {
    https("url")
}

/// An https URL of a token endpoint.
pub(super) fn token_url(_: &mut SchemaGenerator) -> Schema {
    https("tokenUrl")
}

fn https(field: &str) -> Schema {
    json_schema!({
        "type": "string",
        "minLength": 1,
        "maxLength": 2048,
        "x-kubernetes-validations": [{
            "rule": "isURL(self) && self.matches('^https://[^/?#@]+(/[^?#]*)?$')",
            "message": format!("{field} must be an https URL without user information, query and fragment"),
        }],
    })
}

/// Certificates in PEM. Whether they can be used is said by the tenant's conditions: CEL cannot read them.
pub(super) fn certificates(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "string",
        "minLength": 1,
        "maxLength": 65536,
        "x-kubernetes-validations": [
            {
                "rule": "self.contains('-----BEGIN CERTIFICATE-----')",
                "message": "caBundle must hold certificates in PEM, each from BEGIN CERTIFICATE to END CERTIFICATE",
            },
            {
                "rule": "!self.contains('PRIVATE KEY-----')",
                "message": "caBundle must not hold a private key: everybody who may read this object would have it",
            },
        ],
    })
}

/// Of an `ALMServiceKey`.
pub(super) fn interval(_: &mut SchemaGenerator) -> Schema {
    duration("interval", "10s", "24h")
}

/// Of an `ALMServiceKey`.
pub(super) fn grace_period(_: &mut SchemaGenerator) -> Schema {
    duration("gracePeriod", "0s", "720h")
}

/// Of `deadKey`.
pub(super) fn after(_: &mut SchemaGenerator) -> Schema {
    duration("after", "10s", "720h")
}

/// Of a request.
pub(super) fn timeout(_: &mut SchemaGenerator) -> Schema {
    duration("timeout", "1s", "60s")
}

/// A duration as the Gateway API writes them (GEP-2257). Five digits a part, so that none overflows.
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
