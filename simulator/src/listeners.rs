//! Listeners: ports beside the one of all virtual hosts. Each can refuse connections or show a wrong certificate, while
//! everything else stays as it is. A connection serves one request, so that the next request meets the present mode.

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use serde::Deserialize;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio_rustls::TlsAcceptor;

use crate::certificates::{Authority, CertificateKind};
use crate::sync::lock;

/// Connections that wait to be accepted.
const BACKLOG: u32 = 64;

/// The behaviour of a listener towards new connections.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub(crate) enum ListenerMode {
    /// Connections are served.
    Open,
    /// Connections are refused.
    Refused,
    /// The certificate is for another host.
    WrongHost,
    /// The certificate has expired.
    Expired,
}

/// An accepted connection, and the TLS acceptor to serve it with.
pub(crate) type Accepted = (TcpStream, TlsAcceptor);

/// All listeners, by port.
pub(crate) struct Listeners {
    valid: TlsAcceptor,
    wrong_host: TlsAcceptor,
    expired: TlsAcceptor,
    /// Receives the accepted connections of all listeners.
    connections: mpsc::UnboundedSender<Accepted>,
    orders: Mutex<HashMap<u16, mpsc::UnboundedSender<Order>>>,
}

/// A change of a listener's mode, confirmed once it is done.
struct Order {
    acceptor: Option<TlsAcceptor>,
    done: oneshot::Sender<io::Result<()>>,
}

impl Listeners {
    /// Creates an empty set, with certificates of `authority`. Accepted connections are sent to `connections`.
    pub(crate) fn new(authority: &Arc<Authority>, connections: mpsc::UnboundedSender<Accepted>) -> Self {
        let acceptor = |kind| TlsAcceptor::from(Arc::new(authority.server_config(kind)));
        Self {
            valid: acceptor(CertificateKind::Valid),
            wrong_host: acceptor(CertificateKind::WrongHost),
            expired: acceptor(CertificateKind::Expired),
            connections,
            orders: Mutex::default(),
        }
    }

    /// Adds an open listener and returns its port. It accepts connections by then.
    pub(crate) async fn add(&self) -> io::Result<u16> {
        // This socket never listens. It keeps the port while no other one does.
        let reservation = bind(0)?;
        let port = reservation.local_addr()?.port();
        let (sender, orders) = mpsc::unbounded_channel();
        lock(&self.orders).insert(port, sender);
        tokio::spawn(listen(reservation, port, orders, self.connections.clone()));
        self.order(port, ListenerMode::Open)
            .await
            .unwrap_or_else(|| Err(io::Error::other("the listener has ended")))?;
        Ok(port)
    }

    /// Sets the mode of a listener. Returns true if there is such a listener, and it has the mode by then.
    pub(crate) async fn set(&self, port: u16, mode: ListenerMode) -> bool {
        self.order(port, mode).await.is_some_and(|done| done.is_ok())
    }

    /// Orders a mode and waits until it is in force. Returns none if there is no such listener.
    async fn order(&self, port: u16, mode: ListenerMode) -> Option<io::Result<()>> {
        let (done, confirmation) = oneshot::channel();
        let order = Order { acceptor: self.acceptor(mode), done };
        lock(&self.orders).get(&port)?.send(order).ok()?;
        confirmation.await.ok()
    }

    fn acceptor(&self, mode: ListenerMode) -> Option<TlsAcceptor> {
        match mode {
            ListenerMode::Open => Some(self.valid.clone()),
            ListenerMode::WrongHost => Some(self.wrong_host.clone()),
            ListenerMode::Expired => Some(self.expired.clone()),
            ListenerMode::Refused => None,
        }
    }
}

/// Binds a socket to a port that it shares with other sockets of this process.
fn bind(port: u16) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.set_reuseport(true)?;
    socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
    Ok(socket)
}

/// Runs a listener by its orders.
async fn listen(
    _reservation: TcpSocket,
    port: u16,
    mut orders: mpsc::UnboundedReceiver<Order>,
    connections: mpsc::UnboundedSender<Accepted>,
) {
    let mut open: Option<(TcpListener, TlsAcceptor)> = None;
    loop {
        tokio::select! {
            order = orders.recv() => {
                let Some(Order { acceptor, done }) = order else { return };
                // Dropped first, so that no connection is accepted in the previous mode any more.
                drop(open.take());
                let result = match acceptor {
                    None => Ok(()),
                    Some(acceptor) => bind(port).and_then(|socket| socket.listen(BACKLOG)).map(|listener| {
                        open = Some((listener, acceptor));
                    }),
                };
                // The receiver is gone if its call was cancelled.
                let _ = done.send(result);
            }
            accepted = next(open.as_ref()) => {
                if connections.send(accepted).is_err() {
                    return;
                }
            }
        }
    }
}

/// Returns the next connection. Never returns while the listener refuses connections.
async fn next(open: Option<&(TcpListener, TlsAcceptor)>) -> Accepted {
    let Some((listener, acceptor)) = open else { return std::future::pending().await };
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            return (stream, acceptor.clone());
        }
    }
}
