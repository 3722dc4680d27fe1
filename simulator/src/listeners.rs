//! Listeners: ports beside the one of all virtual hosts, each of which can be shut, or show a wrong certificate, while
//! everything else stays as it is. What reaches a door is served as anywhere, one request a connection, so that the next
//! request finds the door as it is by then.

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use serde::Deserialize;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio_rustls::TlsAcceptor;

use crate::certificates::{Authority, Shown};
use crate::serve::{Requests, connection};
use crate::tenants::{Tenants, lock};

/// Connections that wait to be accepted.
const BACKLOG: u32 = 64;

/// What a connection finds.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub(crate) enum ListenerMode {
    /// It is let in.
    Open,
    /// Nobody listens.
    Refused,
    /// A certificate for another host.
    WrongHost,
    /// A certificate that is not valid any more.
    Expired,
}

/// All doors, by port.
pub(crate) struct Listeners {
    fitting: TlsAcceptor,
    of_another: TlsAcceptor,
    expired: TlsAcceptor,
    orders: Mutex<HashMap<u16, mpsc::UnboundedSender<Order>>>,
}

/// What a door is to become, and who waits for it.
type Order = (ListenerMode, oneshot::Sender<()>);

impl Listeners {
    /// None yet; their certificates are of `authority`.
    pub(crate) fn new(authority: &Arc<Authority>) -> Self {
        let acceptor = |shown| TlsAcceptor::from(Arc::new(authority.server_config(shown)));
        Self {
            fitting: acceptor(Shown::Fitting),
            of_another: acceptor(Shown::OfAnother),
            expired: acceptor(Shown::Expired),
            orders: Mutex::default(),
        }
    }

    /// Adds an open door; its port.
    pub(crate) async fn add(tenants: &Arc<Tenants>) -> io::Result<u16> {
        // Never listens: it keeps the port while nobody does.
        let place = bound(0)?;
        let port = place.local_addr()?.port();
        let (sender, orders) = mpsc::unbounded_channel();
        lock(&tenants.doors.orders).insert(port, sender);
        tokio::spawn(keep(place, port, orders, Arc::clone(tenants)));
        tenants.doors.set(port, ListenerMode::Open).await;
        Ok(port)
    }

    /// Lets a door become another one. Whether there is such a door; by then it is so.
    pub(crate) async fn set(&self, port: u16, becomes: ListenerMode) -> bool {
        let (done, is_so) = oneshot::channel();
        let sent = lock(&self.orders).get(&port).is_some_and(|orders| orders.send((becomes, done)).is_ok());
        sent && is_so.await.is_ok()
    }

    fn acceptor(&self, doorway: ListenerMode) -> Option<TlsAcceptor> {
        match doorway {
            ListenerMode::Open => Some(self.fitting.clone()),
            ListenerMode::WrongHost => Some(self.of_another.clone()),
            ListenerMode::Expired => Some(self.expired.clone()),
            ListenerMode::Refused => None,
        }
    }
}

/// A socket of ours at a port that it shares with others of ours.
fn bound(port: u16) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.set_reuseport(true)?;
    socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
    Ok(socket)
}

/// Serves a door, as it is ordered.
async fn keep(_place: TcpSocket, port: u16, mut orders: mpsc::UnboundedReceiver<Order>, tenants: Arc<Tenants>) {
    let mut listens: Option<(TcpListener, TlsAcceptor)> = None;
    loop {
        tokio::select! {
            order = orders.recv() => {
                let Some((doorway, done)) = order else { return };
                // First of all, so that nobody is let in by what the door was before.
                drop(listens.take());
                listens = tenants.doors.acceptor(doorway).and_then(|acceptor| {
                    Some((bound(port).and_then(|socket| socket.listen(BACKLOG)).ok()?, acceptor))
                });
                // Who ordered it may have gone.
                let _ = done.send(());
            }
            (stream, acceptor) = next(listens.as_ref()) => {
                tokio::spawn(connection(stream, acceptor, Arc::clone(&tenants), Requests::One));
            }
        }
    }
}

/// The next connection; none ever comes where nobody listens.
async fn next(listens: Option<&(TcpListener, TlsAcceptor)>) -> (TcpStream, TlsAcceptor) {
    let Some((listener, acceptor)) = listens else { return std::future::pending().await };
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            return (stream, acceptor.clone());
        }
    }
}
