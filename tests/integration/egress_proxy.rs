//! The client behind a proxy of the admin's, and `almkey test` with its flags: a real `CONNECT` proxy in front of the
//! simulator. The proxy connects every name and port to the simulator, so that only it can reach port [`NOWHERE`].

use std::net::SocketAddr;
use std::path::Path;
use std::process::Output;

use alm_key_operator::domain::plan::Verdict;
use alm_key_operator::domain::policy::{HostList, KeyRules};
use alm_key_operator::domain::retry::Retry;
use alm_key_operator::domain::service_key::ServiceKey;
use alm_key_operator::executor::ports::SignIn;
use alm_key_operator::http::client;
use alm_key_operator::http::egress::{Egress, ProxyUrl};
use alm_key_operator::http::network::Network;
use alm_key_operator::sign_in::TokenEndpoint;
use reqwest::Method;
use serde_json::{Value, json};

use testkit::bed::WAIT_LIMIT;
use testkit::bed::operator::program;
use testkit::bed::simulator::Simulator;
use testkit::connect_proxy::ConnectProxy;
use testkit::secret_scan;

const ZONE: &str = "behind";
/// A port on which no process of the tests listens.
const NOWHERE: u16 = 9;
/// Variables that name a proxy of the environment.
const VARIABLES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
/// Credentials for the proxy. The password is searched for in all that is printed.
const CREDENTIALS: &str = "user:CANARY:word";

/// A simulator behind a proxy.
struct Fixture {
    simulator: Simulator,
    proxy: ConnectProxy,
    key: Value,
    folder: tempfile::TempDir,
}

impl Fixture {
    async fn start() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().expect("a folder");
        let simulator = Simulator::start(folder.path());
        simulator.admin(Method::POST, "/tenants", Some(json!({ "identityZone": ZONE }))).await;
        let mut key = simulator.admin(Method::POST, &format!("/tenants/{ZONE}/keys"), Some(json!({}))).await;
        key["uaa"]["url"] = json!(format!("https://{ZONE}.authentication.localhost:{NOWHERE}"));
        let proxy = ConnectProxy::start(SocketAddr::from(([127, 0, 0, 1], simulator.port))).await;
        Self { simulator, proxy, key, folder }
    }

    /// Writes a file into the fixture's folder and returns its path.
    fn write(&self, name: &str, content: &str) -> String {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).expect("a file");
        path.display().to_string()
    }

    fn egress(&self, credentials: Option<&str>, exempt: &[&str]) -> Egress {
        Egress::Proxy {
            url: ProxyUrl::parse(&self.proxy.url()).expect("a proxy"),
            credentials: credentials.map(|path| Path::new(path).to_owned()),
            exempt: HostList::domains(exempt.iter().map(ToString::to_string).collect()),
        }
    }

    /// Signs in with the key at another URL.
    async fn sign_in_at(&self, egress: &Egress, network: Network, url: &str) -> Verdict {
        let mut document = self.key.clone();
        document["uaa"]["url"] = json!(url);
        let host = url.trim_start_matches("https://").to_owned();
        let rules = KeyRules {
            identity_zone: Some(ZONE.into()),
            accepted_credential_types: vec!["instance-secret".into()],
            token_hosts: Some(HostList::new(vec![host])),
            endpoint_hosts: None,
            accepted_services: None,
        };
        let key = ServiceKey::parse(document.to_string().as_bytes(), &rules).expect("a valid key");
        let route = egress.route().expect("a route");
        let client = client::build_client(network, &route, Some(&self.simulator.ca), WAIT_LIMIT).expect("a client");
        TokenEndpoint::new(client).sign_in(&key).await
    }

    async fn sign_in(&self, egress: &Egress) -> Verdict {
        let url = self.key["uaa"]["url"].as_str().expect("a URL");
        self.sign_in_at(egress, Network::Any, url).await
    }

    /// Runs `almkey test` with further options and variables. Fails if it prints key material or the proxy's password.
    fn test(&self, options: &[&str], environment: &[(&str, &str)]) -> Output {
        let file = self.write("key.json", &self.key.to_string());
        let mut command = program("almkey");
        let output = command
            .args(["test", "--allow-private-networks", "--ca-bundle"])
            .arg(&self.simulator.ca_file)
            .args(["--allow-host", &format!("*.authentication.localhost:{NOWHERE}")])
            .args(options)
            .arg(file)
            .envs(environment.iter().copied())
            .output()
            .expect("almkey can be started");
        let printed = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
        secret_scan::scan_output(&format!("{options:?}"), &printed);
        output
    }

    async fn sign_ins(&self) -> usize {
        let journal = self.simulator.journal(ZONE, 0, std::time::Duration::ZERO).await;
        journal.iter().filter(|call| call["kind"] == "SignIn").count()
    }
}

fn connect(host: &str) -> String {
    format!("CONNECT {host} HTTP/1.1")
}

fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Runtime::new().expect("a runtime").block_on(test);
}

/// Returns the message of a verdict that says nothing about the key.
fn unknown(verdict: Verdict, retry: Retry) -> String {
    match verdict {
        Verdict::Unknown { message, retry: found } if found == retry => message,
        other => panic!("not unknown with {retry:?}: {other:?}"),
    }
}

#[test]
fn a_failure_at_the_proxy_leaves_the_key_unknown_and_names_proxy_and_remedy() {
    run(async {
        let fixture = Fixture::start().await;
        let (proxy, url) = (&fixture.proxy, fixture.proxy.url());
        let file = fixture.write("credentials", CREDENTIALS);
        let (without, with) = (fixture.egress(None, &[]), fixture.egress(Some(&file), &[]));
        let refused = "HTTP/1.1 401 Unauthorized\r\nContent-Type: application/json\r\nContent-Length: 27\r\n\r\n\
                       {\"error\":\"invalid_client\"}  ";
        let no_zone = "HTTP/1.1 404 Not Found\r\n\r\nThe subdomain does not map to a valid identity zone";
        let token = "HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
        for (egress, answer, expected) in [
            (&without, Some("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"), "demands credentials (407)"),
            (&with, Some("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"), "refused the credentials in the file"),
            (&without, Some("HTTP/1.1 403 Forbidden\r\n\r\n"), "did not connect to the host"),
            (&without, Some("HTTP/1.1 502 Bad Gateway\r\n\r\n"), "did not connect to the host"),
            (&without, Some(refused), "did not connect to the host"),
            (&without, Some(no_zone), "did not connect to the host"),
            (&without, Some("SSH-2.0-OpenSSH_9.6\r\n"), "did not connect to the host"),
            (&without, Some(""), "gave no valid answer to CONNECT"),
            (&without, Some(token), "could not connect through"),
        ] {
            proxy.answer_with(answer);
            let message = unknown(fixture.sign_in(egress).await, Retry::Backoff);
            assert!(message.contains(expected) && message.contains(&url), "{answer:?}: {message}");
            assert!(!message.contains("CANARY") && !message.contains("invalid_client"), "{message}");
            // Without TLS behind the tunnel, the connection may be closed or reset.
            if answer != Some(token) {
                assert_eq!(unknown(fixture.sign_in(egress).await, Retry::Backoff), message, "it is constant");
            }
        }
        proxy.answer_with(None);
        assert!(matches!(fixture.sign_in(&without).await, Verdict::Accepted { .. }));

        let Egress::Proxy { exempt, .. } = fixture.egress(None, &[]) else { unreachable!("a proxy") };
        let dead = ProxyUrl::parse(&format!("http://127.0.0.1:{NOWHERE}")).expect("a proxy");
        let message =
            unknown(fixture.sign_in(&Egress::Proxy { url: dead, credentials: None, exempt }).await, Retry::Backoff);
        assert!(message.contains("could not connect to the proxy http://127.0.0.1:9: "), "{message}");
    });
}

#[test]
fn a_key_in_hand_is_named_to_the_proxy_by_host_name_only() {
    run(async {
        let fixture = Fixture::start().await;
        let egress = fixture.egress(None, &[]);
        for address in ["8.8.8.8", "10.0.0.1", "169.254.169.254", "127.0.0.1"] {
            let verdict = fixture.sign_in_at(&egress, Network::Any, &format!("https://{address}")).await;
            let message = unknown(verdict, Retry::Never);
            assert!(message.contains(&format!("address {address} is not connected to through the proxy")), "{message}");
        }
        let name = format!("https://{ZONE}.authentication.localhost:{NOWHERE}");
        let message = unknown(fixture.sign_in_at(&egress, Network::Public, &name).await, Retry::Never);
        assert!(message.contains("a name below localhost is not connected to through the proxy"), "{message}");
        assert_eq!(fixture.proxy.journal(), Vec::<String>::new());

        // The proxy itself may have a private address.
        let name = "https://sap.example";
        unknown(fixture.sign_in_at(&egress, Network::Public, name).await, Retry::Backoff);
        assert_eq!(fixture.proxy.journal(), [connect("sap.example:443")]);
    });
}

#[test]
fn an_exempt_host_is_connected_to_directly_and_under_the_usual_guard() {
    run(async {
        let fixture = Fixture::start().await;
        let host = format!("{ZONE}.authentication.localhost:{}", fixture.simulator.port);
        let egress = fixture.egress(None, &[&format!("*.localhost:{}", fixture.simulator.port), "10.0.0.1"]);
        let url = format!("https://{host}");
        assert!(matches!(fixture.sign_in_at(&egress, Network::Any, &url).await, Verdict::Accepted { .. }));

        let message = unknown(fixture.sign_in_at(&egress, Network::Public, &url).await, Retry::Backoff);
        assert!(message.contains("is not public"), "{message}");
        let message = unknown(fixture.sign_in_at(&egress, Network::Public, "https://10.0.0.1").await, Retry::Never);
        assert!(message.contains("address 10.0.0.1 is not public"), "{message}");
        assert_eq!(fixture.proxy.journal(), Vec::<String>::new());
    });
}

// proves: flag --egress-proxy, flag --egress-proxy-credentials, flag --egress-proxy-exempt
#[test]
fn test_signs_in_through_the_proxy_of_its_flags_or_of_its_own_variables() {
    run(async {
        let fixture = Fixture::start().await;
        let (url, file) = (fixture.proxy.url(), fixture.write("credentials", CREDENTIALS));
        let flags = ["--egress-proxy", &url, "--egress-proxy-credentials", &file];
        fixture.proxy.demand_credentials(CREDENTIALS);

        assert!(fixture.test(&flags, &[]).status.success());
        let own = [("ALMKEY_EGRESS_PROXY", url.as_str()), ("ALMKEY_EGRESS_PROXY_CREDENTIALS", &file)];
        assert!(fixture.test(&[], &own).status.success());
        let target = connect(&format!("{ZONE}.authentication.localhost:{NOWHERE}"));
        assert_eq!(fixture.proxy.journal(), [target.as_str(), &target]);
        assert_eq!(fixture.sign_ins().await, 2);

        let exempt = format!("{ZONE}.authentication.localhost:{NOWHERE}");
        for (options, expected) in [
            (&flags[..2], "demands credentials (407)"),
            (&[&flags[..], &["--egress-proxy-exempt", &exempt]].concat(), "could not connect: "),
        ] {
            let output = fixture.test(options, &[]);
            let text = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.code() == Some(3) && text.contains(expected), "{text}");
        }
    });
}

#[test]
fn a_failed_connection_says_that_the_proxy_of_the_environment_is_not_used() {
    run(async {
        let fixture = Fixture::start().await;
        let url = fixture.proxy.url().replace("http://", "http://user:CANARY@");
        for variable in VARIABLES {
            let output = fixture.test(&[], &[(variable, &url)]);
            let text = String::from_utf8_lossy(&output.stdout);
            let expected = format!("; {variable} is set, but not used");
            assert!(output.status.code() == Some(3) && text.contains(&expected), "{text}");
            assert!(text.contains("--egress-proxy names a proxy"), "{text}");
        }
        let output = fixture.test(&[], &[("HTTPS_PROXY", "")]);
        assert!(!String::from_utf8_lossy(&output.stdout).contains("HTTPS_PROXY"));
        assert_eq!(fixture.proxy.journal(), Vec::<String>::new());
    });
}

#[test]
fn unusable_flags_of_the_proxy_are_wrong_usage_and_are_not_quoted() {
    run(async {
        let fixture = Fixture::start().await;
        let (url, malformed) = (fixture.proxy.url(), fixture.write("malformed", "CANARY"));
        let missing = fixture.folder.path().join("missing").display().to_string();
        for (options, expected) in [
            (&["--egress-proxy", "http://user:CANARY@proxy.example:3128"][..], "--egress-proxy-credentials"),
            (&["--egress-proxy", "https://proxy.example:3128"], "over TLS is not supported"),
            (&["--egress-proxy", ""], "expected http://HOST:PORT"),
            (&["--egress-proxy-credentials", &malformed], "--egress-proxy <URL>"),
            (&["--egress-proxy-exempt", "lm.example"], "--egress-proxy <URL>"),
            (&["--egress-proxy", &url, "--egress-proxy-exempt", "https://lm.example"], "expected host or host:port"),
            (&["--egress-proxy", &url, "--egress-proxy-credentials", &malformed], "one line username:password"),
            (&["--egress-proxy", &url, "--egress-proxy-credentials", &missing], "No such file or directory"),
            (&["--egress-proxy", &url, "--egress-proxy-credentials", "user:CANARY"], "No such file or directory"),
        ] {
            let output = fixture.test(options, &[]);
            let text = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.code() == Some(2) && text.contains(expected), "{options:?}: {text}");
        }
        let variable = ("ALMKEY_EGRESS_PROXY", "http://user:CANARY@proxy.example:3128");
        let output = fixture.test(&[], &[variable]);
        assert_eq!(output.status.code(), Some(2));
        let credentials = ("ALMKEY_EGRESS_PROXY_CREDENTIALS", "user:CANARY");
        let help = fixture.test(&["--help"], &[variable, credentials]);
        assert!(help.status.success(), "the help shows no value of a variable");
    });
}
