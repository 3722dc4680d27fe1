//! The operator's requests to the API server, by the audit log.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Seek as _, SeekFrom};
use std::path::PathBuf;

use serde_json::Value;
use xtask::rights::OPERATOR;

/// A reader of the audit log, from where it ended before.
pub struct AuditLog {
    path: PathBuf,
    position: u64,
}

/// Numbers of requests, by verb and resource, such as `patch almservicekeys/status`.
pub type Requests = BTreeMap<String, usize>;

impl AuditLog {
    /// Returns a reader of the requests from now on.
    pub fn of(path: PathBuf) -> Self {
        let position = path.metadata().map_or(0, |file| file.len());
        Self { path, position }
    }

    /// Returns the operator's requests since the last call.
    pub fn read(&mut self) -> Requests {
        let mut file = File::open(&self.path).expect("the audit log");
        file.seek(SeekFrom::Start(self.position)).expect("the audit log only grows");
        let mut requests = Requests::new();
        let mut lines = BufReader::new(file);
        let mut line = String::new();
        while lines.read_line(&mut line).expect("the audit log is text") > 0 && line.ends_with('\n') {
            self.position += line.len() as u64;
            if let Some(request) = request(&line) {
                *requests.entry(request).or_default() += 1;
            }
            line.clear();
        }
        requests
    }
}

/// Returns verb and resource of a line, if it is about a request of the operator that has been answered.
fn request(line: &str) -> Option<String> {
    let event: Value = serde_json::from_str(line).expect("an event of the audit log");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    if event["user"]["username"] != OPERATOR || event["stage"] != "ResponseComplete" {
        return None;
    }
    let object = &event["objectRef"];
    let subresource = object["subresource"].as_str().map(|name| format!("/{name}")).unwrap_or_default();
    Some(format!("{} {}{subresource}", text(&event["verb"]), text(&object["resource"])))
}

/// Returns the number of requests that a predicate holds for.
pub fn count(requests: &Requests, predicate: impl Fn(&str) -> bool) -> usize {
    requests.iter().filter(|(request, _)| predicate(request)).map(|(_, count)| count).sum()
}

/// Returns true if a request writes.
pub fn is_write(request: &str) -> bool {
    ["create", "update", "patch", "delete"].iter().any(|verb| request.split(' ').next() == Some(verb))
}
