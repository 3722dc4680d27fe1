//! The journal of all calls and their outcomes. It holds no secret.

use std::sync::Mutex;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::sync::lock;

/// One call.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Entry {
    pub(crate) seq: u64,
    pub(crate) at: Timestamp,
    pub(crate) tenant: String,
    pub(crate) kind: &'static str,
    pub(crate) method: String,
    pub(crate) host: String,
    pub(crate) path: String,
    /// Number of the tenant's access token that the call carried or was issued. Each client process has its own token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) token: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) if_match: Option<String>,
    /// Absent if the connection was closed without an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<u16>,
    /// The call changed the slot.
    pub(crate) effect: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) revision: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) clientid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) body: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) response_body: Option<Value>,
    /// Violations of the contract by request and answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) violation: Option<String>,
}

/// All calls, in the order of their completion.
pub(crate) struct Journal {
    entries: Mutex<Vec<Entry>>,
    last: watch::Sender<u64>,
}

impl Journal {
    pub(crate) fn new() -> Self {
        Self { entries: Mutex::new(Vec::new()), last: watch::Sender::new(0) }
    }

    /// Adds an entry, and sets its number and time.
    pub(crate) fn add(&self, mut entry: Entry) {
        let mut entries = lock(&self.entries);
        entry.seq = entries.len() as u64 + 1;
        entry.at = Timestamp::now();
        let seq = entry.seq;
        entries.push(entry);
        drop(entries);
        self.last.send_replace(seq);
    }

    /// Returns the entries of a tenant, or of all, after number `after`.
    pub(crate) fn after(&self, tenant: Option<&str>, after: u64) -> Vec<Entry> {
        let entries = lock(&self.entries);
        let from = usize::try_from(after).unwrap_or(usize::MAX).min(entries.len());
        entries[from..].iter().filter(|entry| tenant.is_none_or(|tenant| entry.tenant == tenant)).cloned().collect()
    }

    /// Waits until there are entries after number `after`, and returns them.
    pub(crate) async fn await_after(&self, tenant: Option<&str>, after: u64) -> Vec<Entry> {
        let mut last = self.last.subscribe();
        loop {
            let entries = self.after(tenant, after);
            if !entries.is_empty() || last.changed().await.is_err() {
                return entries;
            }
        }
    }
}

/// Replaces the secrets in a document.
pub(crate) fn masked(mut document: Value) -> Value {
    const SECRET: [&str; 5] = ["clientsecret", "client_secret", "access_token", "certificate", "verificationkey"];
    match &mut document {
        Value::Object(fields) => {
            for (name, value) in fields {
                *value = if SECRET.contains(&name.as_str()) { json!("masked") } else { masked(value.take()) };
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| *item = masked(item.take())),
        _ => {}
    }
    document
}
