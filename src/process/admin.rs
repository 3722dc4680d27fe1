//! What probes and Prometheus ask for: `/healthz`, `/readyz`, `/metrics`. Nothing can be changed here, and nothing of a
//! key is told.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use prometheus_client::encoding::prometheus_text;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;
use tracing::warn;

use super::metrics::Metrics;
use super::readiness::Readiness;

/// Connections at the same time. For one more the oldest is closed: a probe and a scrape take milliseconds, and whoever
/// keeps connections open for nothing must not make the kubelet believe that this process hangs.
const CONNECTIONS: usize = 32;
/// Longest time for one connection, which is one request.
const PATIENCE: Duration = Duration::from_secs(5);
/// Longest time for the head of a request.
const HEAD_PATIENCE: Duration = Duration::from_secs(2);
/// After no connection could be accepted, as when there are no file descriptors left.
const PAUSE: Duration = Duration::from_secs(1);

const TEXT: &str = "text/plain; charset=utf-8";

/// What is told.
pub struct Admin {
    /// At `/readyz`.
    pub readiness: Readiness,
    /// At `/metrics`.
    pub metrics: Arc<Metrics>,
}

/// Answers for as long as it is polled.
pub async fn serve(listener: TcpListener, admin: Arc<Admin>) {
    serve_patiently(listener, admin, HEAD_PATIENCE, PATIENCE).await;
}

async fn serve_patiently(listener: TcpListener, admin: Arc<Admin>, head: Duration, whole: Duration) {
    let mut open: VecDeque<AbortHandle> = VecDeque::new();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                open.retain(|connection| !connection.is_finished());
                if open.len() >= CONNECTIONS
                    && let Some(oldest) = open.pop_front()
                {
                    oldest.abort();
                }
                let admin = Arc::clone(&admin);
                let answered = async move {
                    let _ = tokio::time::timeout(whole, connection(stream, &admin, head)).await;
                };
                open.push_back(tokio::spawn(answered).abort_handle());
            }
            Err(error) => {
                warn!(%error, "the admin server could not accept a connection");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, admin: &Admin, head: Duration) {
    let service = service_fn(async |request: Request<Incoming>| {
        Ok::<_, Infallible>(answer(request.method(), request.uri().path(), admin))
    });
    // A client that goes away is no matter of the server.
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(head)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

fn answer(method: &Method, path: &str, admin: &Admin) -> Response<Full<Bytes>> {
    if !matches!(*method, Method::GET | Method::HEAD) {
        let mut refused = text(StatusCode::METHOD_NOT_ALLOWED, TEXT, "only GET\n".into());
        refused.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return refused;
    }
    match path {
        "/healthz" => text(StatusCode::OK, TEXT, "ok\n".into()),
        "/readyz" if admin.readiness.is_reached() => text(StatusCode::OK, TEXT, "ok\n".into()),
        "/readyz" => {
            let why = "ALMTenants and ALMServiceKeys have not been listed yet\n";
            text(StatusCode::SERVICE_UNAVAILABLE, TEXT, why.into())
        }
        "/metrics" => text(StatusCode::OK, prometheus_text::CONTENT_TYPE, admin.metrics.encode()),
        _ => text(StatusCode::NOT_FOUND, TEXT, "/healthz, /readyz and /metrics are here\n".into()),
    }
}

fn text(status: StatusCode, kind: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::new(Bytes::from(body)));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    answer
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;
    use crate::process::leadership::Leadership;
    use std::io::{Read, Write};
    use std::net::TcpStream as Client;

    fn status(method: &Method, path: &str, readiness: &Readiness) -> u16 {
        let metrics = Arc::new(Metrics::new(Leadership::alone()));
        answer(method, path, &Admin { readiness: readiness.clone(), metrics }).status().as_u16()
    }

    #[test]
    fn it_is_healthy_at_once_and_ready_once_the_first_lists_are_done() {
        let readiness = Readiness::default();
        assert_eq!(status(&Method::GET, "/healthz", &readiness), 200);
        assert_eq!(status(&Method::GET, "/readyz", &readiness), 503);
        readiness.reached();
        assert_eq!(status(&Method::GET, "/readyz", &readiness), 200);
    }

    // proves: limit process/admin CONNECTIONS
    #[tokio::test]
    async fn thirty_two_have_a_place_and_for_one_more_the_oldest_loses_its_own() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let metrics = Arc::new(Metrics::new(Leadership::alone()));
        let server = tokio::spawn(serve(listener, Arc::new(Admin { readiness: Readiness::default(), metrics })));
        let ask = async |text: &str| {
            let mut stream = TcpStream::connect(address).await.expect("a connection");
            stream.write_all(text.as_bytes()).await.expect("it is sent");
            stream
        };
        let answer = async |stream: &mut TcpStream| {
            let mut answer = String::new();
            // A place that is lost may end in a reset.
            let _ = stream.read_to_string(&mut answer).await;
            answer
        };
        // Each has its place, and is answered once its request is whole.
        let mut begun = Vec::new();
        for _ in 0..CONNECTIONS {
            begun.push(ask("GET /healthz HTTP/1.1\r\n").await);
        }
        assert!(answer(&mut ask("GET /healthz HTTP/1.1\r\n\r\n").await).await.starts_with("HTTP/1.1 200"));
        assert_eq!(answer(&mut begun.remove(0)).await, "", "it came first");
        let mut second = begun.remove(0);
        second.write_all(b"\r\n").await.expect("it is sent");
        assert!(answer(&mut second).await.starts_with("HTTP/1.1 200"), "it kept its place");
        server.abort();
    }

    // proves: limit process/admin HEAD_PATIENCE
    #[tokio::test]
    async fn who_sends_nothing_loses_its_place_and_is_not_answered() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let metrics = Arc::new(Metrics::new(Leadership::alone()));
        let server = tokio::spawn(serve(listener, Arc::new(Admin { readiness: Readiness::default(), metrics })));
        let connect = async || TcpStream::connect(address).await.expect("a connection");
        let (mut silent, mut late) = (connect().await, connect().await);
        let whole = async {
            tokio::time::sleep(HEAD_PATIENCE / 2).await;
            late.write_all(b"GET /healthz HTTP/1.1\r\n\r\n").await.expect("it is sent");
            let mut answer = String::new();
            late.read_to_string(&mut answer).await.expect("an answer");
            answer
        };
        let mut nothing = Vec::new();
        let (answer, closed) = tokio::join!(whole, silent.read_to_end(&mut nothing));
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(closed.is_err() || !nothing.starts_with(b"HTTP/1.1 200"));
        server.abort();
    }

    #[test]
    fn nothing_can_be_changed_and_nothing_else_is_there() {
        let readiness = Readiness::default();
        assert_eq!(status(&Method::POST, "/metrics", &readiness), 405);
        assert_eq!(status(&Method::GET, "/", &readiness), 404);
    }
    #[tokio::test(flavor = "multi_thread")]
    async fn a_probe_is_answered_while_others_keep_all_connections_open_for_nothing() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let metrics = Arc::new(Metrics::new(Leadership::alone()));
        let admin = Arc::new(Admin { readiness: Readiness::default(), metrics });
        let never = Duration::from_hours(1);
        tokio::spawn(serve_patiently(listener, admin, never, never));
        let mut idle = Vec::new();
        for _ in 0..4 * CONNECTIONS {
            idle.push(Client::connect(address).expect("it is taken"));
        }

        let mut probe = Client::connect(address).expect("it is taken");
        probe.write_all(b"GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n").expect("it is sent");
        let mut answer = String::new();
        probe.read_to_string(&mut answer).expect("it is answered");

        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
}
