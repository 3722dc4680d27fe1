//! Secrets with hostile or clumsy keys: what is said of each, and how often it may sign in.

mod form;
mod layouts;
mod rules;

use std::collections::BTreeMap;

use serde_json::Value;

/// A Secret, and what is said of it.
pub(super) struct Hostile {
    /// What is wrong with it, for whoever reads a failure.
    pub(super) what: &'static str,
    /// The entries of the Secret.
    pub(super) data: BTreeMap<String, Vec<u8>>,
    /// The entry that the `ALMServiceKey` names, if it names one.
    pub(super) entry: Option<&'static str>,
    /// Reason of `Ready` and of `Valid`.
    pub(super) reason: &'static str,
    /// What the message says, the path among it.
    pub(super) says: &'static [&'static str],
}

/// Keys that hostile ones are made of.
pub(super) struct Keys {
    /// Lives, and belongs to the tenant.
    pub(super) good: Value,
    /// Lives, and belongs to another tenant.
    pub(super) other: Value,
}

/// All of them that are refused before anybody is asked.
pub(super) fn all(keys: &Keys) -> Vec<Hostile> {
    let mut all = form::cases(&keys.good);
    all.extend(layouts::cases(&keys.good));
    all.extend(rules::cases(keys));
    all
}

/// One entry with these bytes.
fn file(what: &'static str, bytes: impl Into<Vec<u8>>, reason: &'static str, says: &'static [&'static str]) -> Hostile {
    entries(what, vec![("key.json", bytes.into())], reason, says)
}

/// These entries.
fn entries(
    what: &'static str,
    entries: Vec<(&str, Vec<u8>)>,
    reason: &'static str,
    says: &'static [&'static str],
) -> Hostile {
    let data = entries.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Hostile { what, data, entry: None, reason, says }
}

/// A key after a change.
fn changed(key: &Value, change: impl FnOnce(&mut Value)) -> String {
    let mut key = key.clone();
    change(&mut key);
    key.to_string()
}
