//! A proxy between the operator and all that it talks to: the API server, Landscape Management and token endpoints.
//!
//! It runs in this process and ends TLS with certificates of its own. It names each request, and asks a [`Guard`] before
//! it sends the request on, and again before it passes the answer on. One port serves all hosts: those below
//! `.localhost` are the simulator's, every other one is the API server's.

mod guard;
mod relay;
pub mod request_name;
mod upstream;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use almkey_simulator::files::write_atomically;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

pub use guard::{Guard, PassAll, Request, Ruling};
pub use request_name::RequestName;

use almkey_simulator::certificates::{Authority, CertificateKind};
use guard::Watch;
use upstream::Upstreams;

/// A proxy. Its port is bound first, as the servers behind it must know the port before they start.
pub struct Proxy {
    /// Port of the proxy.
    pub port: u16,
    /// CA certificate that the operator trusts, in PEM.
    pub ca: String,
    listener: Option<TcpListener>,
    acceptor: TlsAcceptor,
    watch: Arc<Mutex<Arc<Watch>>>,
}

impl Proxy {
    /// Binds a free port.
    pub async fn bind() -> Self {
        let authority = Arc::new(Authority::generate().expect("a certificate authority"));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let port = listener.local_addr().expect("the address of the listener").port();
        let ca = authority.pem();
        let acceptor = TlsAcceptor::from(Arc::new(authority.server_config(CertificateKind::Valid)));
        let watch = Arc::new(Mutex::new(Arc::new(Watch::new(Arc::new(PassAll)))));
        Self { port, ca, listener: Some(listener), acceptor, watch }
    }

    /// Starts to relay to the API server of `kubeconfig` and to the simulator, given by port and CA certificate. Returns the
    /// path of a kubeconfig in `directory` that leads through the proxy.
    pub fn serve(&mut self, kubeconfig: &Path, simulator: (u16, &str), directory: &Path) -> PathBuf {
        let bytes = std::fs::read(kubeconfig).expect("a kubeconfig");
        let mut config: Value = serde_json::from_slice(&bytes).expect("the kubeconfig is JSON");
        let cluster = config["clusters"][0]["cluster"].take();
        let text = |field: &str| cluster[field].as_str().unwrap_or_else(|| panic!("no {field}")).to_owned();
        let api_ca = STANDARD.decode(text("certificate-authority-data")).expect("base64");
        let api_ca = String::from_utf8(api_ca).expect("the API server's CA certificate in PEM");
        let upstreams = Upstreams::new((&text("server"), &api_ca), simulator);
        let listener = self.listener.take().expect("a proxy is started once");
        tokio::spawn(relay::serve(listener, self.acceptor.clone(), Arc::new(upstreams), Arc::clone(&self.watch)));

        let server = format!("https://127.0.0.1:{}", self.port);
        config["clusters"][0]["cluster"] =
            json!({ "server": server, "certificate-authority-data": STANDARD.encode(&self.ca) });
        let path = directory.join("kubeconfig-proxy.yaml");
        write_atomically(&path, config.to_string()).expect("the kubeconfig can be written");
        path
    }

    /// Replaces the guard, and begins to count requests at 1. Requests under way stay with their guard.
    pub fn set_guard(&self, guard: Arc<dyn Guard>) {
        *self.watch.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(Watch::new(guard));
    }
}
