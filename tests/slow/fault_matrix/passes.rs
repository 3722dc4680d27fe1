//! What the operator tells of its passes in its log: what `Ready` became by each, and when the next one is due.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use testkit::bed::waiting::wait_for;

/// Between two looks at a log that has no more lines yet.
const POLL: Duration = Duration::from_millis(20);

/// A pass that was settled.
#[derive(Clone, Debug)]
pub struct Pass {
    /// What `Ready` became, if it changed: status and reason.
    pub verdict: Option<(String, String)>,
    /// When the next pass is due.
    pub next: Duration,
}

/// The settled passes, by namespace: in each there is one object.
pub struct Passes {
    settled: Arc<Mutex<HashMap<String, Vec<Pass>>>>,
    lines: watch::Receiver<u64>,
    reader: JoinHandle<()>,
}

impl Passes {
    /// Those that the operator with this log tells of.
    pub fn of(log: PathBuf) -> Self {
        let settled = Arc::new(Mutex::new(HashMap::new()));
        let (told, lines) = watch::channel(0);
        let reader = tokio::spawn(read(log, Arc::clone(&settled), told));
        Self { settled, lines, reader }
    }

    /// How many there were in a namespace.
    pub fn count(&self, namespace: &str) -> usize {
        self.settled.lock().expect("no panic").get(namespace).map_or(0, Vec::len)
    }

    /// The first one, after the first `from` ones of a namespace, that is as wanted.
    pub async fn first(&self, namespace: &str, from: usize, what: &str, wanted: impl Fn(&Pass) -> bool) -> Pass {
        let mut lines = self.lines.clone();
        wait_for(&format!("a pass in {namespace} that {what}"), async {
            loop {
                lines.mark_unchanged();
                let found = {
                    let settled = self.settled.lock().expect("no panic");
                    settled
                        .get(namespace)
                        .and_then(|passes| passes.iter().skip(from).find(|pass| wanted(pass)).cloned())
                };
                if let Some(pass) = found {
                    return pass;
                }
                lines.changed().await.expect("the log is read");
            }
        })
        .await
    }
}

impl Drop for Passes {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

async fn read(log: PathBuf, settled: Arc<Mutex<HashMap<String, Vec<Pass>>>>, told: watch::Sender<u64>) {
    let mut reader = BufReader::new(File::open(log).expect("the operator logs"));
    let mut verdicts = HashMap::new();
    let mut line = String::new();
    loop {
        // A line that is not whole yet is gone on with.
        if reader.read_line(&mut line).expect("the log can be read") == 0 || !line.ends_with('\n') {
            tokio::time::sleep(POLL).await;
            continue;
        }
        let told_line: Value = serde_json::from_str(&line).unwrap_or_default();
        line.clear();
        let text = |field: &str| told_line[field].as_str().unwrap_or_default().to_owned();
        if told_line["kind"] != "ALMServiceKey" {
            continue;
        }
        if told_line["ready"].is_string() {
            verdicts.insert(text("pass"), (text("ready"), text("reason")));
        } else if told_line["next"].is_string() {
            let pass = Pass { verdict: verdicts.remove(&text("pass")), next: duration(&text("next")) };
            settled.lock().expect("no panic").entry(text("namespace")).or_default().push(pass);
            told.send_modify(|count| *count += 1);
        }
    }
}

/// A duration as Rust writes it for people who debug.
fn duration(text: &str) -> Duration {
    let units = [("ns", 1e-9), ("µs", 1e-6), ("ms", 1e-3), ("s", 1.0)];
    let (number, unit) = units.iter().find_map(|(unit, size)| Some((text.strip_suffix(unit)?, size))).expect("a unit");
    Duration::from_secs_f64(number.parse::<f64>().expect("a number") * unit)
}
