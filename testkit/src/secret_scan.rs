//! The scan for key material in all that a test bed leaves behind. Every secret that is made in tests carries a canary,
//! which may be nowhere but in Secrets and in requests to the two hosts that are entitled to it.
//!
//! Each scan goes on where the last one ended: the bed that tests share is never dropped, and is scanned after each of
//! them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::DirEntry;
use std::io::{ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use alm_key_operator::http::client;
use alm_key_operator::http::egress::Route;
use alm_key_operator::http::network::Network;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::Value;
use tokio::net::TcpStream;

use crate::etcd::for_each_version;
use almkey_simulator::canary;

/// Environment variable with a folder, to which each scan adds a line of counts. Operators then log at trace level.
pub const FOLDER: &str = "ALMKEY_SECRET_SCAN";
const TIMEOUT: Duration = Duration::from_secs(30);

/// The scan of one test bed.
pub struct SecretScan(Arc<Mutex<Progress>>);

/// The places of a test bed, and how far each of them was scanned.
struct Progress {
    directory: PathBuf,
    etcd: String,
    /// URL of the simulator's admin API, and the CA certificate to trust.
    simulator: (String, String),
    /// Number of bytes that were scanned, by log.
    logs: BTreeMap<PathBuf, u64>,
    /// Logs of the operators, by the address of the admin server.
    admins: BTreeMap<String, PathBuf>,
    /// Last revision of etcd that was scanned.
    revision: i64,
    /// Number and bytes of the requests to the simulator that were counted.
    sent: (u64, u64),
}

/// The result of a scan.
#[derive(Default)]
pub struct ScanReport {
    places: Places,
    bytes: u64,
    /// Places where a canary must not be and is.
    pub hits: Vec<String>,
    /// Places that exist and could not be scanned.
    pub missed: Vec<String>,
}

/// Number of places that were scanned, by kind. The scan of a whole suite fails if there is none of a kind.
#[derive(Default)]
struct Places {
    logs: u64,
    metrics: u64,
    objects: u64,
    requests: u64,
    commands: u64,
}

/// Returns true if operators should log at trace level, as the scans of a whole suite are gathered.
pub fn wants_trace() -> bool {
    std::env::var_os(FOLDER).is_some_and(|folder| !folder.is_empty())
}

impl ScanReport {
    /// Scans a text. A hit quotes only the text before the canary.
    pub fn search(&mut self, place: &str, text: &str) {
        self.bytes += text.len() as u64;
        if let Some((at, form)) = canary::find(text) {
            let line = text[..at].rsplit('\n').next().unwrap_or_default();
            let start = line.char_indices().rev().nth(300).map_or(0, |(start, _)| start);
            self.hits.push(format!("{place}: key material {form} after: {}", &line[start..]));
        }
    }

    /// Fails the test if there is a hit, or if a place could not be scanned. Adds a line of counts to the folder in
    /// `ALMKEY_SECRET_SCAN`, if there is one.
    pub fn expect_clean(self, bed: &str) {
        if let Some(folder) = std::env::var_os(FOLDER).filter(|folder| !folder.is_empty()) {
            let Places { logs, metrics, objects, requests, commands } = self.places;
            let (bytes, hits) = (self.bytes, self.hits.len());
            let line = format!("{bed}\t{bytes}\t{hits}\t{logs}\t{metrics}\t{objects}\t{requests}\t{commands}\n");
            let path = Path::new(&folder).join("scans");
            let file = std::fs::OpenOptions::new().create(true).append(true).open(&path);
            // A single write, so that lines of other processes do not mix with this one.
            file.and_then(|mut file| file.write_all(line.as_bytes())).expect("the counts can be written");
        }
        assert!(self.hits.is_empty(), "key material is where it must not be:\n{}", self.hits.join("\n"));
        assert!(self.missed.is_empty(), "these places could not be scanned:\n{}", self.missed.join("\n"));
    }
}

/// Fails the test if the output of a command holds key material.
pub fn scan_output(command: &str, output: &[u8]) {
    let mut report = ScanReport { places: Places { commands: 1, ..Places::default() }, ..ScanReport::default() };
    report.search(command, &String::from_utf8_lossy(output));
    report.expect_clean("commands");
}

impl SecretScan {
    /// Creates the scan of a test bed with these files, this etcd and this simulator.
    pub fn new(directory: &Path, etcd: String, simulator: (String, String)) -> Self {
        let (logs, admins) = (BTreeMap::new(), BTreeMap::new());
        let directory = directory.to_owned();
        Self(Arc::new(Mutex::new(Progress { directory, etcd, simulator, logs, admins, revision: 0, sent: (0, 0) })))
    }

    /// Scans what is new since the last scan. Runs on a thread of its own, as the test's runtime may be ending.
    pub fn run(&self) -> ScanReport {
        let progress = Arc::clone(&self.0);
        let scan = move || {
            let mut progress = progress.lock().unwrap_or_else(PoisonError::into_inner);
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            let mut report = ScanReport::default();
            runtime.block_on(progress.scan(&mut report));
            report
        };
        std::thread::spawn(scan).join().expect("the scan ends")
    }

    /// Returns the name of the test bed in the counts.
    pub fn bed(&self) -> String {
        let progress = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        progress.directory.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }
}

impl Progress {
    async fn scan(&mut self, report: &mut ScanReport) {
        self.scan_logs(report);
        self.scan_metrics(report).await;
        self.scan_objects(report).await;
        self.read_leak_check(report).await;
    }

    /// Scans the logs of all processes, also of the API server and etcd.
    fn scan_logs(&mut self, report: &mut ScanReport) {
        for entry in std::fs::read_dir(&self.directory).expect("the bed's folder") {
            let path = entry.expect("an entry").path();
            if path.extension().is_none_or(|extension| extension != "log") {
                continue;
            }
            report.places.logs += u64::from(!self.logs.contains_key(&path));
            let scanned = self.logs.entry(path.clone()).or_default();
            let bytes = read_from(&path, *scanned).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            report.search(&path.display().to_string(), &String::from_utf8_lossy(&bytes));
            // A line without its end may still be growing: it is scanned again, and no address is read from it.
            let complete = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
            *scanned += complete as u64;
            let text = String::from_utf8_lossy(&bytes[..complete]);
            self.admins.extend(text.lines().filter_map(admin_address).map(|address| (address, path.clone())));
        }
    }

    /// Scans the answers of the admin servers of all operators that run.
    async fn scan_metrics(&mut self, report: &mut ScanReport) {
        let client = plain_client();
        let mut ended = BTreeSet::new();
        for (address, log) in &self.admins {
            for path in ["/metrics", "/readyz", "/healthz"] {
                match read_text(client.get(format!("http://{address}{path}"))).await {
                    Ok(text) => {
                        report.places.metrics += 1;
                        report.search(&format!("{path} of {address}"), &text);
                    }
                    Err(_) if is_closed(address).await || has_ended(log) => {
                        ended.insert(address.clone());
                    }
                    Err(error) => report.missed.push(format!("{path} of {address}: {error:?}")),
                }
            }
        }
        self.admins.retain(|address, _| !ended.contains(address));
    }

    /// Scans every version of every object in etcd but Secrets, also of deleted ones.
    async fn scan_objects(&mut self, report: &mut ScanReport) {
        let client = plain_client();
        let search = |key: &str, revision: i64, value: &[u8]| {
            if !key.starts_with("/registry/secrets/") {
                report.places.objects += 1;
                report.search(&format!("etcd, {key} at revision {revision}"), &String::from_utf8_lossy(value));
            }
        };
        let last = for_each_version(&client, &self.etcd, self.revision, search).await;
        self.revision = last.unwrap_or_else(|error| panic!("etcd could not be scanned: {error}"));
    }

    /// Reads the result of the simulator's leak check of all requests that it received.
    async fn read_leak_check(&mut self, report: &mut ScanReport) {
        let (admin, ca) = &self.simulator;
        let client = client::build_client(Network::Any, &Route::DIRECT, Some(ca), TIMEOUT).expect("a client");
        let url = format!("{admin}/leak-check").parse().expect("a URL");
        let answer = read_text(client.request(Method::GET, url)).await;
        let answer = answer.unwrap_or_else(|error| panic!("the leak check could not be read: {error:?}"));
        let answer: Value = serde_json::from_str(&answer).expect("JSON");
        let number = |field: &str| answer[field].as_u64().expect("a number");
        let (requests, bytes) = (number("requests"), number("bytes"));
        report.places.requests += requests.saturating_sub(self.sent.0);
        report.bytes += bytes.saturating_sub(self.sent.1);
        self.sent = (requests, bytes);
        let leaks = answer["leaks"].as_array().expect("a list");
        report.hits.extend(leaks.iter().map(|leak| leak["what"].as_str().unwrap_or_default().to_owned()));
    }
}

/// Returns the body of an answer, whatever its status is.
async fn read_text(request: RequestBuilder) -> reqwest::Result<String> {
    request.send().await?.text().await
}

/// Returns true if no process listens at the address. A process that hangs still listens.
async fn is_closed(address: &str) -> bool {
    TcpStream::connect(address).await.is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused)
}

/// Returns true if no process writes to this log, so that another process may have the port by now. Returns false where
/// `/proc` does not exist.
fn has_ended(log: &Path) -> bool {
    let log = std::fs::canonicalize(log).expect("a log");
    let writes = |process: DirEntry| std::fs::read_link(process.path().join("fd/1")).is_ok_and(|output| output == log);
    std::fs::read_dir("/proc").is_ok_and(|processes| !processes.flatten().any(writes))
}

/// Returns a client for plain HTTP, which uses no proxy.
pub(crate) fn plain_client() -> Client {
    let builder = Client::builder().no_proxy().tls_certs_only(std::iter::empty()).timeout(TIMEOUT);
    builder.build().expect("a client")
}

fn read_from(path: &Path, offset: u64) -> std::io::Result<Vec<u8>> {
    let mut file = std::fs::File::open(path)?;
    file.seek(SeekFrom::Start(offset))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Returns the address of the admin server, if this line of an operator's log announces it.
pub fn admin_address(line: &str) -> Option<String> {
    let (_, address) = line.split_once("admin server listens").and_then(|_| line.split_once("address"))?;
    let address = address.trim_start_matches(['=', '"', ':']).split(['"', ' ']).next()?;
    Some(address.to_owned())
}
