//! The guards of hosts and of addresses. Input: a pattern of an `ALMTenant` and a URL of a key, separated by 0xff. The
//! first 4 and the first 16 bytes are read as addresses, too.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

use alm_key_operator::domain::policy::{HostList, KeyRules};
use alm_key_operator::domain::service_key::ServiceKey;
use alm_key_operator::http::network::Network;
use serde_json::json;
use url::{Host, Url};

use super::input::{parts, text};
use super::service_key;

/// Ranges that no service has: those of the IANA's special-purpose registries, also former ones, and the addresses at
/// which clouds give a machine its own credentials.
const NEVER: &[&str] = &[
    "0.0.0.0/8",
    "168.63.129.16/32",
    "100.100.100.200/32",
    "169.254.0.0/16",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
    "::/128",
    "100::/64",
    "2001::/23",
    "2001:db8::/32",
    "3fff::/20",
    "5f00::/16",
    "fd00:42::42/128",
    "fd00:c1::a9fe:a9fe/128",
    "fd00:ec2::/32",
    "fd20:ce::254/128",
    "fe80::/10",
    "fec0::/10",
    "ff00::/8",
];
/// Private networks, and this machine.
const PRIVATE: &[&str] =
    &["10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7"];
/// Ranges of IPv6 that are assigned.
const ASSIGNED: &[&str] = &["2000::/3"];
/// Range for the NAT64 of a network. Only the network knows the length of its prefix: with one that is shorter than 96 bits
/// the IPv4 address is further up, around the bits 64 to 96 (RFC 6052).
const OWN_NAT64: &str = "64:ff9b:1::/48";
/// Ranges of IPv6 addresses that embed an IPv4 address, with the number of bits behind it: compatible, mapped, translated,
/// NAT64, 6to4.
const EMBEDDING: &[(&str, u32)] = &[
    ("::/96", 0),
    ("::ffff:0:0/96", 0),
    ("::ffff:0:0:0/96", 0),
    ("64:ff9b::/96", 0),
    (OWN_NAT64, 0),
    ("2002::/16", 80),
];

/// Checks that a key is used only at hosts that match the pattern: at exactly that host, or below the wildcard's domain, and
/// at exactly that port. It is never used at an address that is not listed as one, and never with user information.
pub fn check(bytes: &[u8]) {
    let mut parts = parts(bytes);
    let (pattern, url) = (text(parts.next()), text(parts.next()));
    check_addresses(bytes, &url);
    let is_admitted = is_admitted_by_the_crd(&pattern);
    for (list, labels) in [
        (HostList::new(vec![pattern.clone()]), Labels::One),
        (HostList::domains(vec![pattern.clone()]), Labels::OneOrMore),
    ] {
        if let Ok(parsed) = Url::parse(&url)
            && list.allows(&parsed)
            && is_admitted
        {
            assert_matches(&pattern, &parsed, labels);
        }
    }
    if !is_admitted {
        return;
    }
    let rules = KeyRules {
        token_hosts: Some(HostList::new(vec![pattern.clone()])),
        endpoint_hosts: Some(HostList::domains(vec![pattern.clone()])),
        accepted_services: Some(Vec::new()),
        ..service_key::rules()
    };
    let key = json!({
        "endpoints": { "Api": url },
        "uaa": {
            "clientid": "sb-acme", "clientsecret": "CANARY", "url": url,
            "identityzone": "acme-calm", "credential-type": "instance-secret",
        },
    });
    match ServiceKey::parse(key.to_string().as_bytes(), &rules) {
        Ok(key) => {
            let url = key.url();
            assert_eq!(url.scheme(), "https");
            assert!(url.username().is_empty() && url.password().is_none(), "{url}");
            assert_matches(&pattern, url, Labels::One);
        }
        Err(findings) => service_key::check_findings(&findings),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Labels {
    One,
    OneOrMore,
}

/// Compares the labels of host and pattern from the right. The wildcard must not stand for more labels than allowed.
fn assert_matches(pattern: &str, url: &Url, wildcard: Labels) {
    let pattern = pattern.to_ascii_lowercase();
    let (name, port) = pattern.split_once(':').unwrap_or((&pattern, "443"));
    assert_eq!(url.port_or_known_default().map(|port| port.to_string()).as_deref(), Some(port.trim_start_matches('0')));
    let host = url.host_str().expect("a host");
    let Some(domain) = name.strip_prefix("*.") else {
        return assert_eq!(host, name);
    };
    assert!(matches!(url.host(), Some(Host::Domain(_))), "{host} is an address");
    let (mut wanted, mut labels) = (domain.rsplit('.'), host.rsplit('.'));
    assert!(wanted.all(|label| labels.next() == Some(label)), "{host} is not below {domain}");
    let rest: Vec<_> = labels.collect();
    assert!(rest.iter().all(|label| !label.is_empty()), "{host}");
    assert!(rest.len() == 1 || (wildcard == Labels::OneOrMore && rest.len() > 1), "{host} for {name}");
}

/// Returns true if the CRD accepts the pattern. Written independently of the rule in the CRD: labels of letters, digits and
/// inner hyphens.
fn is_admitted_by_the_crd(pattern: &str) -> bool {
    let (name, port) = match pattern.split_once(':') {
        Some((name, port)) => (name, Some(port)),
        None => (pattern, None),
    };
    let is_label = |label: &str| {
        let inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        !label.is_empty() && label.bytes().all(inner) && !label.starts_with('-') && !label.ends_with('-')
    };
    let is_port = |port: &str| {
        let digits = port.len() <= 5 && port.bytes().all(|byte| byte.is_ascii_digit());
        digits && port.parse::<u32>().is_ok_and(|port| (1..=65535).contains(&port))
    };
    let labels = name.strip_prefix("*.").unwrap_or(name);
    pattern.len() <= 259 && labels.split('.').all(is_label) && port.is_none_or(is_port)
}

/// Checks the guard with the addresses of a resolver, those embedded in IPv6 included, and with an address as the host of
/// a URL.
fn check_addresses(bytes: &[u8], url: &str) {
    let v4 = bytes.first_chunk().map(|bytes: &[u8; 4]| Ipv4Addr::from(*bytes));
    let v6 = bytes.first_chunk().map(|bytes: &[u8; 16]| Ipv6Addr::from(*bytes));
    let embedded = v4.into_iter().flat_map(|v4| {
        RANGES.embedding.iter().map(move |(range, behind)| range.start | (u128::from(v4.to_bits()) << behind))
    });
    let v6 = v6.into_iter().chain(embedded.map(Ipv6Addr::from_bits));
    for address in v4.into_iter().map(IpAddr::from).chain(v6.map(IpAddr::from)) {
        check_address(address, |network| network.check(address).is_ok());
    }
    if let Ok(parsed) = Url::parse(url)
        && let Some(Host::Ipv4(_) | Host::Ipv6(_)) = parsed.host()
    {
        let address = parsed.host_str().expect("a host").trim_matches(['[', ']']).parse().expect("an address");
        check_address(address, |network| network.check_literal(&parsed).is_ok());
        let is_named_to_a_proxy = [Network::Public, Network::Any].map(|network| network.check_name(&parsed).is_ok());
        assert_eq!(is_named_to_a_proxy, [false; 2], "{address} is never named to a proxy");
    }
}

/// Checks one address. An address that passes as public is assigned, and neither it nor an embedded IPv4 address is in a
/// reserved or private range. An address that passes where private networks are allowed is in no reserved range.
fn check_address(address: IpAddr, allows: impl Fn(Network) -> bool) {
    let is_in = |ranges: &[Range]| ranges.iter().any(|range| range.contains(address));
    let inner = embedded_v4(address);
    let inner_is_in = |ranges: &[Range]| inner.iter().any(|inner| ranges.iter().any(|range| range.contains(*inner)));
    let Ranges { never, private, assigned, own_nat64, .. } = &*RANGES;
    if allows(Network::Any) {
        assert!(!is_in(never) && !inner_is_in(never), "{address} is never connected to");
        let may_embed_another = own_nat64.contains(address) && (bits(address) >> 32) & u128::from(u32::MAX) != 0;
        assert!(!may_embed_another, "{address} may embed an address further up");
    }
    if allows(Network::Public) {
        assert!(allows(Network::Any), "{address} is allowed where private addresses are not, and not where they are");
        assert!(!is_in(private) && !inner_is_in(private), "{address} is private");
        assert!(address.is_ipv4() || !inner.is_empty() || is_in(assigned), "{address} is not assigned");
    }
}

/// Returns the IPv4 addresses embedded in an address.
fn embedded_v4(address: IpAddr) -> Vec<IpAddr> {
    match address {
        // `::1` has the form of an embedding address, and is this machine.
        IpAddr::V4(_) | IpAddr::V6(Ipv6Addr::LOCALHOST) => Vec::new(),
        IpAddr::V6(v6) => {
            let ranges = RANGES.embedding.iter().filter(|(range, _)| range.contains(address));
            let inner = ranges.map(|(_, behind)| (v6.to_bits() >> behind) & u128::from(u32::MAX));
            inner.map(|bits| Ipv4Addr::from_bits(u32::try_from(bits).expect("32 bits")).into()).collect()
        }
    }
}

/// All ranges, parsed once.
static RANGES: LazyLock<Ranges> = LazyLock::new(|| {
    let parse = |texts: &[&str]| texts.iter().map(|text| Range::parse(text)).collect();
    let embedding = EMBEDDING.iter().map(|(text, behind)| (Range::parse(text), *behind)).collect();
    let own_nat64 = Range::parse(OWN_NAT64);
    Ranges { never: parse(NEVER), private: parse(PRIVATE), assigned: parse(ASSIGNED), own_nat64, embedding }
});

struct Ranges {
    never: Vec<Range>,
    private: Vec<Range>,
    assigned: Vec<Range>,
    own_nat64: Range,
    embedding: Vec<(Range, u32)>,
}

/// A range of addresses that share their first bits.
struct Range {
    is_v4: bool,
    start: u128,
    /// Number of bits that vary within the range.
    free: u32,
}

impl Range {
    fn parse(text: &str) -> Self {
        let (start, fixed) = text.split_once('/').expect("a range");
        let (start, fixed): (IpAddr, u32) = (start.parse().expect("an address"), fixed.parse().expect("a length"));
        let length = if start.is_ipv4() { 32 } else { 128 };
        Self { is_v4: start.is_ipv4(), start: bits(start), free: length - fixed }
    }

    fn contains(&self, address: IpAddr) -> bool {
        self.is_v4 == address.is_ipv4() && bits(address) >> self.free == self.start >> self.free
    }
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => v4.to_bits().into(),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}
