//! The API server is written to by the leader alone: one place for all writes, so that none can be forgotten.

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

/// Requests that may wait for the connection at a time.
const WAITING: usize = 1024;

/// How often a request is sent again that the API server had no time for (429, 503, 504): all within the deadline of the
/// call. A `Retry-After` that is longer counts instead of the pause.
const RETRIES: u32 = 8;
/// The first pause; each is twice as long as the one before, and up to three times that by chance.
const FIRST_PAUSE: Duration = Duration::from_millis(5);

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
        if reads || self.0.is_leader() { Ok(request) } else { Err(NotLeading.into()) }
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
        .with_layer(&RetryLayer::new(retries()))
        .build()
}

fn retries() -> RetryPolicy {
    RetryPolicy::new(FIRST_PAUSE, DEADLINE, RETRIES, true).expect("the first pause is the shorter one")
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
    fn only_the_leader_writes_and_everybody_reads() {
        let leads = Leadership::ending_after(Duration::from_mins(1), Duration::MAX);
        let waits = Leadership::ending_after(Duration::ZERO, Duration::MAX);
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            assert!(passes(method.clone(), &leads));
            assert!(!passes(method, &waits));
        }
        assert!(passes(Method::GET, &waits));
    }

    /// How often a write arrives whose first attempts are answered with 429, at once or only when the Lease is lost, and
    /// what becomes of it.
    async fn arrivals(leadership: Leadership, at_once: bool, refused: usize) -> (usize, kube::Result<String>) {
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

    // proves: limit process/leadership/guard RETRIES
    // proves: limit process/leadership/guard FIRST_PAUSE
    #[tokio::test]
    async fn what_the_api_server_had_no_time_for_is_sent_again_eight_times_and_that_within_the_deadline_of_a_call() {
        assert!(FIRST_PAUSE * 3 * 2_u32.pow(RETRIES) < DEADLINE);
        let retries = RETRIES as usize;
        let (arrived, answer) = arrivals(Leadership::alone(), true, retries).await;
        assert_eq!(arrived, retries + 1);
        assert!(answer.is_ok(), "{answer:?}");
        let (arrived, answer) = arrivals(Leadership::alone(), true, retries + 1).await;
        assert_eq!(arrived, retries + 1);
        assert!(answer.is_err(), "{answer:?}");
    }

    #[tokio::test]
    async fn a_write_that_the_api_server_had_no_time_for_is_not_sent_again_once_the_lease_is_lost() {
        let leadership = Leadership::ending_after(Duration::from_millis(200), Duration::MAX);
        let (arrived, answer) = arrivals(leadership, false, 2).await;
        assert_eq!(arrived, 1);
        assert!(answer.is_err_and(|error| format!("{error:?}").contains("NotLeading")));
    }
}
