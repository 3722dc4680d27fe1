//! The connection of the operator to the API server: proxies, and what a failed start says.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::leadership::{LEADS, WAITS, with_leader_election};
use crate::scenarios::{alone, scenario};
use testkit::bed::operator::program;
use testkit::connect_proxy::ConnectProxy;

/// Another way to write 127.0.0.1: resolvers know it, and it does not look like a loopback address.
const ADDRESS: &str = "127.1";

#[test]
fn the_operator_reaches_the_api_server_through_the_proxy_that_kubectl_would_use() {
    alone(with_leader_election(), async |bed| {
        bed.operator.as_ref().expect("the operator runs").await_lines(LEADS, 1);
        let target = bed.api_server();
        let proxy = ConnectProxy::start(target.parse().expect("an address")).await;
        let port = target.rsplit_once(':').expect("a port").1;
        let url = proxy.url();
        for (name, host, own_proxy, environment, is_proxied) in [
            ("own-proxy", "api.example", true, vec![], true),
            ("own-proxy-and-no-proxy", "api.example", true, vec![("NO_PROXY", "api.example")], true),
            ("https-proxy", "api.example", false, vec![("HTTPS_PROXY", url.as_str())], true),
            ("no-proxy", ADDRESS, false, vec![("HTTPS_PROXY", &url), ("NO_PROXY", ADDRESS)], false),
            (
                "no-proxy-of-the-proxy",
                "api.example",
                false,
                vec![("HTTPS_PROXY", &url), ("NO_PROXY", "127.0.0.1")],
                true,
            ),
            ("loopback", "127.0.0.1", false, vec![("HTTPS_PROXY", "http://127.0.0.1:9")], false),
        ] {
            let kubeconfig = bed.write_kubeconfig(name, |cluster, _| {
                cluster["server"] = json!(format!("https://{host}:{port}"));
                cluster["tls-server-name"] = json!("localhost");
                if own_proxy {
                    cluster["proxy-url"] = json!(url);
                }
            });
            let before = proxy.journal().len();
            let replica = bed.start_replica_in(&kubeconfig, name, &environment);
            replica.await_lines(WAITS, 1);
            replica.await_ready().await;

            let requests = proxy.journal().split_off(before);
            assert_eq!(!requests.is_empty(), is_proxied, "{name}: {requests:?}");
            let expected = format!("CONNECT {host}:{port} HTTP/1.1");
            assert!(requests.iter().all(|request| *request == expected), "{name}: {requests:?}");
            assert!(replica.stop(), "{name}: it exits with success");
        }
    });
}

#[test]
fn a_failed_start_names_the_api_server_the_cause_and_the_remedy() {
    scenario("no-start", async |tenant| {
        let bed = tenant.bed;
        let server = bed.api_server();
        // The audit of rights is about the operator's own account, so another one is refused here.
        bed.kubectl(&["create", "serviceaccount", "powerless", "-n", &tenant.namespace]);
        let token = bed.kubectl(&["create", "token", "powerless", "-n", &tenant.namespace]);
        // Too long for a label, so that the resolver refuses it without asking a server.
        let no_name = &format!("https://{}:6443", "a".repeat(64));
        let other_ca = std::fs::read(&bed.simulator.ca_file).expect("another CA");
        for (name, kubeconfig, expected) in [
            (
                "refused",
                bed.write_kubeconfig("refused", |cluster, _| cluster["server"] = json!("https://127.0.0.1:9")),
                ["https://127.0.0.1:9", "Connection refused", "check the address in the kubeconfig"],
            ),
            (
                "unknown",
                bed.write_kubeconfig("unknown", |cluster, _| {
                    (cluster["server"], cluster["tls-server-name"]) = (json!(no_name), json!("localhost"));
                }),
                [no_name, "failed to lookup address", "check the address in the kubeconfig"],
            ),
            (
                "untrusted",
                bed.write_kubeconfig("untrusted", |cluster, _| {
                    cluster["certificate-authority-data"] = json!(STANDARD.encode(&other_ca));
                }),
                [&server, "invalid peer certificate", "check the certificate-authority"],
            ),
            (
                "unauthenticated",
                bed.write_kubeconfig("unauthenticated", |_, user| user["token"] = json!("wrong")),
                [&server, "Unauthorized", "check the user of the kubeconfig"],
            ),
            (
                "forbidden",
                bed.write_kubeconfig("forbidden", |_, user| *user = json!({ "token": token.trim() })),
                [&server, "is forbidden", "grant the right to get the namespace kube-system"],
            ),
        ] {
            let output = program("almkey")
                .args(["operator", "--admin-address", "127.0.0.1:0", "--leader-elect=false"])
                .env("KUBECONFIG", &kubeconfig)
                .output()
                .expect("the operator can be started");
            assert_eq!(output.status.code(), Some(1), "{name}");
            let text = String::from_utf8_lossy(&output.stderr);
            for part in expected {
                assert!(text.contains(part), "{name}: {part:?} is missing in {text}");
            }
        }
    });
}
