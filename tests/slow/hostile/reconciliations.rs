//! Reconciliations as the operator logs them: their number, their result, and the rest that follows.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use testkit::bed::operator::Operator;
use testkit::bed::waiting::wait_for;

/// Pause between two reads of the log.
const POLL: Duration = Duration::from_millis(100);
/// Message of the line with which a reconciliation ends.
const ENDED: &str = "reconciliation settled";
/// Message of the line about a new status or reason of `Ready`.
const VERDICT: &str = "verdict changed";
/// Message of the line about a reconciliation that failed.
const FAILED: &str = "reconciliation failed, retrying";
/// Beginning of the message about a throttled reconciliation.
const THROTTLED: &str = "reconciliation throttled";

/// All reconciliations of `ALMServiceKey`s that have ended, by namespace and name.
pub(super) struct Reconciliations {
    text: String,
    ended: BTreeMap<String, Vec<Ended>>,
}

/// A reconciliation that has ended.
struct Ended {
    id: String,
    /// Delay of the next one, in seconds.
    next: f64,
}

impl Reconciliations {
    /// Reads the log, whose lines are JSON.
    pub(super) fn read(log: &Path) -> Self {
        let text = std::fs::read_to_string(log).expect("a log");
        let mut ended: BTreeMap<String, Vec<Ended>> = BTreeMap::new();
        let candidates =
            text.lines().filter(|line| line.contains(ENDED)).filter_map(|line| serde_json::from_str(line).ok());
        for line in candidates.filter(|line: &Value| line["message"] == ENDED && is_of_key(line)) {
            let next = text_of(&line["next"]).trim_end_matches('s').parse().unwrap_or_default();
            ended.entry(object(&line)).or_default().push(Ended { id: id(&line), next });
        }
        Self { text, ended }
    }

    /// Returns the number of reconciliations of an object.
    pub(super) fn count(&self, object: &str) -> usize {
        self.ended.get(object).map_or(0, Vec::len)
    }

    /// Returns the longest rest of an object, in seconds. A reconciliation that another trigger caused meanwhile, and that
    /// found nothing new, logs what remains of the rest.
    pub(super) fn longest_rest(&self, object: &str) -> f64 {
        self.ended.get(object).into_iter().flatten().map(|ended| ended.next).fold(0.0, f64::max)
    }

    /// Returns the number of reconciliations until an object's `Ready` had this reason, if it had. A throttled one called
    /// no remote side and does not count.
    pub(super) fn until(&self, wanted: &str, reason: &str) -> Option<usize> {
        let mut seen = BTreeSet::new();
        for line in lines(&self.text).filter(|line| is_of_key(line) && object(line) == wanted) {
            if !text_of(&line["message"]).starts_with(THROTTLED) {
                seen.insert(id(&line));
            }
            if line["message"] == VERDICT && line["reason"] == reason {
                return Some(seen.len());
            }
        }
        None
    }

    /// Returns the lines about failed reconciliations.
    pub(super) fn failed(&self) -> Vec<String> {
        let failed = lines(&self.text).filter(|line| line["message"] == FAILED);
        failed.map(|line| line.to_string()).collect()
    }

    /// Returns the lines about an object.
    pub(super) fn lines_of(&self, wanted: &str) -> String {
        let of_object = lines(&self.text).filter(|line| object(line) == wanted);
        of_object.map(|line| line.to_string()).collect::<Vec<_>>().join("\n")
    }

    /// Returns the whole log.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Returns the number of all reconciliations, by their ids.
    pub(super) fn total(&self) -> usize {
        let ids: BTreeSet<_> = self.ended.values().flatten().map(|ended| &ended.id).collect();
        ids.len()
    }
}

/// Waits until this many reconciliations of each object have ended.
pub(super) async fn await_reconciliations(operator: &Operator, objects: &[String], count: usize) {
    wait_for(&format!("{count} reconciliations of each of {} objects", objects.len()), async {
        loop {
            let log = Reconciliations::read(&operator.log);
            if objects.iter().all(|object| log.count(object) >= count) {
                return;
            }
            tokio::time::sleep(POLL).await;
        }
    })
    .await;
}

/// Returns the complete lines. The last one may still be written.
fn lines(text: &str) -> impl Iterator<Item = Value> {
    text.lines().filter_map(|line| serde_json::from_str(line).ok())
}

fn is_of_key(line: &Value) -> bool {
    line["span"]["kind"] == "ALMServiceKey"
}

fn id(line: &Value) -> String {
    text_of(&line["span"]["reconcile_id"])
}

/// Returns namespace and name of the object. The name is the field `object`: `name` is that of the span itself.
fn object(line: &Value) -> String {
    let span = &line["span"];
    format!("{}/{}", text_of(&span["namespace"]), text_of(&span["object"]))
}

fn text_of(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
