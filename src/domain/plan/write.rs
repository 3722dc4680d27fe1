//! Writes to the slot: recorded before they are sent, and conditional on the revision that was looked at.

use super::{Facts, Now, Step, settle};
use crate::domain::conditions::{Condition, Conditions, Progress, Status};
use crate::domain::fingerprint::Fingerprint;
use crate::domain::ledger::{Operation, Pending};
use crate::domain::reason::Reason;
use crate::domain::retry::Retry;
use crate::domain::service_key::ServiceKey;
use crate::domain::slot::{RemoteTrouble, Revision, WriteAnswer};

/// Puts the source's key over `revision`.
pub(super) fn put(facts: &Facts, key: &ServiceKey, revision: &Revision, now: Now) -> Step {
    let step = Step::Put { revision: revision.clone() };
    conditionally(facts, Operation::Upload, Some(Fingerprint::of(key)), revision, step, now)
}

/// Empties the slot at `revision`; if it is empty already, advances its revision, so that a write which may still be
/// under way cannot take effect.
pub(super) fn delete(facts: &Facts, revision: &Revision, now: Now) -> Step {
    let uploaded = facts.ledger.uploaded.as_ref().filter(|uploaded| uploaded.revision == *revision);
    let fingerprint = uploaded.map(|uploaded| uploaded.fingerprint.clone());
    let step = Step::Delete { revision: revision.clone() };
    conditionally(facts, Operation::Delete, fingerprint, revision, step, now)
}

/// Whether a write that is conditional on `revision` may still be under way.
pub(super) fn may_still_land(facts: &Facts, revision: &Revision) -> bool {
    facts.ledger.pending.as_ref().is_some_and(|pending| pending.revision == *revision)
}

fn conditionally(
    facts: &Facts,
    operation: Operation,
    fingerprint: Option<Fingerprint>,
    revision: &Revision,
    step: Step,
    now: Now,
) -> Step {
    match &facts.answers.write {
        Some(WriteAnswer::Rejected(message)) if operation == Operation::Delete => {
            let (reason, message) = (Reason::LandscapeManagementUnavailable, message.clone());
            let trouble = RemoteTrouble { reason, message, retry: Retry::Backoff };
            return Step::Settle(Box::new(settle::trouble(facts, &trouble, now)));
        }
        Some(WriteAnswer::Rejected(message)) => return Step::Settle(Box::new(rejected(facts, message, now))),
        Some(WriteAnswer::Refused(trouble) | WriteAnswer::Unknown(trouble)) => {
            return Step::Settle(Box::new(settle::trouble(facts, trouble, now)));
        }
        Some(WriteAnswer::Done(_) | WriteAnswer::Changed) | None => {}
    }
    let recorded = facts.ledger.pending.as_ref().is_some_and(|pending| {
        pending.operation == operation && pending.fingerprint == fingerprint && pending.revision == *revision
    });
    if recorded {
        return step;
    }
    Step::Record(Pending { operation, fingerprint, revision: revision.clone(), started_at: now.wall })
}

/// Landscape Management's own format check said no. What stands there, stands.
fn rejected(facts: &Facts, message: &str, now: Now) -> super::Settlement {
    let uploaded = settle::uploaded(facts);
    let conditions = Conditions {
        ready: Condition::no(Reason::UploadRejected, message),
        valid: settle::valid(facts),
        signed_in: settle::signed_in(facts),
        uploaded: match uploaded.status {
            Status::True => uploaded,
            Status::False | Status::Unknown => Condition::no(Reason::UploadRejected, message),
        },
        progress: Progress::Stalled,
    };
    settle::with(facts, Some(conditions), &[settle::Wait::Retry(Retry::Never)], now)
}
