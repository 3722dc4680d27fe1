//! The suite that checks a server of the contract: the simulator passes it.

use std::collections::BTreeSet;
use std::process::{Command, Output};

use alm_key_operator::http::client;
use alm_key_operator::http::network::Network;
use reqwest::Method;
use serde_json::{Value, json};

use testkit::bed::WAIT_LIMIT;
use testkit::bed::operator::binary;
use testkit::bed::simulator::Simulator;

/// A simulator of its own, in which the contract may be broken.
struct Tried {
    simulator: Simulator,
    _folder: tempfile::TempDir,
}

impl Tried {
    fn start() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().expect("a folder");
        let mut simulator = Simulator::start(folder.path());
        simulator.breaks_contract = true;
        Self { simulator, _folder: folder }
    }

    /// Makes a tenant; its access to Landscape Management.
    async fn tenant(&self, name: &str) -> Value {
        let made = self.simulator.admin(Method::POST, "/tenants", Some(json!({ "identityZone": name }))).await;
        made["landscapeManagement"].clone()
    }

    /// Runs the suite against a tenant.
    fn conformance(&self, name: &str, access: &Value, more: &[&str]) -> Output {
        let text = |field: &str| access[field].as_str().expect("a text");
        Command::new(binary("almkey-simulator"))
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

/// The checks that ended so.
fn ended(output: &Output, verdict: &str) -> BTreeSet<String> {
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
fn the_simulator_keeps_the_contract_and_is_left_with_an_empty_slot() {
    run(async {
        let tried = Tried::start();
        let access = tried.tenant("kept").await;

        let output = tried.conformance("kept", &access, &[]);

        let text = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(0), "{text}");
        assert!(text.contains("# 27 of 27 checks passed, 0 failed, 0 could not be run"), "{text}");
        assert_eq!(ended(&output, "ok ").len(), 27);
        assert!(tried.admin(Method::GET, "/tenants/kept/slot", json!({})).await["key"].is_null());
        let answers = tried.simulator.violations(Some("kept")).await;
        assert!(!answers.iter().any(|violation| violation.contains("answer:")), "{answers:#?}");
        for secret in ["clientSecret", "CANARY"].map(|secret| access[secret].as_str().unwrap_or(secret)) {
            assert!(!text.contains(secret), "the suite prints no secret");
        }
    });
}

// proves: command almkey-simulator conformance
#[test]
fn a_slot_that_is_not_empty_is_left_alone_unless_one_says_so() {
    run(async {
        let tried = Tried::start();
        let access = tried.tenant("full").await;
        let key = tried.admin(Method::POST, "/tenants/full/keys", json!({})).await;
        tried.admin(Method::PUT, "/tenants/full/slot", json!({ "key": key })).await;

        let refused = tried.conformance("full", &access, &[]);
        assert_eq!(refused.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&refused.stderr).contains("--delete-present-key"));
        assert_eq!(tried.admin(Method::GET, "/tenants/full/slot", json!({})).await["key"], key);

        assert_eq!(tried.conformance("full", &access, &["--delete-present-key"]).status.code(), Some(0));
    });
}

#[test]
fn a_server_that_cannot_be_signed_in_to_is_not_called_broken() {
    run(async {
        let tried = Tried::start();
        let mut access = tried.tenant("locked").await;
        access["clientSecret"] = json!("wrong");

        let output = tried.conformance("locked", &access, &[]);

        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&output.stderr).contains("token endpoint answered 401"));
    });
}

#[test]
fn a_request_or_an_answer_outside_the_contract_stands_in_the_journal_and_ends_the_world_with_a_panic() {
    run(async {
        let mut tried = Tried::start();
        let access = tried.tenant("noted").await;
        let client = client::build_client(Network::Any, Some(&tried.simulator.ca), WAIT_LIMIT).expect("a client");
        let slot = format!("{}/v1/service-key", access["url"].as_str().expect("a URL"));
        let fault =
            |status: u16| json!({ "on": "ReadSlot", "times": 1, "fault": { "status": status, "body": "CANARY" } });

        // An answer that is wrong on purpose is no violation; the request that it answers is one all the same.
        tried.admin(Method::POST, "/tenants/noted/faults", fault(299)).await;
        client.get(&slot).bearer_auth("t").send().await.expect("an answer");
        assert_eq!(tried.simulator.violations(Some("noted")).await, Vec::<String>::new());
        tried.admin(Method::POST, "/tenants/noted/faults", fault(500)).await;
        client.get(&slot).send().await.expect("an answer");
        let found = tried.simulator.violations(Some("noted")).await;
        assert_eq!(found, ["\"noted\": 2 \"ReadSlot\": \"request: there is no bearer token\""]);

        tried.simulator.breaks_contract = false;
        let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(tried)));
        assert!(ended.is_err(), "a bed does not end well with a violation");
    });
}
