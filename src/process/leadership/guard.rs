//! The guard that lets only the leader write to the API server. It is part of the client, so that no write can bypass
//! it.

use std::time::Duration;

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
use crate::cluster::DEADLINE;

/// Maximum number of requests that wait for the connection.
const MAX_QUEUED: usize = 1024;

/// Maximum number of retries of a request that an overloaded API server refused (429, 503, 504), all within the
/// deadline of the call. A longer `Retry-After` replaces the pause.
const MAX_RETRIES: u32 = 8;
/// Pause before the first retry. It doubles with each retry, and jitter extends it to at most three times its length.
const RETRY_PAUSE: Duration = Duration::from_millis(5);

/// The error of a write by a replica that does not lead.
#[derive(Debug, thiserror::Error)]
#[error("this replica does not lead: nothing is written")]
pub struct NotLeading;

/// A filter that refuses writes while this replica does not lead.
#[derive(Clone, Debug)]
struct Guard(Leadership);

impl Predicate<Request<Body>> for Guard {
    type Request = Request<Body>;

    fn check(&mut self, request: Request<Body>) -> Result<Request<Body>, BoxError> {
        let reads = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
        if reads || self.0.is_leader() { Ok(request) } else { Err(NotLeading.into()) }
    }
}

/// Creates the client of the controller. The election has a client of its own, because it writes without leading.
///
/// # Errors
/// The configuration is unusable.
pub fn client(mut config: Config, leadership: Leadership) -> kube::Result<Client> {
    config.default_retry = false;
    Ok(guarded(ClientBuilder::try_from(config)?, leadership))
}

/// Adds the guard and retries to a client. kube's own retries would be inside the guard and could repeat a write after
/// the Lease is lost; here each attempt passes the guard.
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
        .with_layer(&BufferLayer::new(MAX_QUEUED))
        .with_layer(&RetryLayer::new(retries()))
        .build()
}

fn retries() -> RetryPolicy {
    RetryPolicy::new(RETRY_PAUSE, DEADLINE, MAX_RETRIES, true).expect("the pause is shorter than the deadline")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use kube::api::DeleteParams;
    use kube::core::Request as Write;

    use super::*;

    fn passes(method: Method, leadership: &Leadership) -> bool {
        let request = Request::builder().method(method).body(Body::empty()).expect("a request");
        Guard(leadership.clone()).check(request).is_ok()
    }

    #[test]
    fn only_the_leader_writes_and_every_replica_reads() {
        let leads = Leadership::ending_after(Duration::from_mins(1), Duration::MAX);
        let waits = Leadership::ending_after(Duration::ZERO, Duration::MAX);
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            assert!(passes(method.clone(), &leads));
            assert!(!passes(method, &waits));
        }
        assert!(passes(Method::GET, &waits));
    }

    /// Sends a write whose first `refused` attempts are answered with 429, either at once or after the Lease is lost.
    /// Returns the number of attempts and the final result.
    async fn attempts(leadership: Leadership, at_once: bool, refused: usize) -> (usize, kube::Result<String>) {
        let arrived = Arc::new(AtomicUsize::new(0));
        let (counted, lease) = (Arc::clone(&arrived), leadership.clone());
        let server = tower::service_fn(move |_: Request<Body>| {
            let (count, lease) = (counted.fetch_add(1, Ordering::SeqCst) + 1, lease.clone());
            async move {
                if !at_once {
                    lease.lost().await;
                }
                Response::builder().status(if count <= refused { 429 } else { 200 }).body(Body::empty())
            }
        });
        let client = guarded(ClientBuilder::new(server, "default"), leadership);
        let write = Write::new("/api").delete("object", &DeleteParams::default()).expect("a request");
        let answer = client.request_text(write).await;
        (arrived.load(Ordering::SeqCst), answer)
    }

    // proves: limit process/leadership/guard MAX_RETRIES
    // proves: limit process/leadership/guard RETRY_PAUSE
    #[tokio::test]
    async fn an_overloaded_api_server_is_retried_eight_times_within_the_deadline() {
        assert!(RETRY_PAUSE * 3 * 2_u32.pow(MAX_RETRIES) < DEADLINE);
        let retries = MAX_RETRIES as usize;
        let (arrived, answer) = attempts(Leadership::alone(), true, retries).await;
        assert_eq!(arrived, retries + 1);
        assert!(answer.is_ok(), "{answer:?}");
        let (arrived, answer) = attempts(Leadership::alone(), true, retries + 1).await;
        assert_eq!(arrived, retries + 1);
        assert!(answer.is_err(), "{answer:?}");
    }

    #[tokio::test]
    async fn a_write_is_not_retried_after_the_lease_is_lost() {
        let leadership = Leadership::ending_after(Duration::from_millis(200), Duration::MAX);
        let (arrived, answer) = attempts(leadership, false, 2).await;
        assert_eq!(arrived, 1);
        assert!(answer.is_err_and(|error| format!("{error:?}").contains("NotLeading")));
    }
}
