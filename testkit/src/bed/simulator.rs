//! The simulator as a process, and its admin API.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::time::Duration;

use alm_key_operator::http::client::{self, Client};
use alm_key_operator::http::egress::Route;
use alm_key_operator::http::network::Network;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::operator::{Build, program_of};
use crate::control_plane::Supervised;
use crate::proxy::Proxy;

/// A running simulator.
pub struct Simulator {
    _process: Supervised,
    client: Client,
    /// Port of all virtual hosts, as the operator reaches them.
    pub port: u16,
    /// CA certificate that the operator trusts, in PEM.
    pub ca: String,
    /// Port of the simulator itself; another one than `port` behind a proxy.
    own_port: u16,
    /// CA certificate of the simulator itself, in PEM.
    own_ca: String,
    /// File with the CA certificate of the simulator itself.
    pub ca_file: PathBuf,
    /// The test breaks the contract on purpose, so that the check at the end is left out.
    pub breaks_contract: bool,
}

/// Time for one request, longer than any long poll.
const TIMEOUT: Duration = Duration::from_secs(90);

impl Simulator {
    /// Starts a simulator with its files and its log in `directory`.
    pub fn start(directory: &Path) -> Self {
        Self::start_build(Build::Debug, directory)
    }

    /// Starts a simulator of a build, with its files and its log in `directory`.
    pub fn start_build(build: Build, directory: &Path) -> Self {
        Self::start_with(build, directory, &[])
    }

    /// Starts a simulator that the operator reaches through a proxy.
    pub fn start_behind(proxy: &Proxy, directory: &Path) -> Self {
        let mut simulator = Self::start_with(Build::Debug, directory, &["--public-port", &proxy.port.to_string()]);
        (simulator.port, simulator.ca) = (proxy.port, proxy.ca.clone());
        simulator
    }

    /// Returns port and CA certificate of the simulator itself, also if it is behind a proxy.
    pub fn own_endpoint(&self) -> (u16, &str) {
        (self.own_port, &self.own_ca)
    }

    fn start_with(build: Build, directory: &Path, arguments: &[&str]) -> Self {
        let mut command = program_of(build, "almkey-simulator");
        command.args(["serve", "--directory"]).arg(directory).args(arguments);
        let (process, stdout) = Supervised::spawn_piped("simulator", &mut command, directory.join("simulator.log"))
            .expect("the simulator can be started");
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).expect("the simulator prints its address");
        let ready: Value = serde_json::from_str(&line).expect("the simulator's first line is JSON");
        let port = ready["port"].as_u64().and_then(|port| u16::try_from(port).ok()).expect("a port");
        let ca_file = PathBuf::from(ready["ca"].as_str().expect("the path of its CA certificate"));
        let ca = std::fs::read_to_string(&ca_file).expect("its CA certificate");
        let client = client::build_client(Network::Any, &Route::DIRECT, Some(&ca), TIMEOUT)
            .expect("a client that trusts the simulator");
        Self {
            _process: process,
            client,
            port,
            own_ca: ca.clone(),
            ca,
            own_port: port,
            ca_file,
            breaks_contract: false,
        }
    }

    /// Returns the simulator's own URL of a virtual host, such as `Z.authentication`.
    pub fn url(&self, host: &str) -> String {
        format!("https://{host}.localhost:{}", self.own_port)
    }

    /// Calls the admin API, and fails the test if the answer is no success.
    pub async fn admin(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let mut request = self.request(method.clone(), &format!("{}{path}", self.url("admin")));
        if let Some(body) = &body {
            request = request.json(body);
        }
        let answer = request.send().await.unwrap_or_else(|error| panic!("{method} {path}: {error:?}"));
        let status = answer.status();
        let text = answer.text().await.expect("a body");
        assert!(status.is_success(), "{method} {path} answered {status}: {text}");
        if text.is_empty() { Value::Null } else { serde_json::from_str(&text).expect("JSON") }
    }

    /// Returns a request to any URL, for calls that the operator must not make.
    pub fn request(&self, method: Method, url: &str) -> RequestBuilder {
        self.client.request(method, url.parse().expect("a URL"))
    }

    /// Posts a form to any URL, whatever the answer is.
    pub async fn send(&self, url: &str, form: &[(&str, &str)]) {
        self.request(Method::POST, url).form(form).send().await.expect("the simulator answers");
    }

    /// Returns the requests to a tenant's hosts after entry number `after`, waiting up to `wait` for the first.
    pub async fn journal(&self, tenant: &str, after: u64, wait: Duration) -> Vec<Value> {
        let path = format!("/journal?tenant={tenant}&after={after}&wait={}", wait.as_secs());
        let answer = self.admin(Method::GET, &path, None).await;
        answer["entries"].as_array().cloned().unwrap_or_default()
    }

    /// Returns the violations of the contract by requests and answers of a tenant, or of all, and the key material that
    /// was sent to a host that is not entitled to it.
    pub async fn violations(&self, tenant: Option<&str>) -> Vec<String> {
        violations(&self.client, &self.url("admin"), tenant).await.expect("the journal can be read")
    }

    /// Invalidates all access tokens of a tenant's Landscape Management.
    pub async fn expire_tokens(&self, tenant: &str) {
        self.admin(Method::POST, &format!("/tenants/{tenant}/tokens/expire"), Some(json!({}))).await;
    }
}

async fn violations(client: &Client, admin: &str, tenant: Option<&str>) -> reqwest::Result<Vec<String>> {
    let get = |url: String| client.request(Method::GET, url.parse().expect("a URL"));
    let query = tenant.map(|tenant| format!("?tenant={tenant}")).unwrap_or_default();
    let answer = get(format!("{admin}/journal{query}")).send().await?.bytes().await?;
    let journal: Value = serde_json::from_slice(&answer).expect("JSON");
    let entries = journal["entries"].as_array().expect("a list of calls");
    let entries = entries.iter().filter(|entry| entry["violation"].is_string());
    let mut violations: Vec<String> = entries
        .map(|entry| format!("{}: {} {}: {}", entry["tenant"], entry["seq"], entry["kind"], entry["violation"]))
        .collect();
    let answer = get(format!("{admin}/leak-check")).send().await?.bytes().await?;
    let leak_check: Value = serde_json::from_slice(&answer).expect("JSON");
    let leaks = leak_check["leaks"].as_array().expect("a list of leaks").iter();
    let leaks = leaks.filter(|leak| tenant.is_none_or(|tenant| leak["tenant"] == tenant));
    violations.extend(leaks.map(|leak| format!("{}: {}", leak["tenant"], leak["what"])));
    Ok(violations)
}

/// Every simulator ends with a check: all requests and answers kept the contract.
impl Drop for Simulator {
    fn drop(&mut self) {
        if std::thread::panicking() || self.breaks_contract {
            return;
        }
        let (ca, admin) = (self.own_ca.clone(), self.url("admin"));
        let check = std::thread::spawn(move || {
            // The test's own runtime may be ending, and with it its connections.
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            let client = client::build_client(Network::Any, &Route::DIRECT, Some(&ca), TIMEOUT).expect("a client");
            runtime.block_on(violations(&client, &admin, None))
        });
        // The process still runs here: a simulator that does not answer is a failure.
        let violations = check.join().expect("the journal can be checked").expect("the simulator answers");
        assert!(violations.is_empty(), "the contract of Landscape Management was broken:\n{}", violations.join("\n"));
    }
}
