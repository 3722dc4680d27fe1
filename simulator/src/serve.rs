//! The server: one port for all virtual hosts.

use std::error::Error;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;

use crate::certificates::{Authority, CertificateKind};
use crate::contract::Contract;
use crate::corruption::{Link, Outgoing, deliver};
use crate::files::write_atomically;
use crate::http::{Body, Call, Dropped, problem};
use crate::listeners::Listeners;
use crate::state::Tenants;
use crate::{admin, landscape, leak_check, xsuaa};

/// Serves until the process is ended. URLs and keys name `public_port`, if there is one.
pub(crate) async fn run(address: SocketAddr, directory: &Path, public_port: Option<u16>) -> Result<(), Box<dyn Error>> {
    if !address.ip().is_loopback() {
        return Err("the simulator has no access control, so it listens on a loopback address only".into());
    }
    let authority = Arc::new(Authority::generate()?);
    let listener = TcpListener::bind(address).await?;
    let port = listener.local_addr()?.port();
    let acceptor = TlsAcceptor::from(Arc::new(authority.server_config(CertificateKind::Valid)));
    let (sender, mut connections) = mpsc::unbounded_channel();
    let listeners = Listeners::new(&authority, sender);
    let tenants = Arc::new(Tenants::new(public_port.unwrap_or(port), listeners, Contract::new()?));
    let ca = directory.join("ca.pem");
    write_atomically(&ca, authority.pem())?;
    announce(port, &ca);
    loop {
        let (stream, acceptor, requests) = tokio::select! {
            accepted = listener.accept() => (accepted?.0, acceptor.clone(), Requests::Many),
            Some((stream, acceptor)) = connections.recv() => (stream, acceptor, Requests::One),
        };
        tokio::spawn(serve_connection(stream, acceptor, Arc::clone(&tenants), requests));
    }
}

/// The number of requests that a connection serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Requests {
    One,
    Many,
}

#[expect(clippy::print_stdout, reason = "the parent process reads the address")]
fn announce(port: u16, ca: &Path) {
    println!("{}", json!({ "port": port, "admin": format!("https://admin.localhost:{port}"), "ca": ca }));
}

/// Serves a connection to its end.
async fn serve_connection(stream: TcpStream, acceptor: TlsAcceptor, tenants: Arc<Tenants>, requests: Requests) {
    let Ok((stream, link)) = Link::new(stream) else { return };
    // A client that does not trust the certificate, or closes its connection, is no failure of the server.
    let Ok(stream) = acceptor.accept(stream).await else { return };
    let service = service_fn(move |request| answer(request, Arc::clone(&tenants), Arc::clone(&link)));
    let mut server = http1::Builder::new();
    server.keep_alive(requests == Requests::Many);
    let _ = server.serve_connection(TokioIo::new(stream), service).await;
}

/// Answers a request in a task of its own, so that its effect is complete even if the client closes its connection.
async fn answer(
    request: Request<Incoming>,
    tenants: Arc<Tenants>,
    link: Arc<Link>,
) -> Result<Response<Outgoing>, Dropped> {
    let answer = match Call::read(request).await {
        Ok(call) => tokio::spawn(async move { route(call, &tenants).await }).await.unwrap_or(Err(Dropped::Closed)),
        Err(refusal) => Ok(*refusal),
    };
    match answer {
        Ok(response) => Ok(deliver(response, link).await),
        Err(dropped) => {
            if let Dropped::Reset = dropped {
                link.reset_on_close();
            }
            Err(dropped)
        }
    }
}

/// Routes a call to its virtual host.
async fn route(call: Call, tenants: &Tenants) -> Result<Response<Body>, Dropped> {
    let host = call.host.strip_suffix(".localhost").unwrap_or_default().to_owned();
    if host == "admin" {
        return Ok(admin::answer(&call, tenants).await);
    }
    let (zone, service) = host.rsplit_once('.').unwrap_or_default();
    leak_check::check(&call, zone, service, tenants);
    match service {
        "authentication" => xsuaa::answer(&call, zone, tenants).await,
        "landscape" => landscape::answer(&call, zone, tenants).await,
        _ => Ok(problem(404, "UnknownHost", "there is no such virtual host")),
    }
}
