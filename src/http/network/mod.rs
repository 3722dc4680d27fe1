//! Which addresses may be connected to, and how names become addresses.
//!
//! Names are resolved once, every address is checked, and only checked ones are connected to: a name that answers
//! differently the second time gains nothing.

mod address;

#[cfg(test)]
mod tests;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// Which addresses may be connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Network {
    /// Only public ones.
    Public,
    /// Private and loopback ones too; never those that are nobody's service: see [`NotAllowed::Never`].
    Any,
}

/// An address that must not be connected to.
#[derive(Debug, thiserror::Error)]
pub enum NotAllowed {
    /// It is private or loopback.
    #[error("address {0} is not public; the ALMTenant's spec.signIn.allowPrivateNetworks would allow it")]
    Private(IpAddr),
    /// Link-local, multicast, unspecified or reserved; or where a cloud tells a machine its own credentials.
    #[error("address {0} is never connected to: it is link-local, reserved, or a cloud's metadata service")]
    Never(IpAddr),
}

/// A name without an address.
#[derive(Debug, thiserror::Error)]
#[error("the name has no address")]
struct NoAddress;

impl Network {
    /// Whether `address` may be connected to.
    ///
    /// # Errors
    /// It may not.
    pub fn check(self, address: IpAddr) -> Result<(), NotAllowed> {
        match (self, address::reach(address)) {
            (_, address::Reach::Nowhere) => Err(NotAllowed::Never(address)),
            (Self::Public, address::Reach::Private) => Err(NotAllowed::Private(address)),
            (Self::Any, address::Reach::Private) | (_, address::Reach::Public) => Ok(()),
        }
    }

    /// Checks a host that is a literal address: no resolver runs for those.
    ///
    /// # Errors
    /// It must not be connected to.
    pub fn check_literal(self, url: &Url) -> Result<(), NotAllowed> {
        match url.host() {
            Some(Host::Ipv4(address)) => self.check(address.into()),
            Some(Host::Ipv6(address)) => self.check(address.into()),
            Some(Host::Domain(_)) | None => Ok(()),
        }
    }

    /// The resolver that connects: the only way from a name to an address.
    pub(super) fn resolver(self) -> Guarded {
        Guarded { network: self, lookup: Arc::new(System) }
    }
}

/// Asks for the addresses of a name.
#[async_trait]
pub(super) trait Lookup: Send + Sync {
    /// All that it has at present.
    async fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>>;
}

/// The resolver of the system.
struct System;

#[async_trait]
impl Lookup for System {
    async fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        if is_localhost(host) {
            // RFC 6761, section 6.3: never asked of a resolver.
            return Ok(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]);
        }
        Ok(tokio::net::lookup_host((host, 0)).await?.map(|address| address.ip()).collect())
    }
}

/// Names to addresses, each of which has been checked. What is answered here is connected to, and nothing is asked again.
#[derive(Clone)]
pub(super) struct Guarded {
    network: Network,
    lookup: Arc<dyn Lookup>,
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let Self { network, lookup } = self.clone();
        Box::pin(async move {
            let addresses = lookup.addresses(name.as_str()).await?;
            if addresses.is_empty() {
                return Err(NoAddress.into());
            }
            for address in &addresses {
                network.check(*address)?;
            }
            let addresses: Addrs = Box::new(addresses.into_iter().map(|address| SocketAddr::new(address, 0)));
            Ok(addresses)
        })
    }
}

fn is_localhost(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    host == "localhost" || host.ends_with(".localhost")
}
