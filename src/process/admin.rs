//! The admin server, read-only: `/healthz`, `/readyz` and `/metrics`. Nothing that it serves contains key material.

use std::convert::Infallible;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
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
use tokio::sync::Semaphore;
use tracing::warn;

use super::metrics::Metrics;
use super::readiness::Readiness;

/// Maximum number of concurrent connections. Further ones wait until another one ends, which the timeouts ensure.
const MAX_CONNECTIONS: usize = 256;
/// Timeout of a connection, which serves one request.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(5);
/// Timeout for the header of a request.
const HEADER_TIMEOUT: Duration = Duration::from_secs(2);
/// Pause after an error in accepting a connection, such as a lack of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_secs(1);

const TEXT: &str = "text/plain; charset=utf-8";

/// The state that the admin server shows.
pub struct Admin {
    /// Shown at `/readyz`.
    pub readiness: Readiness,
    /// Shown at `/metrics`.
    pub metrics: Arc<Metrics>,
}

/// Listens at `address`. The unspecified address of IPv6 includes those of IPv4, and stands for them alone where there is
/// no IPv6.
///
/// # Errors
/// The address cannot be used.
pub async fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    listen_with(address, async |address| TcpListener::bind(address).await).await
}

async fn listen_with<T>(address: SocketAddr, bind: impl AsyncFn(SocketAddr) -> io::Result<T>) -> io::Result<T> {
    let needs_ipv6 = address.ip() == IpAddr::V6(Ipv6Addr::UNSPECIFIED);
    match bind(address).await {
        // The errors of a host without IPv6 have no kind of their own, so those of others are named.
        Err(error) if needs_ipv6 && !matches!(error.kind(), ErrorKind::AddrInUse | ErrorKind::PermissionDenied) => {
            bind(SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), address.port())).await
        }
        result => result,
    }
}

/// Serves `admin`, and never returns.
pub async fn serve(listener: TcpListener, admin: Arc<Admin>) {
    serve_with(listener, admin, HEADER_TIMEOUT, CONNECTION_TIMEOUT).await;
}

async fn serve_with(listener: TcpListener, admin: Arc<Admin>, header_timeout: Duration, timeout: Duration) {
    let connections = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let permit = Arc::clone(&connections).acquire_owned().await;
        match listener.accept().await {
            Ok((stream, _)) => {
                let admin = Arc::clone(&admin);
                tokio::spawn(async move {
                    let _permit = permit;
                    let _ = tokio::time::timeout(timeout, serve_connection(stream, &admin, header_timeout)).await;
                });
            }
            Err(error) => {
                warn!(%error, "the admin server cannot accept connections");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn serve_connection(stream: TcpStream, admin: &Admin, header_timeout: Duration) {
    let service = service_fn(async |request: Request<Incoming>| {
        Ok::<_, Infallible>(answer(request.method(), request.uri().path(), admin))
    });
    // Errors are those of the client, such as a closed connection.
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(header_timeout)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

fn answer(method: &Method, path: &str, admin: &Admin) -> Response<Full<Bytes>> {
    if !matches!(*method, Method::GET | Method::HEAD) {
        let mut response = text(StatusCode::METHOD_NOT_ALLOWED, TEXT, "only GET and HEAD are allowed\n".into());
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    match path {
        "/healthz" => text(StatusCode::OK, TEXT, "ok\n".into()),
        "/readyz" if admin.readiness.is_ready() => text(StatusCode::OK, TEXT, "ok\n".into()),
        "/readyz" => {
            let reason = "the initial lists of ALMTenants and ALMServiceKeys are not complete\n";
            text(StatusCode::SERVICE_UNAVAILABLE, TEXT, reason.into())
        }
        "/metrics" => text(StatusCode::OK, prometheus_text::CONTENT_TYPE, admin.metrics.encode()),
        _ => text(StatusCode::NOT_FOUND, TEXT, "not found: use /healthz, /readyz or /metrics\n".into()),
    }
}

fn text(status: StatusCode, content_type: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::task::JoinHandle;
    use tokio::time::timeout;

    use super::*;
    use crate::process::leadership::Leadership;

    const REQUEST: &[u8] = b"GET /healthz HTTP/1.1\r\n\r\n";
    const NEVER: Duration = Duration::from_hours(1);

    fn admin(readiness: Readiness) -> Admin {
        Admin { readiness, metrics: Arc::new(Metrics::new(Leadership::alone())) }
    }

    fn status(method: &Method, path: &str, readiness: &Readiness) -> u16 {
        answer(method, path, &admin(readiness.clone())).status().as_u16()
    }

    async fn start(header_timeout: Duration, timeout: Duration) -> (SocketAddr, JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let admin = Arc::new(admin(Readiness::default()));
        (address, tokio::spawn(serve_with(listener, admin, header_timeout, timeout)))
    }

    async fn connect(address: SocketAddr) -> TcpStream {
        TcpStream::connect(address).await.expect("a connection")
    }

    /// Sends a request and reads the answer.
    async fn get(stream: &mut TcpStream) -> String {
        stream.write_all(REQUEST).await.expect("the request is sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("an answer");
        answer
    }

    #[test]
    fn it_is_healthy_at_once_and_ready_after_the_initial_lists() {
        let readiness = Readiness::default();
        assert_eq!(status(&Method::GET, "/healthz", &readiness), 200);
        assert_eq!(status(&Method::GET, "/readyz", &readiness), 503);
        readiness.set_ready();
        assert_eq!(status(&Method::GET, "/readyz", &readiness), 200);
    }

    #[test]
    fn other_methods_and_paths_are_refused() {
        let readiness = Readiness::default();
        assert_eq!(status(&Method::POST, "/metrics", &readiness), 405);
        assert_eq!(status(&Method::GET, "/", &readiness), 404);
    }

    #[tokio::test]
    async fn the_default_address_is_reached_over_ipv4_and_over_ipv6() {
        let listener = listen("[::]:0".parse().expect("an address")).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let server = tokio::spawn(serve(listener, Arc::new(admin(Readiness::default()))));
        let mut hosts = vec![IpAddr::V4(Ipv4Addr::LOCALHOST)];
        hosts.extend(address.is_ipv6().then_some(IpAddr::V6(Ipv6Addr::LOCALHOST)));
        for host in hosts {
            let answer = get(&mut connect(SocketAddr::new(host, address.port())).await).await;
            assert!(answer.starts_with("HTTP/1.1 200"), "{host}: {answer}");
        }
        server.abort();
    }

    #[tokio::test]
    async fn without_ipv6_all_addresses_of_ipv4_stand_in_and_other_errors_are_kept() {
        let only_ipv4 = |kind: ErrorKind| {
            async move |address: SocketAddr| if address.is_ipv4() { Ok(address) } else { Err(kind.into()) }
        };
        let any: SocketAddr = "[::]:8080".parse().expect("an address");
        let listens = listen_with(any, only_ipv4(ErrorKind::Unsupported)).await.expect("an address of IPv4");
        assert_eq!(listens, "0.0.0.0:8080".parse().expect("an address"));
        let used = listen_with(any, only_ipv4(ErrorKind::AddrInUse)).await.expect_err("the port is in use");
        assert_eq!(used.kind(), ErrorKind::AddrInUse);
        let other: SocketAddr = "[::1]:8080".parse().expect("an address");
        assert!(listen_with(other, only_ipv4(ErrorKind::Unsupported)).await.is_err(), "another address was asked for");
    }

    // proves: limit process/admin HEADER_TIMEOUT
    #[tokio::test]
    async fn a_connection_without_a_request_is_closed() {
        let (address, server) = start(HEADER_TIMEOUT, CONNECTION_TIMEOUT).await;
        let (mut silent, mut late) = (connect(address).await, connect(address).await);
        let answered = async {
            tokio::time::sleep(HEADER_TIMEOUT / 2).await;
            get(&mut late).await
        };
        let mut nothing = Vec::new();
        let (answer, closed) = tokio::join!(answered, silent.read_to_end(&mut nothing));
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(closed.is_err() || !nothing.starts_with(b"HTTP/1.1 200"));
        server.abort();
    }

    // proves: limit process/admin MAX_CONNECTIONS
    #[tokio::test]
    async fn a_request_is_answered_unless_the_maximum_of_connections_is_idle() {
        let (address, server) = start(NEVER, NEVER).await;
        let mut idle = Vec::new();
        for _ in 1..MAX_CONNECTIONS {
            idle.push(connect(address).await);
        }
        assert!(get(&mut connect(address).await).await.starts_with("HTTP/1.1 200"));
        idle.push(connect(address).await);
        let mut waiting = connect(address).await;
        let early = timeout(Duration::from_millis(200), get(&mut waiting)).await;
        assert!(early.is_err(), "{early:?}");
        idle.pop();
        let mut answer = String::new();
        waiting.read_to_string(&mut answer).await.expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        server.abort();
    }
}
