//! The requests that people were asked for, and the records that their confirmations led to. The operator forgets both;
//! the checker does not.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::action::ActionOperation;
use crate::domain::record::RecordedContent;
use crate::domain::service_key::fingerprint::KeyFingerprint;
use crate::domain::slot::Revision;

/// A request to a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// The action of the object with this uid.
    Action { uid: String, operation: ActionOperation, fingerprint: Option<KeyFingerprint>, revision: Revision },
    /// The removal of these keys from the slot of the tenant with this uid.
    Removal { tenant: String, keys: Vec<KeyFingerprint> },
}

/// All requests and records that there ever were.
#[derive(Default)]
pub(crate) struct RequestLog {
    /// The requests by their ID.
    requests: BTreeMap<String, Request>,
    /// The records by their revision.
    records: BTreeMap<String, RecordedContent>,
    /// The confirmations that changed a record, in order.
    applied: Vec<String>,
    /// The revisions that another client has restored. Requests that were made at one of them are current again, although
    /// the operator has forgotten them.
    pub(crate) restored: BTreeSet<String>,
}

impl RequestLog {
    /// Returns the request with this ID.
    pub(crate) fn request(&self, id: &str) -> Option<&Request> {
        self.requests.get(id)
    }

    /// Adds a request. Returns false if its ID stands for another one.
    pub(crate) fn add_request(&mut self, id: &str, request: &Request) -> bool {
        *self.requests.entry(id.to_owned()).or_insert_with(|| request.clone()) == *request
    }

    /// Notes that a confirmation changed a record. Returns false if it did so before, and another one has done so since. A
    /// reconciliation that was interrupted applies the same one again.
    pub(crate) fn apply(&mut self, confirmation: String) -> bool {
        let is_last = self.applied.last() == Some(&confirmation);
        let is_new = !self.applied.contains(&confirmation);
        self.applied.push(confirmation);
        is_last || is_new
    }

    /// Returns the content that was recorded at a revision.
    pub(crate) fn content(&self, revision: &Revision) -> Option<&RecordedContent> {
        self.records.get(revision.as_str())
    }

    /// Adds a record. Returns false if its revision stands for another content.
    pub(crate) fn add_record(&mut self, revision: &Revision, content: &RecordedContent) -> bool {
        self.records.entry(revision.as_str().to_owned()).or_insert_with(|| content.clone()) == content
    }
}
