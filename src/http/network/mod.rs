//! The guard of outgoing connections: permitted addresses, and the resolver that enforces them.
//!
//! A name is resolved once per connection, every address is checked, and only checked addresses are used. DNS rebinding
//! therefore has no effect.

mod address;

#[cfg(test)]
mod tests;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// The permitted addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Network {
    /// Public addresses only.
    Public,
    /// Private and loopback addresses too, but never those of [`NotAllowed::Never`].
    Any,
}

/// The error of an address that must not be connected to.
#[derive(Debug, thiserror::Error)]
pub enum NotAllowed {
    /// A private or loopback address.
    #[error("address {0} is not public; the ALMTenant's spec.signIn.allowPrivateNetworks would allow it")]
    Private(IpAddr),
    /// A link-local, multicast, unspecified or reserved address, or a cloud's metadata service.
    #[error("address {0} is never connected to: it is link-local, reserved, or a cloud's metadata service")]
    Never(IpAddr),
    /// A literal address behind the proxy, which would connect to it unchecked.
    #[error("address {0} is not connected to through the proxy: use a host name, or name it in --egress-proxy-exempt")]
    BehindProxy(IpAddr),
    /// A name that leads the proxy to itself.
    #[error(
        "a name below localhost is not connected to through the proxy, because it is not public; the ALMTenant's \
         spec.signIn.allowPrivateNetworks would allow it"
    )]
    LocalBehindProxy,
}

/// The error of a name without an address.
#[derive(Debug, thiserror::Error)]
#[error("the name has no address")]
struct NoAddress;

impl Network {
    /// Checks that `address` may be connected to.
    ///
    /// # Errors
    /// The address is not permitted.
    pub fn check(self, address: IpAddr) -> Result<(), NotAllowed> {
        match (self, address::reach(address)) {
            (_, address::Reach::Forbidden) => Err(NotAllowed::Never(address)),
            (Self::Public, address::Reach::Private) => Err(NotAllowed::Private(address)),
            (Self::Any, address::Reach::Private) | (_, address::Reach::Public) => Ok(()),
        }
    }

    /// Checks a host that is a literal address, for which no resolver runs.
    ///
    /// # Errors
    /// The address is not permitted.
    pub fn check_literal(self, url: &Url) -> Result<(), NotAllowed> {
        match url.host() {
            Some(Host::Ipv4(address)) => self.check(address.into()),
            Some(Host::Ipv6(address)) => self.check(address.into()),
            Some(Host::Domain(_)) | None => Ok(()),
        }
    }

    /// Checks a host that a proxy resolves. No address is known here, so it must be a name.
    ///
    /// # Errors
    /// The host is a literal address, or a name for the proxy itself that is not permitted.
    pub fn check_name(self, url: &Url) -> Result<(), NotAllowed> {
        match url.host() {
            Some(Host::Ipv4(address)) => Err(NotAllowed::BehindProxy(address.into())),
            Some(Host::Ipv6(address)) => Err(NotAllowed::BehindProxy(address.into())),
            Some(Host::Domain(name)) if self == Self::Public && is_localhost(name) => Err(NotAllowed::LocalBehindProxy),
            Some(Host::Domain(_)) | None => Ok(()),
        }
    }

    /// Returns the resolver of the client, which is its only way from a name to an address. The name of the admin's
    /// `proxy` may have a private address.
    pub(super) fn resolver(self, proxy: Option<&str>) -> Guarded {
        Guarded { network: self, proxy: proxy.map(Arc::from), lookup: Arc::new(System) }
    }
}

/// A source of addresses for names.
#[async_trait]
pub(super) trait Lookup: Send + Sync {
    /// Looks up all addresses of a name.
    async fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>>;
}

/// The system's resolver.
struct System;

#[async_trait]
impl Lookup for System {
    async fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        if is_localhost(host) {
            // RFC 6761, section 6.3: a resolver must not be asked.
            return Ok(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]);
        }
        Ok(tokio::net::lookup_host((host, 0)).await?.map(|address| address.ip()).collect())
    }
}

/// A resolver that checks every address. The client connects to the returned addresses without another look-up.
#[derive(Clone)]
pub(super) struct Guarded {
    network: Network,
    /// Host of the admin's proxy.
    proxy: Option<Arc<str>>,
    lookup: Arc<dyn Lookup>,
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let Self { network, proxy, lookup } = self.clone();
        let network = if proxy.is_some_and(|proxy| *proxy == *name.as_str()) { Network::Any } else { network };
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
