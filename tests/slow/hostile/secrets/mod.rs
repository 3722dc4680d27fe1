//! Secrets with hostile or malformed keys, and the expected report of each.

mod form;
mod layouts;
mod rules;

use std::collections::BTreeMap;

use serde_json::Value;

/// A Secret, and its expected report.
pub(super) struct Hostile {
    /// Description of the mistake, for the message of a failed assertion.
    pub(super) what: &'static str,
    /// Entries of the Secret.
    pub(super) data: BTreeMap<String, Vec<u8>>,
    /// Entry that the `ALMServiceKey` names, if it names one.
    pub(super) entry: Option<&'static str>,
    /// Reason of `Ready` and of `Valid`.
    pub(super) reason: &'static str,
    /// Expected parts of the message, with the path.
    pub(super) message: &'static [&'static str],
}

/// Valid keys, from which the hostile ones are made.
pub(super) struct Keys {
    /// Living key of the tenant.
    pub(super) good: Value,
    /// Living key of another tenant.
    pub(super) other: Value,
}

/// Returns all Secrets that are refused without a remote call.
pub(super) fn all(keys: &Keys) -> Vec<Hostile> {
    let mut all = form::cases(&keys.good);
    all.extend(layouts::cases(&keys.good));
    all.extend(rules::cases(keys));
    all
}

/// Returns a Secret with one entry.
fn file(
    what: &'static str,
    bytes: impl Into<Vec<u8>>,
    reason: &'static str,
    message: &'static [&'static str],
) -> Hostile {
    entries(what, vec![("key.json", bytes.into())], reason, message)
}

/// Returns a Secret with several entries.
fn entries(
    what: &'static str,
    entries: Vec<(&str, Vec<u8>)>,
    reason: &'static str,
    message: &'static [&'static str],
) -> Hostile {
    let data = entries.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Hostile { what, data, entry: None, reason, message }
}

/// Returns a key after a change.
fn changed(key: &Value, change: impl FnOnce(&mut Value)) -> String {
    let mut key = key.clone();
    change(&mut key);
    key.to_string()
}
