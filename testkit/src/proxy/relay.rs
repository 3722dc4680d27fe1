//! The relay of requests and answers.

use std::sync::{Arc, Mutex, PoisonError};

use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::HOST;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::guard::{Ruling, Watch};
use super::upstream::{UpstreamLink, Upstreams};

/// The error that makes hyper close a connection without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection is closed without an answer")]
pub(super) struct Closed;

/// Accepts connections for as long as the runtime lives.
pub(super) async fn serve(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    upstreams: Arc<Upstreams>,
    watch: Arc<Mutex<Arc<Watch>>>,
) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(connection(stream, acceptor.clone(), Arc::clone(&upstreams), Arc::clone(&watch)));
    }
}

async fn connection(
    stream: TcpStream,
    acceptor: TlsAcceptor,
    upstreams: Arc<Upstreams>,
    watch: Arc<Mutex<Arc<Watch>>>,
) {
    // A client that closes its connection is no failure of the proxy.
    let Ok(stream) = stream.set_nodelay(true).map(|()| stream) else { return };
    let Ok(stream) = acceptor.accept(stream).await else { return };
    let link = Arc::new(tokio::sync::Mutex::new(UpstreamLink::default()));
    let service = service_fn(move |request| {
        let watch = Arc::clone(&watch.lock().unwrap_or_else(PoisonError::into_inner));
        let exchange = exchange(request, watch, Arc::clone(&upstreams), Arc::clone(&link));
        // In a task of its own: a request that was sent takes effect even if its client is killed.
        async { tokio::spawn(exchange).await.unwrap_or(Err(Closed)) }
    });
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn exchange(
    request: Request<Incoming>,
    watch: Arc<Watch>,
    upstreams: Arc<Upstreams>,
    link: Arc<tokio::sync::Mutex<UpstreamLink>>,
) -> Result<Response<Incoming>, Closed> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| Closed)?.to_bytes();
    let host = parts.headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default().to_owned();
    let request = watch.request(&parts, &host, body.clone());
    if watch.guard.on_request(&request).await == Ruling::Cut {
        return Err(Closed);
    }
    let sent = Request::from_parts(parts, Full::new(body));
    let answer = link.lock().await.send(&upstreams, &request.host, sent).await.map_err(|_| Closed)?;
    match watch.guard.on_answer(&request, answer.status().as_u16()).await {
        Ruling::Pass => Ok(answer),
        Ruling::Cut => Err(Closed),
    }
}
