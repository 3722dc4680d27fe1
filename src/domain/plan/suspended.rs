//! `spec.suspend`: no call leaves the cluster, and nothing is written to the slot. The source is still read, so that
//! `Ready` does not hide that it no longer has the key that was uploaded.

use super::blocked;
use super::facts::{Facts, Source, Tenant};
use super::settle::{self, Wait};
use super::step::{Now, Settlement};
use crate::domain::conditions::{Condition, Conditions, Progress, Status};
use crate::domain::ledger::Uploaded;
use crate::domain::reason::Reason;
use crate::domain::retry::Retry;

/// The beginning of each message.
const SUSPENDED: &str =
    "spec.suspend is set: neither the token endpoint nor Landscape Management is called, except for a deletion";

/// Settles because the object is suspended. The conditions except `Ready` are kept.
pub(super) fn suspended(facts: &Facts, now: Now) -> Settlement {
    let (ready, wait) = readiness(facts, now);
    let progress = if ready.status == Status::False { Progress::Stalled } else { Progress::Done };
    let not_checked = Condition::unknown(Reason::Suspended, "the object was suspended before this was checked");
    let conditions = Conditions {
        ready,
        valid: not_checked.clone(),
        signed_in: not_checked.clone(),
        uploaded: not_checked,
        progress,
        ready_only: true,
    };
    settle::settlement(facts, Some(conditions), &[wait], now)
}

/// Returns `Ready`: as it was while the source still has the uploaded key, else `False`.
fn readiness(facts: &Facts, now: Now) -> (Condition, Wait) {
    let wait = Wait::Retry(Retry::Never);
    let ready = match (&facts.tenant, &facts.ledger.uploaded) {
        (Tenant::Missing { name }, _) => unknown(&format!("ALMTenant \"{name}\" does not exist")),
        (Tenant::Closed { message, .. }, _) => no(message),
        (Tenant::Open { .. }, None) if was_checked(facts) => no("no key of this object is in Landscape Management"),
        (Tenant::Open { .. }, None) => unknown("the object was suspended before its key was checked"),
        (Tenant::Open { .. }, Some(uploaded)) => return with_uploaded_key(facts, uploaded, now),
    };
    (ready, wait)
}

fn with_uploaded_key(facts: &Facts, uploaded: &Uploaded, now: Now) -> (Condition, Wait) {
    let wait = Wait::Retry(Retry::Never);
    match &facts.source {
        Source::Present { key: Ok(key), .. } if uploaded.is_current(key) == Some(false) => {
            (no("the source has another key than the one that was uploaded"), wait)
        }
        Source::Present { key: Ok(_), .. } => (as_it_was(facts), wait),
        Source::Present { key: Err(findings), .. } => {
            (no(&format!("the source no longer has the key that was uploaded: {findings}")), wait)
        }
        Source::Gone { message, .. } => {
            (no(&format!("{message}, and the key that was uploaded stays in Landscape Management")), wait)
        }
        Source::Unknown { message, retry, .. } => {
            let was_ready = facts.previous.as_ref().is_some_and(|previous| previous.ready.status == Status::True);
            if let Some(grace) = blocked::source_grace(facts, now).filter(|_| was_ready) {
                return (as_it_was(facts), grace);
            }
            let message = format!("the source may no longer have the key that was uploaded: {message}");
            (unknown(&message), Wait::Retry(*retry))
        }
    }
}

/// Returns `Ready` as it was before the suspension, by the conditions that are kept.
fn as_it_was(facts: &Facts) -> Condition {
    if facts.previous.is_none() {
        return unknown("it is not known whether the key was in order before that");
    }
    let kept = kept(facts);
    let with = |status| kept.into_iter().flatten().find(|condition| condition.status == status);
    match (with(Status::False), with(Status::Unknown)) {
        (Some(wrong), _) => no(&format!("before that, the key was not in order: {}", wrong.message)),
        (None, Some(open)) => {
            unknown(&format!("before that, it was not known that the key is in order: {}", open.message))
        }
        (None, None) => {
            Condition::yes(Reason::Suspended, format!("{SUSPENDED}; the source still has the key that was uploaded"))
        }
    }
}

/// Returns the conditions that a suspension keeps.
fn kept(facts: &Facts) -> [Option<&Condition>; 3] {
    let previous = facts.previous.as_ref();
    [
        previous.map(|previous| &previous.valid),
        previous.map(|previous| &previous.signed_in),
        previous.map(|previous| &previous.uploaded),
    ]
}

/// Returns true if a reconciliation before the suspension had a result.
fn was_checked(facts: &Facts) -> bool {
    kept(facts).into_iter().flatten().any(|condition| condition.status != Status::Unknown)
}

fn no(problem: &str) -> Condition {
    Condition::no(Reason::Suspended, format!("{SUSPENDED}; {problem}"))
}

fn unknown(problem: &str) -> Condition {
    Condition::unknown(Reason::Suspended, format!("{SUSPENDED}; {problem}"))
}
