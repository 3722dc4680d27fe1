//! The operator's log, as far as it tells of passes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

/// Every pass over `ALMServiceKey`s that has ended, by namespace and name.
pub(super) struct Passes {
    text: String,
    ended: BTreeMap<String, Vec<Ended>>,
}

/// One pass.
struct Ended {
    id: String,
    /// Until the next one, in seconds.
    next: f64,
}

impl Passes {
    /// What the log, whose lines are JSON, tells so far.
    pub(super) fn read(log: &Path) -> Self {
        let text = std::fs::read_to_string(log).expect("a log");
        let mut ended: BTreeMap<String, Vec<Ended>> = BTreeMap::new();
        for line in
            lines(&text).filter(|line| line["message"] == "reconciliation settled" && line["kind"] == "ALMServiceKey")
        {
            let next = word(&line, "next").trim_end_matches('s').parse().unwrap_or_default();
            ended.entry(object(&line)).or_default().push(Ended { id: word(&line, "reconcile_id"), next });
        }
        Self { text, ended }
    }

    /// How many there were over an object.
    pub(super) fn over(&self, object: &str) -> usize {
        self.ended.get(object).map_or(0, Vec::len)
    }

    /// For how long an object is left alone, in seconds, after the pass that left it alone for longest. One that somebody
    /// else caused meanwhile, and that found nothing new, tells what remains of that.
    pub(super) fn rest_of(&self, object: &str) -> f64 {
        self.ended.get(object).into_iter().flatten().map(|pass| pass.next).fold(0.0, f64::max)
    }

    /// How many it took until this was the reason of an object's `Ready`; none if it has not been yet. A pass that was put
    /// off, because others of the namespace have asked too often, asked nobody and is none.
    pub(super) fn until(&self, wanted: &str, reason: &str) -> Option<usize> {
        let mut seen = BTreeSet::new();
        for line in lines(&self.text).filter(|line| line["kind"] == "ALMServiceKey" && object(line) == wanted) {
            if !word(&line, "message").starts_with("reconciliation throttled") {
                seen.insert(word(&line, "reconcile_id"));
            }
            if line["message"] == "verdict changed" && line["reason"] == reason {
                return Some(seen.len());
            }
        }
        None
    }

    /// Lines that tell of a pass that could not be carried out.
    pub(super) fn failed(&self) -> Vec<String> {
        let failed = lines(&self.text).filter(|line| line["message"] == "reconciliation failed, retrying");
        failed.map(|line| line.to_string()).collect()
    }

    /// The lines that tell of an object.
    pub(super) fn lines_of(&self, wanted: &str) -> String {
        let told = lines(&self.text).filter(|line| object(line) == wanted);
        told.map(|line| line.to_string()).collect::<Vec<_>>().join("\n")
    }

    /// The whole log.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Each pass has a name of its own, or they could not be counted.
    pub(super) fn all(&self) -> usize {
        let ids: BTreeSet<_> = self.ended.values().flatten().map(|pass| &pass.id).collect();
        ids.len()
    }
}

/// A part of the line with which a pass over an object ends.
pub(super) fn end_of_pass(namespace: &str, name: &str) -> String {
    format!("\"message\":\"reconciliation settled\",\"name\":\"{name}\",\"namespace\":\"{namespace}\"")
}

/// The lines that are whole. The last one may still be written.
fn lines(text: &str) -> impl Iterator<Item = Value> {
    text.lines().filter_map(|line| serde_json::from_str(line).ok())
}

fn word(line: &Value, field: &str) -> String {
    line[field].as_str().unwrap_or_default().to_owned()
}

fn object(line: &Value) -> String {
    format!("{}/{}", word(line, "namespace"), word(line, "name"))
}
