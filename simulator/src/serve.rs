//! One port for all virtual hosts.

use std::error::Error;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::certificates::{Authority, Shown};
use crate::corruption::{Link, Outgoing, deliver};
use crate::files::write_atomically;
use crate::http::{Body, Call, Dropped, problem};
use crate::listeners::Listeners;
use crate::tenants::Tenants;
use crate::{admin, landscape, xsuaa};

/// Listens until the process is ended. What it makes names `public_port`, if that is another one.
pub(crate) async fn run(address: SocketAddr, directory: &Path, public_port: Option<u16>) -> Result<(), Box<dyn Error>> {
    if !address.ip().is_loopback() {
        return Err("the simulator has no access control: it listens on loopback only".into());
    }
    let authority = Arc::new(Authority::generate()?);
    let listener = TcpListener::bind(address).await?;
    let port = listener.local_addr()?.port();
    let acceptor = TlsAcceptor::from(Arc::new(authority.server_config(Shown::Fitting)));
    let tenants = Arc::new(Tenants::new(public_port.unwrap_or(port), Listeners::new(&authority))?);
    let ca = directory.join("ca.pem");
    write_atomically(&ca, authority.pem())?;
    announce(port, &ca);
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(connection(stream, acceptor.clone(), Arc::clone(&tenants), Requests::Many));
    }
}

/// How many requests a connection is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Requests {
    One,
    Many,
}

#[expect(clippy::print_stdout, reason = "who started it reads where it is")]
fn announce(port: u16, ca: &Path) {
    println!("{}", json!({ "port": port, "admin": format!("https://admin.localhost:{port}"), "ca": ca }));
}

/// Serves a connection to its end. Boxed: what is served may add a door, which serves connections.
pub(crate) fn connection(
    stream: TcpStream,
    acceptor: TlsAcceptor,
    tenants: Arc<Tenants>,
    requests: Requests,
) -> BoxFuture<'static, ()> {
    let served = async move {
        let Ok((stream, link)) = Link::to(stream) else { return };
        // A client that does not trust the certificate, or goes away, is no matter of the server.
        let Ok(stream) = acceptor.accept(stream).await else { return };
        let service = service_fn(move |request| answer(request, Arc::clone(&tenants), Arc::clone(&link)));
        let mut server = http1::Builder::new();
        server.keep_alive(requests == Requests::Many);
        let _ = server.serve_connection(TokioIo::new(stream), service).await;
    };
    served.boxed()
}

/// Answers in a task of its own: what has begun goes on even if the client goes away.
async fn answer(
    request: Request<Incoming>,
    tenants: Arc<Tenants>,
    link: Arc<Link>,
) -> Result<Response<Outgoing>, Dropped> {
    let answer = match Call::read(request).await {
        Ok(call) => tokio::spawn(async move { dispatch(call, &tenants).await }).await.unwrap_or(Err(Dropped::Closed)),
        Err(refusal) => Ok(*refusal),
    };
    match answer {
        Ok(response) => Ok(deliver(response, link).await),
        Err(dropped) => {
            if let Dropped::Reset = dropped {
                link.will_reset();
            }
            Err(dropped)
        }
    }
}

async fn dispatch(call: Call, tenants: &Arc<Tenants>) -> Result<Response<Body>, Dropped> {
    let host = call.host.strip_suffix(".localhost").unwrap_or_default().to_owned();
    if host == "admin" {
        return Ok(admin::answer(&call, tenants).await);
    }
    let of_tenant = host.rsplit_once('.').unwrap_or_default();
    tenants.sent.note(&call, of_tenant, tenants);
    match host.rsplit_once('.') {
        Some((zone, "authentication")) => xsuaa::answer(&call, zone, tenants).await,
        Some((zone, "landscape")) => landscape::answer(&call, zone, tenants).await,
        _ => Ok(problem(404, "UnknownHost", "no such virtual host")),
    }
}
