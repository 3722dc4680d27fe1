//! A gate between the operator and all that it talks to: the API server, Landscape Management and token endpoints.
//!
//! A transparent proxy in this process. It ends TLS with certificates of its own, names each request, and asks a
//! [`Guard`] before it sends the request on, and again before it passes the answer on. One port stands for all: hosts
//! below `.localhost` are the simulator's, everything else is the API server's.

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

pub use guard::{Guard, Open, Request, Ruling};
pub use request_name::Name;

use almkey_simulator::certificates::{Authority, Shown};
use guard::Watch;
use upstream::Upstreams;

/// A gate that stands, and is not open yet: what is behind it must know its port before.
pub struct Proxy {
    /// Where the operator finds everything.
    pub port: u16,
    /// The CA that the operator trusts, in PEM.
    pub ca: String,
    listener: Option<TcpListener>,
    acceptor: TlsAcceptor,
    watch: Arc<Mutex<Arc<Watch>>>,
}

impl Proxy {
    /// Takes a free port.
    pub async fn stand() -> Self {
        let authority = Arc::new(Authority::generate().expect("a certificate authority"));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let port = listener.local_addr().expect("its address").port();
        let ca = authority.pem();
        let acceptor = TlsAcceptor::from(Arc::new(authority.server_config(Shown::Fitting)));
        let watch = Arc::new(Mutex::new(Arc::new(Watch::of(Arc::new(Open)))));
        Self { port, ca, listener: Some(listener), acceptor, watch }
    }

    /// Opens it to the API server that `kubeconfig` names, and to the simulator. The kubeconfig by which the operator goes
    /// through the gate is written into `directory`.
    pub fn open(&mut self, kubeconfig: &Path, simulator: (u16, &str), directory: &Path) -> PathBuf {
        let mut config: Value =
            serde_json::from_slice(&std::fs::read(kubeconfig).expect("a kubeconfig")).expect("JSON");
        let cluster = config["clusters"][0]["cluster"].take();
        let text = |field: &str| cluster[field].as_str().expect("it is there").to_owned();
        let api_ca = STANDARD.decode(text("certificate-authority-data")).expect("base64");
        let api_ca = String::from_utf8(api_ca).expect("the API server's CA in PEM");
        let upstreams = Upstreams::new((&text("server"), &api_ca), simulator);
        let listener = self.listener.take().expect("it is opened once");
        tokio::spawn(relay::serve(listener, self.acceptor.clone(), Arc::new(upstreams), Arc::clone(&self.watch)));

        let server = format!("https://127.0.0.1:{}", self.port);
        config["clusters"][0]["cluster"] =
            json!({ "server": server, "certificate-authority-data": STANDARD.encode(&self.ca) });
        let path = directory.join("kubeconfig-proxy.yaml");
        write_atomically(&path, config.to_string()).expect("the kubeconfig can be written");
        path
    }

    /// From now on this guard stands here, and requests are counted anew. Those that are on their way stay with the
    /// guard that they began with.
    pub fn set_guard(&self, guard: Arc<dyn Guard>) {
        *self.watch.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(Watch::of(guard));
    }
}
