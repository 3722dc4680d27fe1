//! The API server is written to by the leader alone: one place for all writes, so that none can be forgotten.

use hyper::body::Body as HttpBody;
use hyper::body::Bytes;
use hyper::{Method, Request, Response};
use kube::client::retry::RetryPolicy;
use kube::client::{Body, ClientBuilder};
use kube::{Client, Config};
use tower::buffer::BufferLayer;
use tower::filter::{FilterLayer, Predicate};
use tower::retry::RetryLayer;
use tower::{BoxError, Service};

use super::Leadership;

/// Requests that may wait for the connection at a time.
const WAITING: usize = 1024;

/// A write was held back.
#[derive(Debug, thiserror::Error)]
#[error("this replica does not lead: nothing is written")]
pub struct NotLeading;

/// Holds writes back while this replica does not lead.
#[derive(Clone, Debug)]
struct Guard(Leadership);

impl Predicate<Request<Body>> for Guard {
    type Request = Request<Body>;

    fn check(&mut self, request: Request<Body>) -> Result<Request<Body>, BoxError> {
        let reads = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
        if reads || self.0.holds() { Ok(request) } else { Err(NotLeading.into()) }
    }
}

/// A client for the controller. That of the election is another one: it writes in order to lead.
///
/// # Errors
/// The configuration cannot be used.
pub fn client(mut config: Config, leadership: Leadership) -> kube::Result<Client> {
    config.default_retry = false;
    Ok(guarded(ClientBuilder::try_from(config)?, leadership))
}

/// What the API server had no time for is sent again, as kube does by itself; but kube's own retries would lie inside the
/// guard, and send a write again that began before the Lease was lost. Here each attempt passes the guard.
fn guarded<S, B>(service: ClientBuilder<S>, leadership: Leadership) -> Client
where
    S: Service<Request<Body>, Response = Response<B>> + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Into<BoxError> + Send + Sync,
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    service
        .with_layer(&FilterLayer::new(Guard(leadership)))
        .with_layer(&BufferLayer::new(WAITING))
        .with_layer(&RetryLayer::new(RetryPolicy::server_retry()))
        .build()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use kube::api::DeleteParams;
    use kube::core::Request as Write;

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

    /// How often a write arrives whose first two attempts are answered with 429, at once or only when the Lease is lost,
    /// and what becomes of it.
    async fn arrivals(leadership: Leadership, at_once: bool) -> (usize, kube::Result<String>) {
        let arrived = Arc::new(AtomicUsize::new(0));
        let (counted, lease) = (Arc::clone(&arrived), leadership.clone());
        let server = tower::service_fn(move |_: Request<Body>| {
            let (count, lease) = (counted.fetch_add(1, Ordering::SeqCst) + 1, lease.clone());
            async move {
                if !at_once {
                    lease.ends().await;
                }
                Response::builder().status(if count < 3 { 429 } else { 200 }).body(Body::empty())
            }
        });
        let client = guarded(ClientBuilder::new(server, "default"), leadership);
        let write = Write::new("/api").delete("object", &DeleteParams::default()).expect("a request");
        let answer = client.request_text(write).await;
        (arrived.load(Ordering::SeqCst), answer)
    }

    #[tokio::test]
    async fn what_the_api_server_had_no_time_for_is_sent_again() {
        let (arrived, answer) = arrivals(Leadership::alone(), true).await;
        assert_eq!(arrived, 3);
        assert!(answer.is_ok(), "{answer:?}");
    }

    #[tokio::test]
    async fn a_write_that_the_api_server_had_no_time_for_is_not_sent_again_once_the_lease_is_lost() {
        let leadership = Leadership::ending_after(Duration::from_millis(200), Duration::MAX);
        let (arrived, answer) = arrivals(leadership, false).await;
        assert_eq!(arrived, 1);
        assert!(answer.is_err_and(|error| format!("{error:?}").contains("NotLeading")));
    }
}
