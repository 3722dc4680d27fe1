//! What the slot of a tenant went through, from the simulator's journal.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

/// When keys of ours may be deleted, by numbers of the journal: from the first on, and up to the second.
#[derive(Default)]
pub(super) struct Ends(Vec<(u64, Option<u64>)>);

impl Ends {
    /// Source or object go after this entry.
    pub(super) fn begin(&mut self, last: u64) {
        self.0.push((last, None));
    }

    /// There is a source again after this entry.
    pub(super) fn cease(&mut self, last: u64) {
        if let Some((_, until)) = self.0.last_mut() {
            *until = Some(last);
        }
    }

    fn cover(&self, seq: u64) -> bool {
        self.0.iter().any(|(from, until)| seq > *from && until.is_none_or(|until| seq <= until))
    }
}

/// What happened to the slot, and what of it was wrong.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// Writes that took effect, in order.
    pub writes: Vec<String>,
    /// Uploads of a key that had been uploaded before.
    pub double_uploads: usize,
    /// Deletions of a key that was current and alive.
    pub wrong_deletes: usize,
    /// Uploads of a key that the process which sent them had not signed in with.
    pub unproven_uploads: usize,
    /// Keys that were taken over unproven or once more, and such as were given up while object and source stood.
    pub wrong_patches: usize,
}

impl History {
    /// What was wrong, in words.
    pub(super) fn wrong(&self) -> Option<String> {
        let Self { writes, double_uploads, wrong_deletes, unproven_uploads, wrong_patches } = self;
        (double_uploads + wrong_deletes + unproven_uploads + wrong_patches > 0).then(|| {
            format!(
                "{double_uploads} uploads of a key that was uploaded before, {wrong_deletes} deletions of a current and \
                 living key, {unproven_uploads} uploads of an unproven key, {wrong_patches} keys taken over or given up \
                 out of turn; writes with effect: {}",
                writes.join(", ")
            )
        })
    }

    /// Reads a journal. Processes were started after these numbers of it. The slot held the key of this client in the
    /// beginning, if of any; that one stays alive.
    pub(super) fn of(journal: &[Value], starts: &[u64], ends: &Ends, found: Option<&str>) -> Self {
        let mut history = Self::default();
        let (mut processes, mut uploaded) = (Processes::new(starts), Vec::new());
        let (mut content, mut is_ours) = (found, false);
        for entry in journal {
            processes.hear(entry);
            let (kind, key) = (entry["kind"].as_str().unwrap_or_default(), entry["key"].as_str());
            if !["Put", "Patch", "Delete"].contains(&kind) || entry["effect"] != true {
                continue;
            }
            let ended = ends.cover(number(entry));
            match kind {
                "Put" => {
                    history.unproven_uploads += usize::from(!processes.had_proven(entry, key));
                    let was_there = found.is_some() && entry["clientid"].as_str() == found;
                    let again = key.is_some_and(|key| uploaded.contains(&key));
                    history.double_uploads += usize::from(was_there || again);
                    uploaded.extend(key);
                    (content, is_ours) = (key, true);
                }
                "Delete" => {
                    let right = content.is_none() || (ended && content != found);
                    history.wrong_deletes += usize::from(!right);
                    (content, is_ours) = (None, false);
                }
                _ => {
                    let takes_over = entry["body"]["owner"].is_object();
                    let right = if takes_over { !is_ours && processes.had_proven(entry, content) } else { ended };
                    history.wrong_patches += usize::from(!right);
                    is_ours = takes_over;
                }
            }
            history.writes.push(kind.to_owned());
        }
        history
    }
}

/// The processes of a life, and which keys each of them has signed in with.
struct Processes<'a> {
    starts: &'a [u64],
    /// Which process got which access token.
    tokens: HashMap<u64, usize>,
    proven: HashSet<(usize, &'a str)>,
}

impl<'a> Processes<'a> {
    fn new(starts: &'a [u64]) -> Self {
        Self { starts, tokens: HashMap::new(), proven: HashSet::new() }
    }

    fn hear(&mut self, entry: &'a Value) {
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

    /// Whether the process that sent this write had signed in with this key. What it sent may arrive when it is dead and
    /// another one runs: it came with its own token.
    fn had_proven(&self, write: &Value, key: Option<&str>) -> bool {
        let process = write["token"].as_u64().and_then(|token| self.tokens.get(&token));
        process.zip(key).is_some_and(|(process, key)| self.proven.contains(&(*process, key)))
    }
}

fn number(entry: &Value) -> u64 {
    entry["seq"].as_u64().unwrap_or_default()
}

/// The number of a journal's last entry.
pub(super) fn last(journal: &[Value]) -> u64 {
    journal.last().map(number).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Made by one process after the other, each with a token of its own.
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
    fn a_key_that_is_uploaded_again_or_unproven_or_deleted_in_its_life_is_noticed() {
        let calls = [("LandscapeToken", ""), ("SignIn", "a"), ("Put", "a"), ("Put", "b"), ("Put", "a"), ("Delete", "")];
        let found = History::of(&journal(&calls), &[0], &Ends::default(), None);
        assert_eq!((found.double_uploads, found.unproven_uploads, found.wrong_deletes), (1, 1, 1));
    }

    #[test]
    fn what_one_process_has_proven_another_one_has_not() {
        let own = [("LandscapeToken", ""), ("SignIn", "a"), ("LandscapeToken", ""), ("Put", "a")];
        assert_eq!(History::of(&journal(&own), &[0], &Ends::default(), None).unproven_uploads, 0);
        assert_eq!(History::of(&journal(&own), &[0, 2], &Ends::default(), None).unproven_uploads, 1);
        let mut late = journal(&own);
        late[3]["token"] = json!(1);
        assert_eq!(History::of(&late, &[0, 2], &Ends::default(), None).unproven_uploads, 0, "the first one sent it");
    }

    #[test]
    fn a_key_that_was_found_is_neither_uploaded_nor_deleted() {
        let mut life = journal(&[("LandscapeToken", ""), ("SignIn", "a"), ("Put", "a"), ("Delete", "")]);
        life[2]["clientid"] = json!("found");
        let mut ends = Ends::default();
        ends.begin(0);
        let found = History::of(&life, &[0], &ends, Some("found"));
        assert_eq!((found.double_uploads, found.wrong_deletes), (1, 0));
        life.remove(2);
        assert_eq!(History::of(&life, &[0], &ends, Some("found")).wrong_deletes, 1);
    }

    #[test]
    fn a_key_is_taken_over_once_it_is_proven_and_given_up_when_its_object_goes() {
        let calls = [("LandscapeToken", ""), ("SignIn", ""), ("Patch", ""), ("Patch", ""), ("Patch", "")];
        let mut life = journal(&calls);
        life[1]["clientid"] = json!("found");
        life[2]["body"] = json!({ "owner": { "name": "calm" } });
        life[4]["body"] = json!({ "owner": { "name": "calm" } });
        let wrong = |life: &[Value], ends: &Ends| History::of(life, &[0], ends, Some("found")).wrong_patches;
        let mut ends = Ends::default();
        ends.begin(3);
        assert_eq!(wrong(&life, &ends), 0);
        assert_eq!(wrong(&life, &Ends::default()), 1, "it was given up while all stood");
        life[3]["body"] = life[2]["body"].clone();
        assert_eq!(wrong(&life, &ends), 2, "it was ours");
        life[1]["clientid"] = json!("another");
        life.truncate(3);
        assert_eq!(wrong(&life, &ends), 1, "it was not proven");
    }

    #[test]
    fn a_key_may_be_deleted_once_it_ends_and_an_empty_slot_at_any_time() {
        let life = journal(&[("Delete", ""), ("LandscapeToken", ""), ("SignIn", "a"), ("Put", "a"), ("Delete", "")]);
        let mut ends = Ends::default();
        ends.begin(4);
        assert_eq!(History::of(&life, &[0], &ends, None).wrong_deletes, 0);
        ends.cease(4);
        assert_eq!(History::of(&life, &[0], &ends, None).wrong_deletes, 1);
    }
}
