//! Which addresses may be connected to, and how names become addresses.
//!
//! Names are resolved once, every address is checked, and only checked ones are connected to: a name that answers
//! differently the second time gains nothing.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// Which addresses may be connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Network {
    /// Only public ones.
    Public,
    /// Private, loopback and link-local ones too.
    Any,
}

/// An address that must not be connected to.
#[derive(Debug, thiserror::Error)]
#[error("address {0} is not public; the ALMTenant's spec.signIn.allowPrivateNetworks would allow it")]
pub struct NotAllowed(IpAddr);

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
        match self {
            Self::Any => Ok(()),
            Self::Public if is_public(address) => Ok(()),
            Self::Public => Err(NotAllowed(address)),
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
}

impl Resolve for Network {
    fn resolve(&self, name: Name) -> Resolving {
        let network = *self;
        Box::pin(async move {
            let host = name.as_str();
            let addresses: Vec<SocketAddr> = if is_localhost(host) {
                // RFC 6761, section 6.3: never asked of a resolver.
                vec![(Ipv4Addr::LOCALHOST, 0).into(), (Ipv6Addr::LOCALHOST, 0).into()]
            } else {
                tokio::net::lookup_host((host, 0)).await?.collect()
            };
            if addresses.is_empty() {
                return Err(NoAddress.into());
            }
            for address in &addresses {
                network.check(address.ip())?;
            }
            let addresses: Addrs = Box::new(addresses.into_iter());
            Ok(addresses)
        })
    }
}

fn is_localhost(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    host == "localhost" || host.ends_with(".localhost")
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => match embedded_v4(v6) {
            Some(v4) => is_public_v4(v4),
            None => is_public_v6(v6),
        },
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let shared = a == 100 && (64..128).contains(&b);
    let reserved = a == 0 || a >= 240 || (a, b, c) == (192, 0, 0) || (a == 198 && (b == 18 || b == 19));
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation()
        || shared
        || reserved)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    // Only global unicast is handed out (2000::/3); documentation lies inside of it.
    let [first, second, ..] = address.segments();
    (first & 0xe000) == 0x2000 && !(first == 0x2001 && second == 0x0db8)
}

/// The IPv4 address inside a mapped, compatible, NAT64 or 6to4 address.
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let segments = address.segments();
    let last = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    match segments {
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => {
            Some(last(high, low))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_are_not_public_are_refused_in_every_notation() {
        for address in [
            "10.0.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "192.168.1.1",
            "172.16.0.1",
            "100.64.0.1",
            "0.0.0.0",
            "255.255.255.255",
            "198.18.0.1",
            "192.0.2.1",
            "224.0.0.1",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "fd00:ec2::254",
            "::ffff:127.0.0.1",
            "::127.0.0.1",
            "64:ff9b::a00:1",
            "2002:7f00:1::",
            "2001:db8::1",
            "ff02::1",
        ] {
            let address: IpAddr = address.parse().expect("an address");
            assert!(Network::Public.check(address).is_err(), "{address}");
            assert!(Network::Any.check(address).is_ok(), "{address}");
        }
    }

    #[test]
    fn public_addresses_are_allowed() {
        for address in ["8.8.8.8", "155.56.1.1", "2a00:1450:4001::1", "64:ff9b::808:808"] {
            assert!(Network::Public.check(address.parse().expect("an address")).is_ok(), "{address}");
        }
    }

    #[test]
    fn a_literal_address_is_checked_although_no_resolver_runs_for_it() {
        for url in ["https://127.0.0.1/", "https://[::1]/", "https://0x7f.1/", "https://2130706433/"] {
            assert!(Network::Public.check_literal(&Url::parse(url).expect("a URL")).is_err(), "{url}");
        }
    }

    #[tokio::test]
    async fn names_below_localhost_are_loopback_and_so_refused_unless_allowed() {
        let name = || "a.b.localhost".parse::<Name>().expect("a name");
        assert!(Network::Public.resolve(name()).await.is_err());
        let addresses: Vec<_> = Network::Any.resolve(name()).await.expect("allowed").collect();
        assert!(addresses.iter().all(|address| address.ip().is_loopback()) && !addresses.is_empty());
    }
}
