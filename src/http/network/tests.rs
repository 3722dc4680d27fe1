//! Which addresses are connected to, whoever answers for a name and however often.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;

use tokio::net::TcpListener;

use super::*;
use crate::http::client;

fn parsed(address: &str) -> IpAddr {
    address.parse().unwrap_or_else(|_| panic!("{address} is an address"))
}

#[test]
fn private_addresses_are_refused_in_every_notation_unless_the_tenant_allows_them() {
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
fn metadata_services_and_what_is_nobodys_service_are_refused_whatever_the_tenant_allows() {
    for address in [
        // Clouds' metadata services, as they are and inside of IPv6.
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
        // A network's own NAT64, whose prefix may be shorter: the IPv4 address stands further up.
        "64:ff9b:1:a9fe:a9:fe00:808:808",
        "64:ff9b:1:a9:fe:a9fe:808:808",
        "2002:a9fe:a9fe::",
        // What the system takes for this machine, link-local, multicast, reserved.
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
fn public_addresses_are_allowed() {
    for address in ["8.8.8.8", "155.56.1.1", "2a00:1450:4001::1", "2001:4860:4860::8888", "64:ff9b::808:808"] {
        assert!(Network::Public.check(parsed(address)).is_ok(), "{address}");
    }
}

#[test]
fn a_literal_address_is_checked_although_no_resolver_runs_for_it_and_in_every_form_that_is_read_as_one() {
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
async fn names_below_localhost_are_loopback_and_so_refused_unless_allowed() {
    let name = || "a.b.localhost".parse::<Name>().expect("a name");
    assert!(Network::Public.resolver().resolve(name()).await.is_err());
    let addresses: Vec<_> = Network::Any.resolver().resolve(name()).await.expect("allowed").collect();
    assert!(addresses.iter().all(|address| address.ip().is_loopback()) && !addresses.is_empty());
}

/// DNS in the hands of an attacker: another answer each time.
#[derive(Default)]
struct Rebinding {
    answers: Mutex<VecDeque<Vec<IpAddr>>>,
}

#[async_trait]
impl Lookup for Rebinding {
    async fn addresses(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        let next = self.answers.lock().expect("no panic holds it").pop_front();
        Ok(next.expect("a name is asked for once for each connection"))
    }
}

/// Sends one request to a name that `answers`, each answer given once. Why it failed.
async fn connected(network: Network, port: u16, answers: &[&[&str]]) -> Vec<String> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let rebinding = Arc::new(Rebinding::default());
    let all = answers.iter().map(|answer| answer.iter().map(|address| parsed(address)).collect());
    rebinding.answers.lock().expect("no panic holds it").extend(all);
    let resolver = Guarded { network, lookup: rebinding.clone() };
    let client = client::build_client_with(resolver, None, Duration::from_secs(5)).expect("a client");
    let mut failures = Vec::new();
    for _ in answers {
        let request = client.post(format!("https://rebind.example:{port}/oauth/token")).body("client_secret=CANARY");
        failures.push(client::send(request).await.map(|_| ()).expect_err("nobody answers in TLS there").message);
    }
    assert!(rebinding.answers.lock().expect("no panic holds it").is_empty(), "each answer was asked for");
    failures
}

/// A place on this machine that counts who connects, and answers nothing.
async fn place() -> (u16, Arc<Mutex<usize>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let visits = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&visits);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            *counted.lock().expect("no panic holds it") += 1;
            drop(stream);
        }
    });
    (port, visits)
}

#[tokio::test]
async fn the_address_that_was_checked_is_the_one_that_is_connected_to_and_a_second_answer_is_checked_as_the_first() {
    let (port, visits) = place().await;
    let failures = connected(Network::Any, port, &[&["127.0.0.1"], &["169.254.169.254"], &["127.0.0.1"]]).await;
    assert_eq!(*visits.lock().expect("no panic holds it"), 2, "the first and the third: {failures:?}");
    assert!(failures[1].contains("address 169.254.169.254 is never connected to"), "{failures:?}");
}

#[tokio::test]
async fn one_bad_address_among_good_ones_refuses_the_name() {
    let (port, visits) = place().await;
    for answer in [["127.0.0.1", "169.254.169.254"], ["fd00:ec2::254", "127.0.0.1"]] {
        let failures = connected(Network::Any, port, &[&answer]).await;
        assert!(failures[0].contains("is never connected to"), "{failures:?}");
    }
    let failures = connected(Network::Public, port, &[&["8.8.8.8", "127.0.0.1"]]).await;
    assert!(failures[0].contains("address 127.0.0.1 is not public"), "{failures:?}");
    assert_eq!(*visits.lock().expect("no panic holds it"), 0);
}

#[tokio::test]
async fn a_name_without_an_address_is_an_answer_and_no_panic() {
    let (port, visits) = place().await;
    let failures = connected(Network::Any, port, &[&[]]).await;
    assert!(failures[0].contains("the name has no address"), "{failures:?}");
    assert_eq!(*visits.lock().expect("no panic holds it"), 0);
}
