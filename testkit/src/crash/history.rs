//! The history of a tenant's slot, read from the simulator's journal.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

/// The windows in which the operator may delete its key, by numbers of the journal: after the first, up to the second.
#[derive(Default)]
pub(super) struct DeletionWindows(Vec<(u64, Option<u64>)>);

impl DeletionWindows {
    /// Opens a window after this entry: source or object are about to be deleted.
    pub(super) fn open(&mut self, last: u64) {
        self.0.push((last, None));
    }

    /// Closes the window after this entry: there is a source again.
    pub(super) fn close(&mut self, last: u64) {
        if let Some((_, until)) = self.0.last_mut() {
            *until = Some(last);
        }
    }

    fn contain(&self, seq: u64) -> bool {
        self.0.iter().any(|(from, until)| seq > *from && until.is_none_or(|until| seq <= until))
    }
}

/// The writes to a slot, and the count of those that were wrong.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// Writes that took effect, in order.
    pub writes: Vec<String>,
    /// Uploads of a key that had been uploaded before.
    pub double_uploads: usize,
    /// Deletions of a key that was current and alive.
    pub wrong_deletes: usize,
    /// Uploads of a key that the uploading process had not signed in with.
    pub unproven_uploads: usize,
    /// Adoptions of a key that was not proven or was ours already, and releases while object and source existed.
    pub wrong_patches: usize,
}

impl History {
    /// Describes the wrong writes; none if there are none.
    pub(super) fn failure(&self) -> Option<String> {
        let Self { writes, double_uploads, wrong_deletes, unproven_uploads, wrong_patches } = self;
        (double_uploads + wrong_deletes + unproven_uploads + wrong_patches > 0).then(|| {
            format!(
                "{double_uploads} uploads of a key that was uploaded before, {wrong_deletes} deletions of a current and \
                 living key, {unproven_uploads} uploads of an unproven key, {wrong_patches} wrong adoptions and \
                 releases; writes with effect: {}",
                writes.join(", ")
            )
        })
    }

    /// Reads a journal. `starts` holds the numbers of the journal after which processes were started. `present` is the
    /// client of the key that was in the slot at the beginning; that key stays alive.
    pub(super) fn read(journal: &[Value], starts: &[u64], windows: &DeletionWindows, present: Option<&str>) -> Self {
        let mut history = Self::default();
        let (mut processes, mut uploaded) = (Processes::new(starts), Vec::new());
        let (mut content, mut is_ours) = (present, false);
        for entry in journal {
            processes.record(entry);
            let (kind, key) = (entry["kind"].as_str().unwrap_or_default(), entry["key"].as_str());
            if !["Put", "Patch", "Delete"].contains(&kind) || entry["effect"] != true {
                continue;
            }
            let may_remove = windows.contain(number(entry));
            match kind {
                "Put" => {
                    history.unproven_uploads += usize::from(!processes.had_proven(entry, key));
                    let was_present = present.is_some() && entry["clientid"].as_str() == present;
                    let was_uploaded = key.is_some_and(|key| uploaded.contains(&key));
                    history.double_uploads += usize::from(was_present || was_uploaded);
                    uploaded.extend(key);
                    (content, is_ours) = (key, true);
                }
                "Delete" => {
                    let is_right = content.is_none() || (may_remove && content != present);
                    history.wrong_deletes += usize::from(!is_right);
                    (content, is_ours) = (None, false);
                }
                _ => {
                    let adopts = entry["body"]["owner"].is_object();
                    let is_right = if adopts { !is_ours && processes.had_proven(entry, content) } else { may_remove };
                    history.wrong_patches += usize::from(!is_right);
                    is_ours = adopts;
                }
            }
            history.writes.push(kind.to_owned());
        }
        history
    }
}

/// The operator processes of a run, and the keys that each of them has signed in with.
struct Processes<'a> {
    starts: &'a [u64],
    /// Process by access token that it was issued.
    tokens: HashMap<u64, usize>,
    proven: HashSet<(usize, &'a str)>,
}

impl<'a> Processes<'a> {
    fn new(starts: &'a [u64]) -> Self {
        Self { starts, tokens: HashMap::new(), proven: HashSet::new() }
    }

    fn record(&mut self, entry: &'a Value) {
        let process = self.starts.iter().filter(|start| number(entry) > **start).count();
        match (entry["kind"].as_str(), entry["token"].as_u64()) {
            (Some("LandscapeToken"), Some(token)) => {
                self.tokens.insert(token, process);
            }
            (Some("SignIn"), _) if entry["status"] == 200 => {
                let names = ["key", "clientid"].into_iter().filter_map(|name| entry[name].as_str());
                self.proven.extend(names.map(|name| (process, name)));
            }
            _ => {}
        }
    }

    /// Returns true if the process that sent this write had signed in with this key. The access token identifies the
    /// process, as a request may arrive when its process is dead and another one runs.
    fn had_proven(&self, write: &Value, key: Option<&str>) -> bool {
        let process = write["token"].as_u64().and_then(|token| self.tokens.get(&token));
        process.zip(key).is_some_and(|(process, key)| self.proven.contains(&(*process, key)))
    }
}

fn number(entry: &Value) -> u64 {
    entry["seq"].as_u64().unwrap_or_default()
}

/// Returns the number of a journal's last entry.
pub(super) fn last(journal: &[Value]) -> u64 {
    journal.last().map(number).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Returns a journal of these calls, in which each process has an access token of its own.
    fn journal(calls: &[(&str, &str)]) -> Vec<Value> {
        let mut token = 0;
        let entry = |(index, (kind, key)): (usize, &(&str, &str))| {
            token += usize::from(*kind == "LandscapeToken");
            let effect = ["Put", "Patch", "Delete"].contains(kind);
            json!({ "seq": index + 1, "kind": kind, "key": key, "token": token, "status": 200, "effect": effect })
        };
        calls.iter().enumerate().map(entry).collect()
    }

    #[test]
    fn a_second_upload_an_unproven_upload_and_a_wrong_deletion_are_counted() {
        let calls = [("LandscapeToken", ""), ("SignIn", "a"), ("Put", "a"), ("Put", "b"), ("Put", "a"), ("Delete", "")];
        let history = History::read(&journal(&calls), &[0], &DeletionWindows::default(), None);
        assert_eq!((history.double_uploads, history.unproven_uploads, history.wrong_deletes), (1, 1, 1));
    }

    #[test]
    fn a_key_counts_as_proven_only_for_the_process_that_signed_in() {
        let windows = DeletionWindows::default();
        let unproven = |life: &[Value], starts: &[u64]| History::read(life, starts, &windows, None).unproven_uploads;
        let mut life = journal(&[("LandscapeToken", ""), ("SignIn", "a"), ("LandscapeToken", ""), ("Put", "a")]);
        assert_eq!(unproven(&life, &[0]), 0);
        assert_eq!(unproven(&life, &[0, 2]), 1);
        life[3]["token"] = json!(1);
        assert_eq!(unproven(&life, &[0, 2]), 0, "the first process sent the write");
    }

    #[test]
    fn a_key_that_was_present_must_be_neither_uploaded_nor_deleted() {
        let mut life = journal(&[("LandscapeToken", ""), ("SignIn", "a"), ("Put", "a"), ("Delete", "")]);
        life[2]["clientid"] = json!("present");
        let mut windows = DeletionWindows::default();
        windows.open(0);
        let history = History::read(&life, &[0], &windows, Some("present"));
        assert_eq!((history.double_uploads, history.wrong_deletes), (1, 0));
        life.remove(2);
        assert_eq!(History::read(&life, &[0], &windows, Some("present")).wrong_deletes, 1);
    }

    #[test]
    fn a_key_is_adopted_once_it_is_proven_and_released_when_its_object_is_deleted() {
        let calls = [("LandscapeToken", ""), ("SignIn", ""), ("Patch", ""), ("Patch", ""), ("Patch", "")];
        let mut life = journal(&calls);
        life[1]["clientid"] = json!("present");
        life[2]["body"] = json!({ "owner": { "name": "calm" } });
        life[4]["body"] = json!({ "owner": { "name": "calm" } });
        let wrong = |life: &[Value], windows: &DeletionWindows| {
            History::read(life, &[0], windows, Some("present")).wrong_patches
        };
        let mut windows = DeletionWindows::default();
        windows.open(3);
        assert_eq!(wrong(&life, &windows), 0);
        assert_eq!(wrong(&life, &DeletionWindows::default()), 1, "it was released while object and source existed");
        life[3]["body"] = life[2]["body"].clone();
        assert_eq!(wrong(&life, &windows), 2, "it was ours already");
        life[1]["clientid"] = json!("another");
        life.truncate(3);
        assert_eq!(wrong(&life, &windows), 1, "it was not proven");
    }

    #[test]
    fn a_key_may_be_deleted_within_a_window_and_an_empty_slot_at_any_time() {
        let life = journal(&[("Delete", ""), ("LandscapeToken", ""), ("SignIn", "a"), ("Put", "a"), ("Delete", "")]);
        let mut windows = DeletionWindows::default();
        windows.open(4);
        assert_eq!(History::read(&life, &[0], &windows, None).wrong_deletes, 0);
        windows.close(4);
        assert_eq!(History::read(&life, &[0], &windows, None).wrong_deletes, 1);
    }
}
