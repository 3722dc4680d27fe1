//! Writes to the slot: recorded before they are sent, and conditional on the revision that was looked at.

use super::{Facts, Now, Step, settle};
use crate::domain::conditions::{Condition, Conditions, Progress, Status};
use crate::domain::ledger::{Operation, Pending};
use crate::domain::reason::Reason;
use crate::domain::retry::Retry;
use crate::domain::service_key::ServiceKey;
use crate::domain::service_key::fingerprint::Fingerprint;
use crate::domain::slot::{Ownership, RemoteTrouble, Revision, WriteAnswer};

/// Puts the source's key over `revision`.
pub(super) fn put(facts: &Facts, key: &ServiceKey, revision: &Revision, now: Now) -> Step {
    let step = Step::Put { revision: revision.clone() };
    conditionally(facts, Operation::Upload, Some(Fingerprint::of(key)), revision, step, now)
}

/// Makes the key that stands there at `revision`, identical to `key`, ours.
pub(super) fn adopt(facts: &Facts, key: &ServiceKey, revision: &Revision, now: Now) -> Step {
    let step = Step::Adopt { revision: revision.clone() };
    conditionally(facts, Operation::Adopt, Some(Fingerprint::of(key)), revision, step, now)
}

/// Leaves what stands there at `revision` to somebody else or to nobody. Of a key that is not ours only the revision
/// advances by it, so that a write which may still be under way cannot take effect.
pub(super) fn release(facts: &Facts, revision: &Revision, to: Option<Ownership>, now: Now) -> Step {
    let step = Step::Release { revision: revision.clone(), to };
    conditionally(facts, Operation::Release, recorded(facts, revision), revision, step, now)
}

/// Empties the slot at `revision`; if it is empty already, advances its revision, so that a write which may still be
/// under way cannot take effect.
pub(super) fn delete(facts: &Facts, revision: &Revision, now: Now) -> Step {
    let step = Step::Delete { revision: revision.clone() };
    conditionally(facts, Operation::Delete, recorded(facts, revision), revision, step, now)
}

/// Whether a write that is conditional on `revision` may still be under way.
pub(super) fn may_still_land(facts: &Facts, revision: &Revision) -> bool {
    facts.ledger.pending.as_ref().is_some_and(|pending| pending.revision == *revision)
}

/// The key that the ledger knows to stand there at `revision`.
fn recorded(facts: &Facts, revision: &Revision) -> Option<Fingerprint> {
    let uploaded = facts.ledger.uploaded.as_ref().filter(|uploaded| uploaded.revision == *revision);
    uploaded.map(|uploaded| uploaded.fingerprint.clone())
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
        Some(WriteAnswer::Rejected(message)) if operation == Operation::Upload => {
            return Step::Settle(Box::new(rejected(facts, message, now)));
        }
        Some(WriteAnswer::Rejected(message)) => {
            let (reason, message) = (Reason::LandscapeManagementUnavailable, message.clone());
            let trouble = RemoteTrouble { reason, message, retry: Retry::Backoff };
            return Step::Settle(Box::new(settle::trouble(facts, &trouble, now)));
        }
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
        others_stand: false,
    };
    settle::with(facts, Some(conditions), &[settle::Wait::Retry(Retry::Never)], now)
}
