//! What the slot of a tenant went through, from the simulator's journal.

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
    /// Uploads of a key that had not been signed in with.
    pub unproven_uploads: usize,
}

impl History {
    /// What was wrong, in words.
    pub(super) fn wrong(&self) -> Option<String> {
        let Self { writes, double_uploads, wrong_deletes, unproven_uploads } = self;
        (double_uploads + wrong_deletes + unproven_uploads > 0).then(|| {
            format!(
                "{double_uploads} uploads of a key that was uploaded before, {wrong_deletes} deletions of a current and \
                 living key, {unproven_uploads} uploads of an unproven key; writes with effect: {}",
                writes.join(", ")
            )
        })
    }

    /// Reads a journal. The slot held the key of this client in the beginning, if of any; that one stays alive.
    pub(super) fn of(journal: &[Value], ends: &Ends, found: Option<&str>) -> Self {
        let mut history = Self::default();
        let (mut proven, mut uploaded, mut content) = (Vec::new(), Vec::new(), found);
        for entry in journal {
            let (kind, key) = (entry["kind"].as_str().unwrap_or_default(), entry["key"].as_str());
            if kind == "SignIn" && entry["status"] == 200 {
                proven.extend(key);
            }
            if !["Put", "Patch", "Delete"].contains(&kind) || entry["effect"] != true {
                continue;
            }
            match kind {
                "Put" => {
                    history.unproven_uploads += usize::from(key.is_none_or(|key| !proven.contains(&key)));
                    let was_there = found.is_some() && entry["clientid"].as_str() == found;
                    let again = key.is_some_and(|key| uploaded.contains(&key));
                    history.double_uploads += usize::from(was_there || again);
                    uploaded.extend(key);
                    content = key;
                }
                "Delete" => {
                    let ended = entry["seq"].as_u64().is_some_and(|seq| ends.cover(seq));
                    let right = content.is_none() || (ended && content != found);
                    history.wrong_deletes += usize::from(!right);
                    content = None;
                }
                _ => {}
            }
            history.writes.push(kind.to_owned());
        }
        history
    }
}

/// The number of a journal's last entry.
pub(super) fn last(journal: &[Value]) -> u64 {
    journal.last().and_then(|entry| entry["seq"].as_u64()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn journal(calls: &[(&str, &str)]) -> Vec<Value> {
        let entry = |(index, (kind, key)): (usize, &(&str, &str))| json!({ "seq": index + 1, "kind": kind, "key": key, "status": 200, "effect": *kind != "SignIn" });
        calls.iter().enumerate().map(entry).collect()
    }

    #[test]
    fn a_key_that_is_uploaded_again_or_unproven_or_deleted_in_its_life_is_noticed() {
        let twice = journal(&[("SignIn", "a"), ("Put", "a"), ("Put", "b"), ("Put", "a"), ("Delete", "")]);
        let found = History::of(&twice, &Ends::default(), None);
        assert_eq!((found.double_uploads, found.unproven_uploads, found.wrong_deletes), (1, 1, 1));
    }

    #[test]
    fn a_key_that_was_found_is_neither_uploaded_nor_deleted() {
        let mut life = journal(&[("SignIn", "a"), ("Put", "a"), ("Delete", "")]);
        life[1]["clientid"] = json!("found");
        let mut ends = Ends::default();
        ends.begin(0);
        let found = History::of(&life, &ends, Some("found"));
        assert_eq!((found.double_uploads, found.wrong_deletes), (1, 0));
        life.remove(1);
        assert_eq!(History::of(&life, &ends, Some("found")).wrong_deletes, 1);
    }

    #[test]
    fn a_key_may_be_deleted_once_it_ends_and_an_empty_slot_at_any_time() {
        let life = journal(&[("Delete", ""), ("SignIn", "a"), ("Put", "a"), ("Delete", "")]);
        let mut ends = Ends::default();
        ends.begin(3);
        assert_eq!(History::of(&life, &ends, None).wrong_deletes, 0);
        ends.cease(3);
        assert_eq!(History::of(&life, &ends, None).wrong_deletes, 1);
    }
}
