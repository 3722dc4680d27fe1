//! Names of requests that are the same in each run of a life cycle.

use std::fmt;

use hyper::{Method, Uri};

/// A request, by its kind and its number among the requests of that kind.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestName {
    /// Verb and path without the names of objects, such as `PATCH almservicekeys/*/status`, `WATCH secrets`, `PUT landscape/v1/service-key`.
    pub kind: String,
    /// Number of the request among those of its kind, from 1. A common count would not be stable, as watches and
    /// reconciliations interleave.
    pub nth: usize,
}

impl fmt::Display for RequestName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} #{}", self.kind, self.nth)
    }
}

impl RequestName {
    /// Returns true if the request lists or watches a collection of the API server, as a process does at its start.
    pub fn is_list_or_watch(&self) -> bool {
        self.kind.starts_with("LIST ") || self.kind.starts_with("WATCH ")
    }

    /// Returns true if the request may change something.
    pub fn is_write(&self) -> bool {
        ["POST ", "PUT ", "PATCH ", "DELETE "].iter().any(|verb| self.kind.starts_with(verb))
    }

    /// Returns true if the request is conditional on a version of its target, so that it must do no harm however late it
    /// arrives.
    pub fn is_conditional(&self) -> bool {
        self.is_slot_write() || self.kind.starts_with("PATCH alm")
    }

    /// Returns true if the request may change the slot of Landscape Management.
    pub fn is_slot_write(&self) -> bool {
        self.is_write() && self.kind.ends_with(" landscape/v1/service-key")
    }
}

/// Namespace of the operator, the only one whose name is part of a request's name.
const KNOWN_NAMESPACE: &str = crate::names::NAMESPACE;

/// Returns verb and path of a request, without the names of objects.
pub(super) fn kind(method: &Method, host: &str, uri: &Uri) -> String {
    match host.strip_suffix(".localhost") {
        // The first label is the tenant.
        Some(host) => format!("{method} {}{}", host.rsplit('.').next().unwrap_or_default(), uri.path()),
        None => api_server_kind(method, uri),
    }
}

fn api_server_kind(method: &Method, uri: &Uri) -> String {
    let segments: Vec<&str> = uri.path().split('/').filter(|segment| !segment.is_empty()).collect();
    let below = match segments.as_slice() {
        ["api", _, below @ ..] | ["apis", _, _, below @ ..] => below,
        other => other,
    };
    let (namespace, rest) = match below {
        ["namespaces", name, rest @ ..] if !rest.is_empty() => (Some(*name), rest),
        rest => (None, rest),
    };
    let verb = match (method, rest) {
        (&Method::GET, [_]) if is_watch(uri) => "WATCH",
        (&Method::GET, [_]) => "LIST",
        _ => method.as_str(),
    };
    let mut kind = format!("{verb} {}", rest.first().unwrap_or(&""));
    for (index, segment) in rest.iter().enumerate().skip(1) {
        kind.push('/');
        kind.push_str(if index == 1 { "*" } else { segment });
    }
    if namespace == Some(KNOWN_NAMESPACE) {
        kind.push_str(" of the operator");
    }
    kind
}

fn is_watch(uri: &Uri) -> bool {
    uri.query().is_some_and(|query| query.split('&').any(|part| part == "watch=true" || part == "watch=1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_request_is_independent_of_the_names_of_objects() {
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
