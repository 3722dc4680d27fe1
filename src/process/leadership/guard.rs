//! The API server is written to by the leader alone: one place for all writes, so that none can be forgotten.

use hyper::{Method, Request};
use kube::client::Body;
use tower::filter::{FilterLayer, Predicate};

use super::Leadership;

/// A write was held back.
#[derive(Debug, thiserror::Error)]
#[error("this replica does not lead: nothing is written")]
pub struct NotLeading;

/// Holds writes back while this replica does not lead.
#[derive(Clone, Debug)]
pub struct Guard(Leadership);

impl Predicate<Request<Body>> for Guard {
    type Request = Request<Body>;

    fn check(&mut self, request: Request<Body>) -> Result<Request<Body>, tower::BoxError> {
        let reads = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
        if reads || self.0.holds() { Ok(request) } else { Err(NotLeading.into()) }
    }
}

/// For the client of the controller. That of the election has none: it writes in order to lead.
#[must_use]
pub fn layer(leadership: Leadership) -> FilterLayer<Guard> {
    FilterLayer::new(Guard(leadership))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn passes(method: Method, leadership: &Leadership) -> bool {
        let request = Request::builder().method(method).body(Body::empty()).expect("a request");
        Guard(leadership.clone()).check(request).is_ok()
    }

    #[test]
    fn only_the_leader_writes_and_everybody_reads() {
        let leads = Leadership::ending_after(Duration::from_mins(1), Duration::MAX);
        let waits = Leadership::ending_after(Duration::ZERO, Duration::MAX);
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            assert!(passes(method.clone(), &leads));
            assert!(!passes(method, &waits));
        }
        assert!(passes(Method::GET, &waits));
    }
}
