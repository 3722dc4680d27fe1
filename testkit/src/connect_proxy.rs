//! A proxy for `CONNECT` requests (RFC 9110, section 9.3.6) that keeps a journal. It connects every name to one address,
//! so that tests can use names which no resolver knows.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// A running proxy; it stops accepting connections when it is dropped.
pub struct ConnectProxy {
    address: SocketAddr,
    journal: Arc<Mutex<Vec<String>>>,
    silence: watch::Sender<()>,
    server: JoinHandle<()>,
}

impl ConnectProxy {
    /// Starts a proxy on a free loopback port that connects every client to `target`.
    pub async fn start(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("its address");
        let journal = Arc::new(Mutex::new(Vec::new()));
        let entries = Arc::clone(&journal);
        let silence = watch::Sender::new(());
        let every_silence = silence.clone();
        let server = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (entries, mut silenced) = (Arc::clone(&entries), every_silence.subscribe());
                tokio::spawn(async move {
                    let mut tunnel = pin!(tunnel(client, target, &entries));
                    tokio::select! {
                        // A connection that breaks off is the client's affair.
                        _ = &mut tunnel => {}
                        // The connections stay open.
                        _ = silenced.changed() => std::future::pending().await,
                    }
                });
            }
        });
        Self { address, journal, silence, server }
    }

    /// Relays nothing more on the connections that are open now, and leaves them open, as a load balancer does that drops
    /// a quiet connection without a word. New connections work.
    pub fn silence_connections(&self) {
        self.silence.send_replace(());
    }

    /// Returns the URL of the proxy.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the first lines of all requests.
    pub fn journal(&self) -> Vec<String> {
        self.journal.lock().expect("no panic").clone()
    }
}

impl Drop for ConnectProxy {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn tunnel(client: TcpStream, target: SocketAddr, journal: &Mutex<Vec<String>>) -> io::Result<()> {
    let mut client = BufReader::new(client);
    let mut request = String::new();
    client.read_line(&mut request).await?;
    let mut header = String::new();
    while client.read_line(&mut header).await? > 2 {
        header.clear();
    }
    journal.lock().expect("no panic").push(request.trim_end().to_owned());
    if !request.starts_with("CONNECT ") {
        return client.write_all(b"HTTP/1.1 405 Method Not Allowed\r\n\r\n").await;
    }
    let mut server = TcpStream::connect(target).await?;
    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
    copy_bidirectional(&mut client, &mut server).await.map(|_| ())
}
