//! Classification of addresses by IANA's special-purpose registries for IPv4 and IPv6.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The reachability of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// Globally reachable.
    Public,
    /// Private networks and loopback.
    Private,
    /// Never a token endpoint: link-local, multicast, unspecified and reserved addresses, and the metadata services of
    /// clouds, which serve a machine's own credentials.
    Forbidden,
}

/// Metadata services outside the link-local range: Azure (wire server), Alibaba Cloud, Oracle Cloud (first generation).
const METADATA_V4: [Ipv4Addr; 3] =
    [Ipv4Addr::new(168, 63, 129, 16), Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(192, 0, 0, 192)];
/// Metadata services over IPv6: Google Cloud, Oracle Cloud, Scaleway. AWS has a range of its own, see [`reach_v6`].
const METADATA_V6: [Ipv6Addr; 3] = [
    Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),
    Ipv6Addr::new(0xfd00, 0xc1, 0, 0, 0, 0, 0xa9fe, 0xa9fe),
    Ipv6Addr::new(0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42),
];

/// Classifies `address`. An IPv6 address that embeds an IPv4 address is classified as the latter.
pub(super) fn reach(address: IpAddr) -> Reach {
    match address {
        IpAddr::V4(v4) => reach_v4(v4),
        IpAddr::V6(v6) if METADATA_V6.contains(&v6) => Reach::Forbidden,
        // `::1` has the form of an IPv4-compatible address, but embeds none.
        IpAddr::V6(Ipv6Addr::LOCALHOST) => Reach::Private,
        IpAddr::V6(v6) => match embedded_v4(v6) {
            Some(v4) => reach_v4(v4),
            None => reach_v6(v6),
        },
    }
}

fn reach_v4(address: Ipv4Addr) -> Reach {
    let [a, b, c, _] = address.octets();
    let this_network = a == 0;
    let reserved =
        a >= 240 || (a, b, c) == (192, 0, 0) || (a, b, c) == (192, 88, 99) || (a == 198 && (b == 18 || b == 19));
    let is_forbidden = METADATA_V4.contains(&address)
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation()
        || this_network
        || reserved;
    let shared = a == 100 && (64..128).contains(&b);
    if is_forbidden {
        Reach::Forbidden
    } else if address.is_private() || address.is_loopback() || shared {
        Reach::Private
    } else {
        Reach::Public
    }
}

fn reach_v6(address: Ipv6Addr) -> Reach {
    let [first, second, ..] = address.segments();
    // AWS: instance metadata, time, and the pod identity agent.
    let aws_services = first == 0xfd00 && second == 0x0ec2;
    let unique_local = (first & 0xfe00) == 0xfc00;
    // Only global unicast (2000::/3) is assigned. It contains the ranges for protocols (2001::/23, with Teredo, which
    // embeds an IPv4 address) and for documentation.
    let global = (first & 0xe000) == 0x2000;
    let protocols = first == 0x2001 && second < 0x0200;
    let documentation = (first == 0x2001 && second == 0x0db8) || (first == 0x3fff && second < 0x1000);
    if aws_services {
        Reach::Forbidden
    } else if unique_local {
        Reach::Private
    } else if global && !protocols && !documentation {
        Reach::Public
    } else {
        Reach::Forbidden
    }
}

/// Returns the IPv4 address inside a mapped, compatible, NAT64 or 6to4 address. A network-specific NAT64 prefix (RFC
/// 8215) may place it elsewhere (RFC 6052): only addresses with the IPv4 address at the end are decoded, and all others
/// are forbidden.
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let segments = address.segments();
    let ipv4 = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    match segments {
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x64, 0xff9b, 1, _, 0, 0, high, low]
        | [0x2002, high, low, ..] => Some(ipv4(high, low)),
        _ => None,
    }
}
