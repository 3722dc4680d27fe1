//! The simulator as a process, and the admin API by which tests make, revoke and look.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use alm_key_operator::http::client;
use alm_key_operator::http::network::Network;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

use crate::control_plane::Supervised;
use crate::proxy::Proxy;

/// A running simulator.
pub struct Simulator {
    _process: Supervised,
    client: Client,
    /// Port of all its virtual hosts, as the operator sees them.
    pub port: u16,
    /// The CA by which the operator trusts them, in PEM.
    pub ca: String,
    /// Its own port.
    own_port: u16,
    /// Its own CA, in PEM.
    own_ca: String,
    /// The file that the CA is in.
    pub ca_file: PathBuf,
    /// The contract is broken on purpose.
    pub deviant: bool,
}

/// Longer than any long poll.
const TIMEOUT: Duration = Duration::from_secs(90);

impl Simulator {
    /// Starts one, with its files and log below `directory`.
    pub fn start(directory: &Path) -> Self {
        Self::start_with(directory, &[])
    }

    /// Starts one that the operator reaches through a gate.
    pub fn start_behind(gate: &Proxy, directory: &Path) -> Self {
        let mut simulator = Self::start_with(directory, &["--public-port", &gate.port.to_string()]);
        (simulator.port, simulator.ca) = (gate.port, gate.ca.clone());
        simulator
    }

    /// Its own port and CA.
    pub fn itself(&self) -> (u16, &str) {
        (self.own_port, &self.own_ca)
    }

    fn start_with(directory: &Path, arguments: &[&str]) -> Self {
        let mut command = Command::new(super::operator::binary("almkey-simulator"));
        command.args(["serve", "--directory"]).arg(directory).args(arguments);
        let (process, stdout) = Supervised::spawn_piped("simulator", &mut command, directory.join("simulator.log"))
            .expect("the simulator can be started");
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).expect("the simulator says where it is");
        let ready: Value = serde_json::from_str(&line).expect("the simulator's first line is JSON");
        let port = ready["port"].as_u64().and_then(|port| u16::try_from(port).ok()).expect("a port");
        let ca_file = PathBuf::from(ready["ca"].as_str().expect("the path of its CA"));
        let ca = std::fs::read_to_string(&ca_file).expect("its CA");
        let client =
            client::build_client(Network::Any, Some(&ca), TIMEOUT).expect("a client that trusts the simulator");
        Self { _process: process, client, port, own_ca: ca.clone(), ca, own_port: port, ca_file, deviant: false }
    }

    /// Its own URL of a virtual host, `Z.authentication` for example.
    pub fn url(&self, host: &str) -> String {
        format!("https://{host}.localhost:{}", self.own_port)
    }

    /// Calls the admin API; anything but 2xx is a defect of the test.
    pub async fn admin(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let mut request = self.client.request(method.clone(), format!("{}{path}", self.url("admin")));
        if let Some(body) = &body {
            request = request.json(body);
        }
        let answer = request.send().await.unwrap_or_else(|error| panic!("{method} {path}: {error:?}"));
        let status = answer.status();
        let text = answer.text().await.expect("a body");
        assert!(status.is_success(), "{method} {path} answered {status}: {text}");
        if text.is_empty() { Value::Null } else { serde_json::from_str(&text).expect("JSON") }
    }

    /// A request to somewhere, as the operator should not make it.
    pub fn request(&self, method: Method, url: &str) -> RequestBuilder {
        self.client.request(method, url)
    }

    /// Sends a form somewhere, as the operator should not; whatever is answered.
    pub async fn send(&self, url: &str, form: &[(&str, &str)]) {
        self.request(Method::POST, url).form(form).send().await.expect("it is answered");
    }

    /// What was asked of a tenant's hosts after entry number `after`, waiting up to `wait` for the first.
    pub async fn journal(&self, tenant: &str, after: u64, wait: Duration) -> Vec<Value> {
        let path = format!("/journal?tenant={tenant}&after={after}&wait={}", wait.as_secs());
        let answer = self.admin(Method::GET, &path, None).await;
        answer["entries"].as_array().cloned().unwrap_or_default()
    }

    /// Where what was asked of a tenant, or of all, and what was answered deviates from the contract; and what was told of
    /// a key to somebody who is not entitled to it.
    pub async fn violations(&self, tenant: Option<&str>) -> Vec<String> {
        violations(&self.client, &self.url("admin"), tenant).await.expect("the journal can be read")
    }

    /// Makes all access tokens for a tenant's Landscape Management void.
    pub async fn expire_tokens(&self, tenant: &str) {
        self.admin(Method::POST, &format!("/tenants/{tenant}/tokens/expire"), Some(json!({}))).await;
    }
}

async fn violations(client: &Client, admin: &str, tenant: Option<&str>) -> reqwest::Result<Vec<String>> {
    let of = tenant.map(|tenant| format!("?tenant={tenant}")).unwrap_or_default();
    let answer = client.get(format!("{admin}/journal{of}")).send().await?.bytes().await?;
    let journal: Value = serde_json::from_slice(&answer).expect("JSON");
    let entries = journal["entries"].as_array().expect("a list of calls");
    let entries = entries.iter().filter(|entry| entry["violation"].is_string());
    let mut found: Vec<String> = entries
        .map(|entry| format!("{}: {} {}: {}", entry["tenant"], entry["seq"], entry["kind"], entry["violation"]))
        .collect();
    let sent = client.get(format!("{admin}/leak-check")).send().await?.bytes().await?;
    let sent: Value = serde_json::from_slice(&sent).expect("JSON");
    let leaks = sent["leaks"].as_array().expect("a list of leaks").iter();
    let leaks = leaks.filter(|leak| tenant.is_none_or(|tenant| leak["tenant"] == tenant));
    found.extend(leaks.map(|leak| format!("{}: {}", leak["tenant"], leak["what"])));
    Ok(found)
}

/// A world ends with its simulator, and all that was said in it was within the contract.
impl Drop for Simulator {
    fn drop(&mut self) {
        if std::thread::panicking() || self.deviant {
            return;
        }
        let (ca, admin) = (self.own_ca.clone(), self.url("admin"));
        let asked = std::thread::spawn(move || {
            // The test's own runtime may be ending, and with it its connections.
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            let client = client::build_client(Network::Any, Some(&ca), TIMEOUT).expect("a client");
            runtime.block_on(violations(&client, &admin, None))
        });
        // It is ended after this, and by nobody else: what does not answer is not passed over.
        let found = asked.join().expect("the simulator's journal is looked through").expect("the simulator answers");
        assert!(found.is_empty(), "the contract of Landscape Management was broken:\n{}", found.join("\n"));
    }
}
