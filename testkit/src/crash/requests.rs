//! The requests that a person of manual mode has read.

use std::collections::BTreeMap;

use alm_key_operator::api::action::{ActionOperation, ActionStatus};
use alm_key_operator::api::slot::PendingRemoval;
use alm_key_operator::domain::steps;

/// A request to a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Request {
    /// Identifies the request.
    pub(super) id: String,
    /// The kind of action.
    pub(super) operation: ActionOperation,
    /// Fingerprints of the keys that the request is about.
    pub(super) fingerprints: Vec<String>,
    /// The revision of the record that the request is based on; none for a removal.
    pub(super) revision: Option<String>,
    /// Fingerprints of the keys that the steps let a person delete.
    pub(super) deletable: Vec<String>,
}

impl From<ActionStatus> for Request {
    fn from(action: ActionStatus) -> Self {
        Self {
            id: action.id,
            operation: action.operation,
            fingerprints: action.fingerprint.into_iter().collect(),
            revision: Some(action.revision),
            deletable: deletable(&action.steps),
        }
    }
}

impl From<PendingRemoval> for Request {
    fn from(removal: PendingRemoval) -> Self {
        Self {
            id: removal.id,
            operation: ActionOperation::Delete,
            fingerprints: removal.fingerprints,
            revision: None,
            deletable: deletable(&removal.steps),
        }
    }
}

fn deletable(steps: &[String]) -> Vec<String> {
    steps::deletable(steps).iter().map(ToString::to_string).collect()
}

/// All requests that a person has read, by their IDs.
#[derive(Default)]
pub(super) struct Requests(BTreeMap<String, Request>);

impl Requests {
    /// Keeps a request. Fails the test if its ID stood for another request before, or if the same request had another ID.
    pub(super) fn keep(&mut self, request: &Request) {
        for before in self.0.values() {
            let is_same_id = before.id == request.id;
            assert_eq!(
                is_same_id,
                is_same(before, request),
                "one request has one ID, and no other request has it: {before:?}, {request:?}"
            );
        }
        self.0.entry(request.id.clone()).or_insert_with(|| request.clone());
    }
}

/// Returns true if two requests ask for the same on the same basis.
fn is_same(one: &Request, other: &Request) -> bool {
    one.operation == other.operation && one.fingerprints == other.fingerprints && one.revision == other.revision
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    fn request(id: &str, fingerprint: &str) -> Request {
        Request {
            id: id.into(),
            operation: ActionOperation::Upload,
            fingerprints: vec![fingerprint.into()],
            revision: Some("1".into()),
            deletable: Vec::new(),
        }
    }

    #[test]
    fn a_request_that_is_read_twice_has_one_id_that_stands_for_nothing_else() {
        let mut requests = Requests::default();
        requests.keep(&request("a", "2:1"));
        let mut is_kept = |request: &Request| catch_unwind(AssertUnwindSafe(|| requests.keep(request))).is_ok();
        assert!(is_kept(&request("a", "2:1")));
        assert!(is_kept(&request("b", "2:2")));
        assert!(!is_kept(&request("a", "2:3")), "the ID came back for another request");
        assert!(!is_kept(&request("c", "2:1")), "the same request got another ID");
    }
}
