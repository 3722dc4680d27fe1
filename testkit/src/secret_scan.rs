//! The hunt for key material in all that a world leaves behind. Every secret that is made in tests carries a marker, which
//! must be nowhere but in Secrets and on its way to the two hosts that are entitled to it.
//!
//! It goes on where it ended the last time: the world that tests share, which is never dropped, is hunted after each of
//! them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::DirEntry;
use std::io::{ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use alm_key_operator::http::client;
use alm_key_operator::http::network::Network;
use reqwest::Client;
use serde_json::Value;
use tokio::net::TcpStream;

use crate::etcd::versions;
use almkey_simulator::canary;

/// A folder to which each hunt adds what it searched; and whoever sets it wants the most talkative logs.
const FOLDER: &str = "ALMKEY_HUNT";
const TIMEOUT: Duration = Duration::from_secs(30);

/// What of a world is hunted, and how far that went.
pub struct SecretScan(Arc<Mutex<Ground>>);

struct Ground {
    directory: PathBuf,
    etcd: String,
    /// URL of the simulator's admin API, and the CA that it is trusted by.
    simulator: (String, String),
    /// The logs, and how much of each was searched.
    logs: BTreeMap<PathBuf, u64>,
    /// Where operators serve their metrics, and the log that says so.
    admins: BTreeMap<String, PathBuf>,
    /// The last revision of etcd that was searched.
    revision: i64,
    /// Requests to the simulator that were counted, and their bytes.
    sent: (u64, u64),
}

/// What a hunt searched, and what it found.
#[derive(Default)]
pub struct Found {
    places: Places,
    bytes: u64,
    /// Where the marker stands that must not be there.
    pub hits: Vec<String>,
    /// What could not be searched although it is there.
    pub missed: Vec<String>,
}

/// How many places of each kind were searched: `hack/canary` fails if there is none of a kind in the whole suite.
#[derive(Default)]
struct Places {
    logs: u64,
    metrics: u64,
    objects: u64,
    requests: u64,
    commands: u64,
}

/// Whether logs are to be as talkative as they can be.
pub fn wants_trace() -> bool {
    std::env::var_os(FOLDER).is_some_and(|folder| !folder.is_empty())
}

impl Found {
    /// Searches a text. Of a place with a hit only what stands before it is told.
    pub fn search(&mut self, place: &str, text: &str) {
        self.bytes += text.len() as u64;
        if let Some((at, form)) = canary::find(text) {
            let line = text[..at].rsplit('\n').next().unwrap_or_default();
            let start = line.char_indices().rev().nth(300).map_or(0, |(start, _)| start);
            self.hits.push(format!("{place}: key material {form} after: {}", &line[start..]));
        }
    }

    /// Fails if there is a hit, or if something was left out. What was searched is added up where somebody wants to know.
    pub fn expect_none(self, bed: &str) {
        if let Some(folder) = std::env::var_os(FOLDER).filter(|folder| !folder.is_empty()) {
            let Places { logs, metrics, objects, requests, commands } = self.places;
            let (bytes, hits) = (self.bytes, self.hits.len());
            let line = format!("{bed}\t{bytes}\t{hits}\t{logs}\t{metrics}\t{objects}\t{requests}\t{commands}\n");
            let path = Path::new(&folder).join("hunts");
            let file = std::fs::OpenOptions::new().create(true).append(true).open(&path);
            // One write, so that a line is there as a whole.
            file.and_then(|mut file| file.write_all(line.as_bytes())).expect("the hunt can be written down");
        }
        assert!(self.hits.is_empty(), "key material is where it must not be:\n{}", self.hits.join("\n"));
        assert!(self.missed.is_empty(), "the hunt did not come everywhere:\n{}", self.missed.join("\n"));
    }
}

/// Fails if key material is in what a command said.
pub fn output(command: &str, said: &[u8]) {
    let mut found = Found { places: Places { commands: 1, ..Places::default() }, ..Found::default() };
    found.search(command, &String::from_utf8_lossy(said));
    found.expect_none("commands");
}

impl SecretScan {
    /// In a world with these files, this etcd and this simulator.
    pub fn new(directory: &Path, etcd: String, simulator: (String, String)) -> Self {
        let (logs, admins) = (BTreeMap::new(), BTreeMap::new());
        let directory = directory.to_owned();
        Self(Arc::new(Mutex::new(Ground { directory, etcd, simulator, logs, admins, revision: 0, sent: (0, 0) })))
    }

    /// Searches what was not searched before. On a thread of its own: the test's runtime may be ending.
    pub fn go_on(&self) -> Found {
        let ground = Arc::clone(&self.0);
        let hunt = move || {
            let mut ground = ground.lock().unwrap_or_else(PoisonError::into_inner);
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            let mut found = Found::default();
            runtime.block_on(ground.search(&mut found));
            found
        };
        std::thread::spawn(hunt).join().expect("the hunt comes to its end")
    }

    /// As what the world is counted.
    pub fn bed(&self) -> String {
        let ground = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        ground.directory.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }
}

impl Ground {
    async fn search(&mut self, found: &mut Found) {
        self.logs(found);
        self.metrics(found).await;
        self.objects(found).await;
        self.requests(found).await;
    }

    /// What all processes wrote, the API server and etcd among them.
    fn logs(&mut self, found: &mut Found) {
        for entry in std::fs::read_dir(&self.directory).expect("the bed's folder") {
            let path = entry.expect("an entry").path();
            if path.extension().is_none_or(|extension| extension != "log") {
                continue;
            }
            found.places.logs += u64::from(!self.logs.contains_key(&path));
            let searched = self.logs.entry(path.clone()).or_default();
            let bytes = read_from(&path, *searched).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let text = String::from_utf8_lossy(&bytes);
            found.search(&path.display().to_string(), &text);
            // A line without its end may still be growing: it is searched again, and no address is read from it.
            let complete = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
            *searched += complete as u64;
            let complete = String::from_utf8_lossy(&bytes[..complete]);
            self.admins.extend(complete.lines().filter_map(admin_address).map(|address| (address, path.clone())));
        }
    }

    /// What operators that run tell on their admin servers. One that has ended has nothing to tell any more.
    async fn metrics(&mut self, found: &mut Found) {
        let client = plain();
        let mut ended = BTreeSet::new();
        for (address, log) in &self.admins {
            for path in ["/metrics", "/readyz", "/healthz"] {
                match text(&client, &format!("http://{address}{path}")).await {
                    Ok(text) => {
                        found.places.metrics += 1;
                        found.search(&format!("{path} of {address}"), &text);
                    }
                    Err(_) if is_closed(address).await || has_ended(log) => {
                        ended.insert(address.clone());
                    }
                    Err(error) => found.missed.push(format!("{path} of {address}: {error:?}")),
                }
            }
        }
        self.admins.retain(|address, _| !ended.contains(address));
    }

    /// Every version of every object in etcd but Secrets, also of those that are no more.
    async fn objects(&mut self, found: &mut Found) {
        let client = plain();
        let search = |key: &str, revision: i64, value: &[u8]| {
            if !key.starts_with("/registry/secrets/") {
                found.places.objects += 1;
                found.search(&format!("etcd, {key} at revision {revision}"), &String::from_utf8_lossy(value));
            }
        };
        let last = versions(&client, &self.etcd, self.revision, search).await;
        self.revision = last.unwrap_or_else(|error| panic!("etcd could not be hunted: {error}"));
    }

    /// What was sent to hosts, as the simulator saw it, which no world outlives.
    async fn requests(&mut self, found: &mut Found) {
        let (admin, ca) = &self.simulator;
        let client = client::build_client(Network::Any, Some(ca), TIMEOUT).expect("a client");
        let sent = text(&client, &format!("{admin}/leak-check")).await;
        let sent = sent.unwrap_or_else(|error| panic!("what was sent could not be hunted: {error:?}"));
        let sent: Value = serde_json::from_str(&sent).expect("JSON");
        let number = |field: &str| sent[field].as_u64().expect("a number");
        let (requests, bytes) = (number("requests"), number("bytes"));
        found.places.requests += requests.saturating_sub(self.sent.0);
        found.bytes += bytes.saturating_sub(self.sent.1);
        self.sent = (requests, bytes);
        let leaks = sent["leaks"].as_array().expect("a list");
        found.hits.extend(leaks.iter().map(|leak| leak["what"].as_str().unwrap_or_default().to_owned()));
    }
}

/// What is answered there, whatever the status is.
async fn text(client: &Client, url: &str) -> reqwest::Result<String> {
    client.get(url).send().await?.text().await
}

/// Whether nobody listens there: who hangs still does.
async fn is_closed(address: &str) -> bool {
    TcpStream::connect(address).await.is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused)
}

/// Whether there is no process whose output this log is: somebody else may have its port by now. Where processes cannot
/// be looked at, as elsewhere than on Linux, nobody is said to have ended.
fn has_ended(log: &Path) -> bool {
    let log = std::fs::canonicalize(log).expect("a log");
    let writes = |process: DirEntry| std::fs::read_link(process.path().join("fd/1")).is_ok_and(|output| output == log);
    std::fs::read_dir("/proc").is_ok_and(|processes| !processes.flatten().any(writes))
}

/// A client for plain HTTP.
fn plain() -> Client {
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

/// Where the operator that wrote this line serves its metrics.
pub fn admin_address(line: &str) -> Option<String> {
    let (_, address) = line.split_once("admin server listens").and_then(|_| line.split_once("address"))?;
    let address = address.trim_start_matches(['=', '"', ':']).split(['"', ' ']).next()?;
    Some(address.to_owned())
}
