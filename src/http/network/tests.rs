//! Tests of the guard against private addresses, metadata services and DNS rebinding.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;

use reqwest::Method;
use tokio::net::TcpListener;

use super::*;
use crate::http::client;
use crate::http::egress::Route;

fn parsed(address: &str) -> IpAddr {
    address.parse().unwrap_or_else(|_| panic!("invalid address {address}"))
}

#[test]
fn private_addresses_are_refused_in_every_notation_unless_permitted() {
    for address in [
        "10.0.0.1",
        "127.0.0.1",
        "192.168.1.1",
        "172.16.0.1",
        "100.64.0.1",
        "::1",
        "fc00::1",
        "fd12:3456::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::127.0.0.1",
        "64:ff9b::a00:1",
        "64:ff9b:1::a00:1",
        "64:ff9b:1:fffe::a00:1",
        "2002:7f00:1::",
    ] {
        let refused = Network::Public.check(parsed(address));
        assert!(matches!(refused, Err(NotAllowed::Private(_))), "{address}: {refused:?}");
        assert!(Network::Any.check(parsed(address)).is_ok(), "{address}");
    }
}

#[test]
fn metadata_services_and_reserved_addresses_are_always_refused() {
    for address in [
        // Metadata services of clouds, as IPv4, IPv6, and IPv4 embedded in IPv6.
        "169.254.169.254",
        "169.254.170.2",
        "168.63.129.16",
        "100.100.100.200",
        "192.0.0.192",
        "fd00:ec2::254",
        "fd00:ec2::23",
        "fd20:ce::254",
        "fd00:c1::a9fe:a9fe",
        "fd00:42::42",
        "::ffff:169.254.169.254",
        "::ffff:0:169.254.169.254",
        "::169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::a9fe:a9fe",
        // A network-specific NAT64 prefix may be shorter, so that the IPv4 address is not at the end.
        "64:ff9b:1:a9fe:a9:fe00:808:808",
        "64:ff9b:1:a9:fe:a9fe:808:808",
        "2002:a9fe:a9fe::",
        // This host, link-local, multicast, reserved.
        "0.0.0.0",
        "0.1.2.3",
        "::",
        "::ffff:0.0.0.0",
        "fe80::1",
        "fec0::1",
        "ff02::1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "198.18.0.1",
        "192.0.2.1",
        "192.88.99.1",
        "2001:db8::1",
        "3fff::1",
        "2001::1",
        "2001:0:a9fe:a9fe::1",
        "5f00::1",
        "100::1",
    ] {
        for network in [Network::Public, Network::Any] {
            let refused = network.check(parsed(address));
            assert!(matches!(refused, Err(NotAllowed::Never(_))), "{address} with {network:?}: {refused:?}");
        }
    }
}

#[test]
fn public_addresses_are_permitted() {
    for address in ["8.8.8.8", "155.56.1.1", "2a00:1450:4001::1", "2001:4860:4860::8888", "64:ff9b::808:808"] {
        assert!(Network::Public.check(parsed(address)).is_ok(), "{address}");
    }
}

#[test]
fn literal_addresses_are_checked_in_every_notation() {
    for (url, network) in [
        ("https://127.0.0.1/", Network::Public),
        ("https://[::1]/", Network::Public),
        ("https://0x7f.1/", Network::Public),
        ("https://0177.0.0.1/", Network::Public),
        ("https://2130706433/", Network::Public),
        ("https://127.1/", Network::Public),
        ("https://127.0.0.1./", Network::Public),
        ("https://[::ffff:10.0.0.1]/", Network::Public),
        ("https://\u{ff11}\u{ff12}\u{ff17}.0.0.1/", Network::Public),
        ("https://169.254.169.254/", Network::Any),
        ("https://0xa9fea9fe/", Network::Any),
        ("https://2852039166/", Network::Any),
        ("https://0251.0376.0251.0376/", Network::Any),
        ("https://[::ffff:a9fe:a9fe]/", Network::Any),
        ("https://[fd00:ec2::254]/", Network::Any),
        ("https://0/", Network::Any),
    ] {
        let parsed = Url::parse(url).expect("a URL");
        assert!(network.check_literal(&parsed).is_err(), "{url} with {network:?}");
    }
}

#[tokio::test]
async fn names_below_localhost_are_loopback_and_refused_unless_permitted() {
    let name = || "a.b.localhost".parse::<Name>().expect("a name");
    assert!(Network::Public.resolver(None).resolve(name()).await.is_err());
    let addresses: Vec<_> = Network::Any.resolver(None).resolve(name()).await.expect("permitted").collect();
    assert!(addresses.iter().all(|address| address.ip().is_loopback()) && !addresses.is_empty());
}

#[tokio::test]
async fn only_the_admins_own_proxy_may_be_private_without_a_permission_of_the_tenant() {
    let resolver = Network::Public.resolver(Some("proxy.localhost"));
    let is_permitted = async |name: &str| resolver.resolve(name.parse().expect("a name")).await.is_ok();
    assert!(is_permitted("proxy.localhost").await);
    for other in ["a.proxy.localhost", "localhost", "other.localhost"] {
        assert!(!is_permitted(other).await, "{other}");
    }
    let lookup = Arc::new(Rebinding::default());
    lookup.answers.lock().expect("not poisoned").push_back(vec![parsed("169.254.169.254")]);
    let resolver = Guarded { network: Network::Public, proxy: Some("proxy.example".into()), lookup };
    let error = resolver.resolve("proxy.example".parse().expect("a name")).await.err().expect("forbidden");
    assert!(error.to_string().contains("is never connected to"), "{error}");
}

#[test]
fn no_literal_address_in_any_notation_is_named_to_a_proxy() {
    for url in [
        "https://8.8.8.8/",
        "https://10.0.0.1:8443/",
        "https://[2001:4860:4860::8888]/",
        "https://[::ffff:a9fe:a9fe]/",
        "https://0x7f.1/",
        "https://0251.0376.0251.0376/",
        "https://2130706433/",
        "https://127.0.0.1./",
        "https://\u{ff11}\u{ff12}\u{ff17}.0.0.1/",
    ] {
        let parsed = Url::parse(url).expect("a URL");
        for network in [Network::Public, Network::Any] {
            let refused = network.check_name(&parsed);
            assert!(matches!(refused, Err(NotAllowed::BehindProxy(_))), "{url} with {network:?}: {refused:?}");
        }
    }
}

#[test]
fn a_name_for_the_proxy_itself_needs_the_permission_of_the_tenant() {
    for (url, is_public) in [
        ("https://localhost/", false),
        ("https://a.LOCALHOST./", false),
        ("https://localhost.example/", true),
        ("https://acme.authentication.eu10.hana.ondemand.com/", true),
    ] {
        let parsed = Url::parse(url).expect("a URL");
        assert_eq!(Network::Public.check_name(&parsed).is_ok(), is_public, "{url}");
        assert!(Network::Any.check_name(&parsed).is_ok(), "{url}");
    }
}

/// An attacker's DNS server, which answers differently each time.
#[derive(Default)]
struct Rebinding {
    answers: Mutex<VecDeque<Vec<IpAddr>>>,
}

#[async_trait]
impl Lookup for Rebinding {
    async fn addresses(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        let next = self.answers.lock().expect("not poisoned").pop_front();
        Ok(next.expect("one look-up per connection"))
    }
}

/// Sends one request per DNS answer and returns the errors.
async fn request_errors(network: Network, port: u16, answers: &[&[&str]]) -> Vec<String> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let rebinding = Arc::new(Rebinding::default());
    let all = answers.iter().map(|answer| answer.iter().map(|address| parsed(address)).collect());
    rebinding.answers.lock().expect("not poisoned").extend(all);
    let resolver = Guarded { network, proxy: None, lookup: rebinding.clone() };
    let client = client::build_client_with(network, resolver, &Route::DIRECT, None, Duration::from_secs(5));
    let client = client.expect("a client");
    let mut failures = Vec::new();
    for _ in answers {
        let url = Url::parse(&format!("https://rebind.example:{port}/oauth/token")).expect("a URL");
        let request = client.request(Method::POST, url).body("client_secret=CANARY");
        failures.push(client.send(request).await.map(|_| ()).expect_err("the server does not speak TLS").message);
    }
    assert!(rebinding.answers.lock().expect("not poisoned").is_empty(), "every DNS answer was used");
    failures
}

/// Starts a local server that counts connections and closes them.
async fn counting_server() -> (u16, Arc<Mutex<usize>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let connections = Arc::new(Mutex::new(0));
    let counter = Arc::clone(&connections);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            *counter.lock().expect("not poisoned") += 1;
            drop(stream);
        }
    });
    (port, connections)
}

#[tokio::test]
async fn the_checked_address_is_the_one_connected_to_and_every_answer_is_checked() {
    let (port, connections) = counting_server().await;
    let failures = request_errors(Network::Any, port, &[&["127.0.0.1"], &["169.254.169.254"], &["127.0.0.1"]]).await;
    assert_eq!(*connections.lock().expect("not poisoned"), 2, "only the first and third request connect: {failures:?}");
    assert!(failures[1].contains("address 169.254.169.254 is never connected to"), "{failures:?}");
}

#[tokio::test]
async fn one_forbidden_address_among_permitted_ones_refuses_the_name() {
    let (port, connections) = counting_server().await;
    for answer in [["127.0.0.1", "169.254.169.254"], ["fd00:ec2::254", "127.0.0.1"]] {
        let failures = request_errors(Network::Any, port, &[&answer]).await;
        assert!(failures[0].contains("is never connected to"), "{failures:?}");
    }
    let failures = request_errors(Network::Public, port, &[&["8.8.8.8", "127.0.0.1"]]).await;
    assert!(failures[0].contains("address 127.0.0.1 is not public"), "{failures:?}");
    assert_eq!(*connections.lock().expect("not poisoned"), 0);
}

#[tokio::test]
async fn a_name_without_an_address_is_an_error() {
    let (port, connections) = counting_server().await;
    let failures = request_errors(Network::Any, port, &[&[]]).await;
    assert!(failures[0].contains("the name has no address"), "{failures:?}");
    assert_eq!(*connections.lock().expect("not poisoned"), 0);
}
