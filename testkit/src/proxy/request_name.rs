//! Names of requests that stay the same from one life to the next.

use std::fmt;

use hyper::{Method, Uri};

/// A request: its verb and path without the names that a test makes up, and which of its kind it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name {
    /// Such as `PATCH almservicekeys/*/status`, `WATCH secrets`, `PUT landscape/v1/service-key`.
    pub kind: String,
    /// From 1 on; watches and passes interleave, so requests are counted by their kind.
    pub nth: usize,
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} #{}", self.kind, self.nth)
    }
}

impl Name {
    /// Whether it reads a collection of the API server, once or for good: what a process begins with.
    pub fn is_of_a_collection(&self) -> bool {
        self.kind.starts_with("LIST ") || self.kind.starts_with("WATCH ")
    }

    /// Whether it may change something.
    pub fn is_write(&self) -> bool {
        ["POST ", "PUT ", "PATCH ", "DELETE "].iter().any(|verb| self.kind.starts_with(verb))
    }

    /// Whether it is conditional on a version of what it changes, so that it must do no harm however late it arrives.
    pub fn is_conditional(&self) -> bool {
        self.is_write_to_the_slot() || self.kind.starts_with("PATCH alm")
    }

    /// Whether it may change the slot of Landscape Management.
    pub fn is_write_to_the_slot(&self) -> bool {
        self.is_write() && self.kind.ends_with(" landscape/v1/service-key")
    }
}

/// The operator's own namespace has a name for everybody.
const KNOWN_NAMESPACE: &str = crate::names::NAMESPACE;

/// Verb and path of a request.
pub(super) fn kind(method: &Method, host: &str, uri: &Uri) -> String {
    match host.strip_suffix(".localhost") {
        // The first label is the tenant.
        Some(host) => format!("{method} {}{}", host.rsplit('.').next().unwrap_or_default(), uri.path()),
        None => of_the_api_server(method, uri),
    }
}

fn of_the_api_server(method: &Method, uri: &Uri) -> String {
    let segments: Vec<&str> = uri.path().split('/').filter(|segment| !segment.is_empty()).collect();
    let below = match segments.as_slice() {
        ["api", _, below @ ..] | ["apis", _, _, below @ ..] => below,
        other => other,
    };
    let (place, rest) = match below {
        ["namespaces", namespace, rest @ ..] if !rest.is_empty() => (Some(*namespace), rest),
        rest => (None, rest),
    };
    let verb = match (method, rest) {
        (&Method::GET, [_]) if watches(uri) => "WATCH",
        (&Method::GET, [_]) => "LIST",
        _ => method.as_str(),
    };
    let mut kind = format!("{verb} {}", rest.first().unwrap_or(&""));
    for (index, segment) in rest.iter().enumerate().skip(1) {
        kind.push('/');
        kind.push_str(if index == 1 { "*" } else { segment });
    }
    if place == Some(KNOWN_NAMESPACE) {
        kind.push_str(" of the operator");
    }
    kind
}

fn watches(uri: &Uri) -> bool {
    uri.query().is_some_and(|query| query.split('&').any(|part| part == "watch=true" || part == "watch=1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_has_the_same_name_whatever_the_objects_are_called() {
        let named = |method: &str, host: &str, uri: &str| {
            kind(&method.parse().expect("a method"), host, &uri.parse().expect("a path"))
        };
        let keys = "/apis/almkey.dev/v1alpha1/namespaces/n1/almservicekeys";
        let cases = [
            ("PATCH", "127.0.0.1", &format!("{keys}/calm/status?force=true"), "PATCH almservicekeys/*/status"),
            ("GET", "127.0.0.1", &format!("{keys}/calm"), "GET almservicekeys/*"),
            ("GET", "127.0.0.1", &"/api/v1/secrets?limit=500".to_owned(), "LIST secrets"),
            ("GET", "127.0.0.1", &"/api/v1/secrets?x=1&watch=true".to_owned(), "WATCH secrets"),
            ("GET", "127.0.0.1", &"/api/v1/namespaces/kube-system".to_owned(), "GET namespaces/*"),
            (
                "GET",
                "127.0.0.1",
                &format!("/api/v1/namespaces/{KNOWN_NAMESPACE}/secrets/t"),
                "GET secrets/* of the operator",
            ),
            ("PUT", "t1.landscape.localhost", &"/v1/service-key".to_owned(), "PUT landscape/v1/service-key"),
            ("POST", "t1.authentication.localhost", &"/oauth/token".to_owned(), "POST authentication/oauth/token"),
        ];
        for (method, host, uri, name) in cases {
            assert_eq!(named(method, host, uri), name);
        }
    }
}
