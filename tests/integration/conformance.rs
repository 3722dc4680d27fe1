//! The conformance suite for servers of the contract: the simulator passes it, and a broken server fails it.

use std::collections::BTreeSet;
use std::process::Output;

use alm_key_operator::http::client;
use alm_key_operator::http::egress::Route;
use alm_key_operator::http::network::Network;
use reqwest::Method;
use serde_json::{Value, json};

use testkit::bed::WAIT_LIMIT;
use testkit::bed::operator::program;
use testkit::bed::simulator::Simulator;

/// A simulator whose contract violations are intended.
struct Server {
    simulator: Simulator,
    _folder: tempfile::TempDir,
}

impl Server {
    fn start() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().expect("a folder");
        let mut simulator = Simulator::start(folder.path());
        simulator.breaks_contract = true;
        Self { simulator, _folder: folder }
    }

    /// Creates a tenant and returns the credentials for its Landscape Management.
    async fn create_tenant(&self, name: &str) -> Value {
        let made = self.simulator.admin(Method::POST, "/tenants", Some(json!({ "identityZone": name }))).await;
        made["landscapeManagement"].clone()
    }

    /// Runs the conformance suite against a tenant.
    fn run_suite(&self, name: &str, access: &Value, more: &[&str]) -> Output {
        let text = |field: &str| access[field].as_str().expect("a text");
        program("almkey-simulator")
            .args(["conformance", text("url"), "--token-url", text("tokenUrl"), "--client-id", text("clientId")])
            .args(["--identity-zone", name, "--ca-bundle"])
            .arg(&self.simulator.ca_file)
            .args(more)
            .env("ALMKEY_CONFORMANCE_CLIENT_SECRET", text("clientSecret"))
            .output()
            .expect("the suite can be started")
    }

    async fn admin(&self, method: Method, path: &str, body: Value) -> Value {
        self.simulator.admin(method, path, Some(body)).await
    }
}

/// Returns the names of the checks with this verdict.
fn checks(output: &Output, verdict: &str) -> BTreeSet<String> {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let name =
        |line: &str| Some(line.strip_prefix(verdict)?.trim_start().split_once(' ')?.1.split_once(':')?.0.to_owned());
    text.lines().filter_map(name).collect()
}

fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Runtime::new().expect("a runtime").block_on(test);
}

// proves: command almkey-simulator conformance
#[test]
fn the_simulator_passes_the_conformance_suite_which_empties_the_slot() {
    run(async {
        let server = Server::start();
        let access = server.create_tenant("kept").await;

        let output = server.run_suite("kept", &access, &[]);

        let text = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(0), "{text}");
        assert!(text.contains("# 27 of 27 checks passed, 0 failed, 0 could not be run"), "{text}");
        assert_eq!(checks(&output, "ok ").len(), 27);
        assert!(server.admin(Method::GET, "/tenants/kept/slot", json!({})).await["key"].is_null());
        let violations = server.simulator.violations(Some("kept")).await;
        assert!(!violations.iter().any(|violation| violation.contains("answer:")), "{violations:#?}");
        for secret in ["clientSecret", "CANARY"].map(|secret| access[secret].as_str().unwrap_or(secret)) {
            assert!(!text.contains(secret), "the suite prints no secret");
        }
    });
}

#[test]
fn a_server_that_breaks_the_contract_fails_the_checks_about_it() {
    run(async {
        let server = Server::start();
        let access = server.create_tenant("broken").await;
        let fault = json!({ "status": 200, "body": "{}", "contentType": "application/json" });
        server.admin(Method::POST, "/tenants/broken/faults", json!({ "on": "Put", "fault": fault })).await;

        let output = server.run_suite("broken", &access, &[]);

        assert_eq!(output.status.code(), Some(1));
        assert!(checks(&output, "not ok ").contains("put-fills"), "{}", String::from_utf8_lossy(&output.stdout));
    });
}

// proves: command almkey-simulator conformance
#[test]
fn the_conformance_suite_deletes_a_present_key_only_with_its_flag() {
    run(async {
        let server = Server::start();
        let access = server.create_tenant("full").await;
        let key = server.admin(Method::POST, "/tenants/full/keys", json!({})).await;
        server.admin(Method::PUT, "/tenants/full/slot", json!({ "key": key })).await;

        let refused = server.run_suite("full", &access, &[]);
        assert_eq!(refused.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&refused.stderr).contains("--delete-present-key"));
        assert_eq!(server.admin(Method::GET, "/tenants/full/slot", json!({})).await["key"], key);

        assert_eq!(server.run_suite("full", &access, &["--delete-present-key"]).status.code(), Some(0));
    });
}

#[test]
fn a_server_that_refuses_the_credentials_does_not_fail_conformance() {
    run(async {
        let server = Server::start();
        let mut access = server.create_tenant("locked").await;
        access["clientSecret"] = json!("wrong");

        let output = server.run_suite("locked", &access, &[]);

        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&output.stderr).contains("token endpoint answered 401"));
    });
}

#[test]
fn a_contract_violation_is_in_the_journal_and_fails_the_test_that_caused_it() {
    run(async {
        let mut server = Server::start();
        let access = server.create_tenant("noted").await;
        let client = client::build_client(Network::Any, &Route::DIRECT, Some(&server.simulator.ca), WAIT_LIMIT)
            .expect("a client");
        let slot = format!("{}/v1/service-key", access["url"].as_str().expect("a URL"));
        let get = || client.request(Method::GET, slot.parse().expect("a URL"));
        let fault =
            |status: u16| json!({ "on": "ReadSlot", "times": 1, "fault": { "status": status, "body": "CANARY" } });

        // An injected fault is no violation; an invalid request that it answers is one.
        server.admin(Method::POST, "/tenants/noted/faults", fault(299)).await;
        get().bearer_auth("t").send().await.expect("an answer");
        assert_eq!(server.simulator.violations(Some("noted")).await, Vec::<String>::new());
        server.admin(Method::POST, "/tenants/noted/faults", fault(500)).await;
        get().send().await.expect("an answer");
        let found = server.simulator.violations(Some("noted")).await;
        assert_eq!(found, ["\"noted\": 2 \"ReadSlot\": \"request: there is no bearer token\""]);

        server.simulator.breaks_contract = false;
        let dropped = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(server)));
        assert!(dropped.is_err(), "a violation fails the test when the simulator is dropped");
    });
}
