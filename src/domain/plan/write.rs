//! Writes to the slot: recorded before they are sent, and conditional on the revision that was read.

use super::facts::{Facts, Written};
use super::request;
use super::settle::{self, Wait};
use super::step::{Now, Settlement, Step};
use crate::domain::conditions::{Condition, Conditions, Progress, Status};
use crate::domain::ledger::{Operation, Pending};
use crate::domain::policy::Adapter;
use crate::domain::reason::Reason;
use crate::domain::retry::Retry;
use crate::domain::service_key::ServiceKey;
use crate::domain::service_key::fingerprint::KeyFingerprint;
use crate::domain::slot::{Ownership, RemoteTrouble, Revision, WriteAnswer};

/// Puts the source's key into the slot at `revision`. `adopted` keeps the mark of an adopted key.
pub(super) fn put(facts: &Facts, key: &ServiceKey, revision: &Revision, adopted: bool, now: Now) -> Step {
    let step = Step::Put { revision: revision.clone(), adopted };
    after_record(facts, Operation::Upload, Some(key.fingerprint().clone()), revision, step, now)
}

/// Adopts the key in the slot at `revision`, which is identical to `key`.
pub(super) fn adopt(facts: &Facts, key: &ServiceKey, revision: &Revision, now: Now) -> Step {
    let step = Step::Adopt { revision: revision.clone() };
    after_record(facts, Operation::Adopt, Some(key.fingerprint().clone()), revision, step, now)
}

/// Leaves the key in the slot at `revision` to another owner or without one. For a key of another owner this only
/// advances the revision, so that a write of ours that may still be under way cannot take effect.
pub(super) fn release(facts: &Facts, revision: &Revision, to: Option<Ownership>, now: Now) -> Step {
    let step = Step::Release { revision: revision.clone(), to };
    after_record(facts, Operation::Release, recorded_fingerprint(facts, revision), revision, step, now)
}

/// Empties the slot at `revision`. In manual mode, returns the waits once a person is asked for that; an object that is
/// being deleted does not wait for that person.
///
/// # Errors
/// Returns the step that must be performed next.
pub(super) fn delete(facts: &Facts, revision: &Revision, now: Now) -> Result<Vec<Wait>, Step> {
    match facts.policy.adapter {
        Adapter::Manual if !facts.subject.deleting => {
            request::ask_to_delete(facts, revision, now)?;
            Ok(vec![Wait::Interval.at_most_hourly()])
        }
        Adapter::Http | Adapter::Manual => Err(delete_now(facts, revision, now)),
    }
}

/// Empties the slot at `revision`. For an empty slot this only advances the revision, so that a write of ours that may
/// still be under way cannot take effect.
pub(super) fn delete_now(facts: &Facts, revision: &Revision, now: Now) -> Step {
    let step = Step::Delete { revision: revision.clone() };
    after_record(facts, Operation::Delete, recorded_fingerprint(facts, revision), revision, step, now)
}

/// Returns true if a write that is conditional on `revision` may still be under way.
pub(super) fn may_still_land(facts: &Facts, revision: &Revision) -> bool {
    facts.ledger.pending.as_ref().is_some_and(|pending| pending.revision == *revision)
}

/// Returns the fingerprint of the key that the ledger records at `revision`.
fn recorded_fingerprint(facts: &Facts, revision: &Revision) -> Option<KeyFingerprint> {
    let uploaded = facts.ledger.uploaded.as_ref().filter(|uploaded| uploaded.revision == *revision);
    uploaded.map(|uploaded| uploaded.fingerprint.clone())
}

/// Returns `step` if exactly this write is recorded, and otherwise the step that records it.
fn after_record(
    facts: &Facts,
    operation: Operation,
    fingerprint: Option<KeyFingerprint>,
    revision: &Revision,
    step: Step,
    now: Now,
) -> Step {
    let recorded = facts.ledger.pending.as_ref().filter(|pending| pending.revision == *revision);
    let recorded_upload = recorded.filter(|pending| pending.operation == Operation::Upload);
    // Two uploads with the same condition may be under way, and one record stands for both.
    let fingerprint = match recorded_upload {
        Some(pending) if operation == Operation::Upload && pending.fingerprint != fingerprint => None,
        _ => fingerprint,
    };
    if recorded.is_some_and(|pending| pending.operation == operation && pending.fingerprint == fingerprint) {
        return step;
    }
    Step::Record(Pending { operation, fingerprint, revision: revision.clone(), started_at: now.wall })
}

/// Returns the settlement if a write of this reconciliation failed: it is not repeated before the next one.
pub(super) fn failed(facts: &Facts, now: Now) -> Option<Settlement> {
    let Written { operation, answer } = facts.answers.write.as_ref()?;
    match answer {
        WriteAnswer::Done(_) | WriteAnswer::HandedOver(_) | WriteAnswer::Changed => None,
        WriteAnswer::Rejected(message) if *operation == Operation::Upload => Some(upload_rejected(facts, message, now)),
        WriteAnswer::Rejected(message) => {
            let (reason, message) = (Reason::LandscapeManagementUnavailable, message.clone());
            let trouble = RemoteTrouble { reason, message, retry: Retry::Backoff };
            Some(settle::slot_unavailable(facts, &trouble, now))
        }
        WriteAnswer::Refused(trouble) | WriteAnswer::Unknown(trouble) => {
            Some(settle::slot_unavailable(facts, trouble, now))
        }
    }
}

/// Settles after Landscape Management refused the key by its own format check. The content of the slot is unchanged.
fn upload_rejected(facts: &Facts, message: &str, now: Now) -> Settlement {
    let rejected = Condition::no(Reason::UploadRejected, message);
    let conditions = settle::conditions(facts, rejected.clone(), Progress::Stalled);
    let uploaded = match conditions.uploaded.status {
        Status::True => conditions.uploaded,
        Status::False | Status::Unknown => rejected,
    };
    settle::settlement(facts, Some(Conditions { uploaded, ..conditions }), &[Wait::Retry(Retry::Never)], now)
}
