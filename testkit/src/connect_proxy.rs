//! A proxy for `CONNECT` requests (RFC 9110, section 9.3.6) that keeps a journal. It connects every name to one address,
//! so that tests can use names which no resolver knows.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Answer to a request without the demanded credentials.
const AUTHENTICATION_REQUIRED: &[u8] =
    b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"test\"\r\nContent-Length: 0\r\n\r\n";

/// A running proxy; it stops accepting connections when it is dropped.
pub struct ConnectProxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    silence: watch::Sender<()>,
    server: JoinHandle<()>,
}

/// The part of a proxy that its connections share.
struct Shared {
    target: SocketAddr,
    journal: Mutex<Vec<String>>,
    /// User name and password that clients must have, separated by a colon.
    credentials: Mutex<Option<String>>,
    /// Answer to each request, in place of a tunnel.
    answer: Mutex<Option<String>>,
}

impl ConnectProxy {
    /// Starts a proxy on a free loopback port that connects every client to `target`.
    pub async fn start(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("its address");
        let shared = Arc::new(Shared {
            target,
            journal: Mutex::default(),
            credentials: Mutex::default(),
            answer: Mutex::default(),
        });
        let of_connections = Arc::clone(&shared);
        let silence = watch::Sender::new(());
        let every_silence = silence.clone();
        let server = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (shared, mut silenced) = (Arc::clone(&of_connections), every_silence.subscribe());
                tokio::spawn(async move {
                    let mut tunnel = pin!(shared.serve(client));
                    tokio::select! {
                        // A connection that breaks off is the client's affair.
                        _ = &mut tunnel => {}
                        // The connections stay open.
                        _ = silenced.changed() => std::future::pending().await,
                    }
                });
            }
        });
        Self { address, shared, silence, server }
    }

    /// Relays nothing more on the connections that are open now, and leaves them open, as a load balancer does that drops
    /// a quiet connection without a word. New connections work.
    pub fn silence_connections(&self) {
        self.silence.send_replace(());
    }

    /// Demands `user:password` of new connections (RFC 7617).
    pub fn demand_credentials(&self, pair: &str) {
        *self.shared.credentials.lock().expect("no panic") = Some(pair.to_owned());
    }

    /// Answers new connections with these bytes, and closes them; none opens tunnels again.
    pub fn answer_with(&self, answer: Option<&str>) {
        *self.shared.answer.lock().expect("no panic") = answer.map(str::to_owned);
    }

    /// Returns the URL of the proxy.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the first lines of all requests.
    pub fn journal(&self) -> Vec<String> {
        self.shared.journal.lock().expect("no panic").clone()
    }
}

impl Drop for ConnectProxy {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Shared {
    /// Serves one connection.
    async fn serve(&self, client: TcpStream) -> io::Result<()> {
        let mut client = BufReader::new(client);
        let mut request = String::new();
        client.read_line(&mut request).await?;
        let (mut header, mut authorization) = (String::new(), None);
        while client.read_line(&mut header).await? > 2 {
            authorization = authorization.or_else(|| basic_credentials(&header));
            header.clear();
        }
        self.journal.lock().expect("no panic").push(request.trim_end().to_owned());
        let answer = self.answer.lock().expect("no panic").clone();
        if let Some(answer) = answer {
            return client.write_all(answer.as_bytes()).await;
        }
        if !request.starts_with("CONNECT ") {
            return client.write_all(b"HTTP/1.1 405 Method Not Allowed\r\n\r\n").await;
        }
        let demanded = self.credentials.lock().expect("no panic").clone();
        if demanded.is_some() && demanded != authorization {
            return client.write_all(AUTHENTICATION_REQUIRED).await;
        }
        let mut server = TcpStream::connect(self.target).await?;
        client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
        copy_bidirectional(&mut client, &mut server).await.map(|_| ())
    }
}

/// Returns user name and password of a `Proxy-Authorization` header.
fn basic_credentials(header: &str) -> Option<String> {
    let (name, value) = header.split_once(':')?;
    let encoded = value.trim().strip_prefix("Basic ").filter(|_| name.eq_ignore_ascii_case("proxy-authorization"))?;
    String::from_utf8(STANDARD.decode(encoded).ok()?).ok()
}
