//! Reconciliations as the operator logs them: the new `Ready`, and when the next reconciliation is due.

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

/// Pause between two reads at the end of the log.
const POLL: Duration = Duration::from_millis(20);

/// A reconciliation that has ended.
#[derive(Clone, Debug)]
pub struct Reconciliation {
    /// Status and reason of `Ready`, if they changed.
    pub verdict: Option<(String, String)>,
    /// Delay of the next reconciliation.
    pub next: Duration,
}

impl Reconciliation {
    /// Returns true if the object is settled: its next reconciliation is due after `spec.interval`'s default, ± 10 %, or
    /// what is left of it a moment later.
    pub fn is_settled(&self) -> bool {
        (13 * 60..=17 * 60).contains(&self.next.as_secs())
    }
}

/// Reconciliations that have ended, by namespace. Each namespace has one object.
pub struct Reconciliations {
    ended: Arc<Mutex<HashMap<String, Vec<Reconciliation>>>>,
    lines: watch::Receiver<u64>,
    reader: JoinHandle<()>,
}

impl Reconciliations {
    /// Follows the log of an operator, whose lines are JSON.
    pub fn follow(log: PathBuf) -> Self {
        let ended = Arc::new(Mutex::new(HashMap::new()));
        let (sender, lines) = watch::channel(0);
        let reader = tokio::spawn(read(log, Arc::clone(&ended), sender));
        Self { ended, lines, reader }
    }

    /// Returns the number of reconciliations in a namespace.
    pub fn count(&self, namespace: &str) -> usize {
        self.ended.lock().expect("no panic").get(namespace).map_or(0, Vec::len)
    }

    /// Waits for a reconciliation in a namespace, after its first `skipped` ones, that meets the predicate.
    pub async fn first(
        &self,
        namespace: &str,
        skipped: usize,
        what: &str,
        is_wanted: impl Fn(&Reconciliation) -> bool,
    ) -> Reconciliation {
        let mut lines = self.lines.clone();
        wait_for(&format!("a reconciliation in {namespace} that {what}"), async {
            loop {
                lines.mark_unchanged();
                let found = {
                    let ended = self.ended.lock().expect("no panic");
                    let mut later = ended.get(namespace).into_iter().flatten().skip(skipped);
                    later.find(|reconciliation| is_wanted(reconciliation)).cloned()
                };
                if let Some(reconciliation) = found {
                    return reconciliation;
                }
                lines.changed().await.expect("the log is read");
            }
        })
        .await
    }
}

impl Drop for Reconciliations {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

async fn read(log: PathBuf, ended: Arc<Mutex<HashMap<String, Vec<Reconciliation>>>>, sender: watch::Sender<u64>) {
    let mut reader = BufReader::new(File::open(log).expect("the operator's log"));
    let mut verdicts = HashMap::new();
    let mut line = String::new();
    loop {
        // A line that is not complete yet is continued by the next read.
        if reader.read_line(&mut line).expect("the log can be read") == 0 || !line.ends_with('\n') {
            tokio::time::sleep(POLL).await;
            continue;
        }
        let entry: Value = serde_json::from_str(&line).unwrap_or_default();
        line.clear();
        let span = &entry["span"];
        if span["kind"] != "ALMServiceKey" {
            continue;
        }
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let id = text(&span["reconcile_id"]);
        if entry["ready"].is_string() {
            verdicts.insert(id, (text(&entry["ready"]), text(&entry["reason"])));
        } else if entry["next"].is_string() {
            let reconciliation =
                Reconciliation { verdict: verdicts.remove(&id), next: parse_duration(&text(&entry["next"])) };
            let mut ended = ended.lock().expect("no panic");
            ended.entry(text(&span["namespace"])).or_default().push(reconciliation);
            sender.send_modify(|count| *count += 1);
        }
    }
}

/// Parses a duration in Rust's debug format.
fn parse_duration(text: &str) -> Duration {
    let units = [("ns", 1e-9), ("µs", 1e-6), ("ms", 1e-3), ("s", 1.0)];
    let (number, unit) = units.iter().find_map(|(unit, size)| Some((text.strip_suffix(unit)?, size))).expect("a unit");
    Duration::from_secs_f64(number.parse::<f64>().expect("a number") * unit)
}
