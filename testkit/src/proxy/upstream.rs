//! The servers behind the proxy, and connections to them.

use std::sync::Arc;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use url::Url;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The two servers behind the proxy.
pub(super) struct Upstreams {
    api_server: Upstream,
    simulator: Upstream,
}

struct Upstream {
    port: u16,
    tls: TlsConnector,
}

impl Upstreams {
    /// Takes the URL of the API server and the port of the simulator, each with its CA certificate in PEM.
    pub(super) fn new((api_server, api_ca): (&str, &str), (simulator, simulator_ca): (u16, &str)) -> Self {
        let port = Url::parse(api_server).ok().and_then(|url| url.port()).expect("the API server's port");
        Self {
            api_server: Upstream { port, tls: tls_connector(api_ca) },
            simulator: Upstream { port: simulator, tls: tls_connector(simulator_ca) },
        }
    }

    async fn connect(&self, host: &str) -> Result<SendRequest<Full<Bytes>>, BoxError> {
        let (upstream, name) = if host.ends_with(".localhost") {
            (&self.simulator, ServerName::try_from(host.to_owned())?)
        } else {
            (&self.api_server, ServerName::try_from("127.0.0.1")?)
        };
        let stream = TcpStream::connect(("127.0.0.1", upstream.port)).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(upstream.tls.connect(name, stream).await?)).await?;
        // The task ends when the sender is dropped and the answer has been read.
        tokio::spawn(connection);
        Ok(sender)
    }
}

fn tls_connector(ca: &str) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(ca.as_bytes()) {
        roots.add(certificate.expect("a certificate in PEM")).expect("a certificate authority");
    }
    TlsConnector::from(Arc::new(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth()))
}

/// The upstream connection that belongs to one connection of the operator. It is opened when it is first needed.
#[derive(Default)]
pub(super) struct UpstreamLink(Option<(String, SendRequest<Full<Bytes>>)>);

impl UpstreamLink {
    /// Sends a request on, over the open connection if it leads to this host.
    pub(super) async fn send(
        &mut self,
        upstreams: &Upstreams,
        host: &str,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, BoxError> {
        let mut kept = self.0.take().filter(|(to, _)| to == host).map(|(_, sender)| sender);
        if let Some(sender) = &mut kept
            && sender.ready().await.is_err()
        {
            // The server closed the idle connection, which must not look like a failure of this request.
            kept = None;
        }
        let mut sender = match kept {
            Some(sender) => sender,
            None => upstreams.connect(host).await?,
        };
        let answer = sender.send_request(request).await?;
        self.0 = Some((host.to_owned(), sender));
        Ok(answer)
    }
}
