//! What an address is good for (IANA's special-purpose registries of IPv4 and IPv6).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// How far an address reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// The whole world.
    Public,
    /// Networks of one's own, and this machine.
    Private,
    /// Nothing that could be a token endpoint: link-local, multicast, unspecified, reserved, and where a cloud tells a
    /// machine its own credentials.
    Nowhere,
}

/// Where clouds serve credentials outside the link-local range: Azure's wire server, Alibaba Cloud, Oracle Cloud (its
/// first generation); and by IPv6 Google Cloud, Oracle Cloud, Scaleway. AWS has a range of its own.
const METADATA_V4: [Ipv4Addr; 3] =
    [Ipv4Addr::new(168, 63, 129, 16), Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(192, 0, 0, 192)];
const METADATA_V6: [Ipv6Addr; 3] = [
    Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),
    Ipv6Addr::new(0xfd00, 0xc1, 0, 0, 0, 0, 0xa9fe, 0xa9fe),
    Ipv6Addr::new(0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42),
];

/// How far `address` reaches. One that holds an IPv4 address reaches as far as that.
pub(super) fn reach(address: IpAddr) -> Reach {
    match address {
        IpAddr::V4(v4) => reach_v4(v4),
        IpAddr::V6(v6) if METADATA_V6.contains(&v6) => Reach::Nowhere,
        // Two of the compatible form are no IPv4 addresses at all.
        IpAddr::V6(Ipv6Addr::LOCALHOST) => Reach::Private,
        IpAddr::V6(v6) => match embedded_v4(v6) {
            Some(v4) => reach_v4(v4),
            None => reach_v6(v6),
        },
    }
}

fn reach_v4(address: Ipv4Addr) -> Reach {
    let [a, b, c, _] = address.octets();
    let of_this_network = a == 0;
    let reserved =
        a >= 240 || (a, b, c) == (192, 0, 0) || (a, b, c) == (192, 88, 99) || (a == 198 && (b == 18 || b == 19));
    let is_nowhere = METADATA_V4.contains(&address)
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation()
        || of_this_network
        || reserved;
    let shared = a == 100 && (64..128).contains(&b);
    if is_nowhere {
        Reach::Nowhere
    } else if address.is_private() || address.is_loopback() || shared {
        Reach::Private
    } else {
        Reach::Public
    }
}

fn reach_v6(address: Ipv6Addr) -> Reach {
    let [first, second, ..] = address.segments();
    // Instance metadata, time and the agent that hands out pod identities.
    let of_aws = first == 0xfd00 && second == 0x0ec2;
    let unique_local = (first & 0xfe00) == 0xfc00;
    // Only global unicast is handed out (2000::/3). Inside of it lie what the IETF keeps for protocols (2001::/23, with
    // Teredo, which holds an IPv4 address) and documentation.
    let global = (first & 0xe000) == 0x2000;
    let protocols = first == 0x2001 && second < 0x0200;
    let documentation = (first == 0x2001 && second == 0x0db8) || (first == 0x3fff && second < 0x1000);
    if of_aws {
        Reach::Nowhere
    } else if unique_local {
        Reach::Private
    } else if global && !protocols && !documentation {
        Reach::Public
    } else {
        Reach::Nowhere
    }
}

/// The IPv4 address inside a mapped, compatible, NAT64 or 6to4 address. A network's own NAT64 (RFC 8215) may have it further
/// up (RFC 6052): it is taken from the end where nothing could stand further up, and the rest reaches nowhere.
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let segments = address.segments();
    let last = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    match segments {
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x64, 0xff9b, 1, _, 0, 0, high, low]
        | [0x2002, high, low, ..] => Some(last(high, low)),
        _ => None,
    }
}
