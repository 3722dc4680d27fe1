//! The settlements: how a reconciliation ends.

use std::time::Duration;

use jiff::Timestamp;

use super::facts::{Facts, Source, Verdict};
use super::request;
use super::step::{Now, Settlement};
use crate::domain::action::Unconfirmed;
use crate::domain::conditions::{Condition, Conditions, Progress, Status};
use crate::domain::evidence::{Observations, Refusals, Settled, Verified};
use crate::domain::ledger::{Ledger, Overwritten, Uploaded};
use crate::domain::policy::Adapter;
use crate::domain::reason::Reason;
use crate::domain::retry::{BACKOFF_MIN, FailureStreak, MAX_RETRY_AFTER, RECHECK_PERIOD, Retry, spread};
use crate::domain::service_key::ServiceKey;
use crate::domain::slot::{Basis, Holder, Ownership, RemoteTrouble, Slot};

/// A reason for another reconciliation, and its time. The earliest one counts.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wait {
    /// The periodic check after `spec.interval`.
    Interval,
    /// A probe that is due, or a grace period that ends, after exactly this duration.
    Exactly(Duration),
    /// Another attempt after a failure.
    Retry(Retry),
}

impl Wait {
    /// Returns the wait for a state that does not recover by itself: it must cost at most 100 calls a day (invariant
    /// 6).
    pub(super) fn at_most_hourly(self) -> Self {
        match self {
            Self::Interval => Self::Retry(Retry::Never),
            Self::Exactly(_) | Self::Retry(_) => self,
        }
    }

    /// Returns the wait until `time`, if that is in the future.
    pub(super) fn until(time: Timestamp, now: Now) -> Option<Self> {
        let rest = Duration::try_from(time.duration_since(now.wall)).ok()?;
        (!rest.is_zero()).then_some(Self::Exactly(rest))
    }
}

/// Returns a settlement without changes if nothing has changed since the last one and the next check is not due.
pub(super) fn unchanged(facts: &Facts, now: Now) -> Option<Settlement> {
    let settled = facts.observations.settled.as_ref()?;
    let rest = settled.due.remaining(now.monotonic);
    let has_verdict = facts.previous.as_ref().is_some_and(|previous| previous.ready.reason != Reason::Progressing);
    let requested = facts.subject.requested.is_some();
    if !has_verdict || requested || rest.is_zero() || settled.change_marker != facts.change_marker() {
        return None;
    }
    Some(Settlement {
        conditions: None,
        ledger: facts.ledger.clone(),
        release: false,
        orphan: false,
        next: rest,
        observations: facts.observations.clone(),
    })
}

/// Returns the conditions with `ready` and `progress`; the other three are derived from the facts.
pub(super) fn conditions(facts: &Facts, ready: Condition, progress: Progress) -> Conditions {
    Conditions {
        ready,
        valid: valid(facts),
        signed_in: signed_in(facts),
        uploaded: uploaded(facts),
        progress,
        ready_only: false,
    }
}

/// Returns the settlement with `conditions`; `None` leaves the conditions in the status unchanged.
pub(super) fn settlement(facts: &Facts, conditions: Option<Conditions>, waits: &[Wait], now: Now) -> Settlement {
    let mut observations = facts.observations.clone();
    let has_failed = waits.iter().any(|wait| matches!(wait, Wait::Retry(Retry::Backoff | Retry::After(_))));
    observations.failures = has_failed.then(|| FailureStreak::extend(observations.failures, now.monotonic));
    let failures = observations.failures;
    let back_off = || failures.map_or(RECHECK_PERIOD, |failures| failures.wait(now.monotonic, facts.jitter));
    let next = waits
        .iter()
        .map(|wait| match wait {
            Wait::Interval => spread(facts.policy.interval, facts.jitter),
            Wait::Exactly(rest) => *rest,
            Wait::Retry(Retry::Never) => spread(RECHECK_PERIOD, facts.jitter),
            // A server that always answers with a short `Retry-After` is still called less and less often.
            Wait::Retry(Retry::After(wait)) => (*wait).clamp(BACKOFF_MIN, MAX_RETRY_AFTER).max(back_off()),
            Wait::Retry(Retry::Backoff) => back_off(),
        })
        .min()
        .unwrap_or(RECHECK_PERIOD);
    let relevant = [
        facts.source_key().map(ServiceKey::credentials_fingerprint),
        facts.slot_key().map(ServiceKey::credentials_fingerprint),
        facts.observations.slot_key.as_ref(),
    ];
    observations.refusals.retain(|key, _| relevant.contains(&Some(key)));
    let is_ready = conditions.as_ref().is_some_and(|conditions| conditions.ready.status == Status::True);
    let is_verified = is_ready && !facts.policy.suspend;
    if let (true, Some(key)) = (is_verified, facts.source_key()) {
        observations.verified = Some(Verified { document: key.document_fingerprint().clone(), at: now.monotonic });
    }
    observations.settled = Some(Settled { change_marker: facts.change_marker(), due: now.monotonic.after(next) });
    Settlement { conditions, ledger: current_ledger(facts), release: false, orphan: false, next, observations }
}

/// Returns the ledger without an action that this reconciliation did not ask for, and without the keys that a person was
/// asked to upload at an earlier revision.
pub(super) fn current_ledger(facts: &Facts) -> Ledger {
    let Ledger { uploaded, pending, overwritten, action, unconfirmed } = facts.ledger.clone();
    let revision = facts.answers.slot.as_ref().and_then(|slot| slot.as_ref().ok()).map(Slot::revision);
    let is_current = |unconfirmed: &Unconfirmed| revision.is_none_or(|revision| unconfirmed.revision == *revision);
    let action = action.filter(|_| facts.answers.asked);
    Ledger { uploaded, pending, overwritten, action, unconfirmed: unconfirmed.filter(is_current) }
}

/// Returns the ledger, without the upload if the slot was read and is not ours.
pub(super) fn ledger_as_read(facts: &Facts) -> Ledger {
    match facts.holder() {
        Some(Holder::Us(_)) | None => current_ledger(facts),
        Some(_) => ledger_without_upload(facts),
    }
}

/// Returns the ledger after the slot was read and holds no key of ours. A write that may still be under way stays
/// recorded, and so does the fact that another client overwrote our key.
pub(super) fn ledger_without_upload(facts: &Facts) -> Ledger {
    let ledger = current_ledger(facts);
    let Some(Ok(slot)) = &facts.answers.slot else { return ledger };
    if matches!(slot, Slot::Unknown { .. }) {
        // The ledger is all that is known of the slot.
        return ledger;
    }
    let Ledger { uploaded, pending, overwritten, action, unconfirmed } = ledger;
    let pending = pending.filter(|pending| pending.revision == *slot.revision());
    let overwritten = match slot.holder(&facts.subject.owner) {
        Holder::Empty(_) | Holder::Unknown(_) | Holder::Sibling(..) | Holder::Us(_) => None,
        Holder::Nobody(_) | Holder::Elsewhere(..) => match uploaded {
            Some(Uploaded { fingerprint, .. }) => {
                Some(Overwritten { fingerprint, generation: facts.subject.generation })
            }
            None => overwritten,
        },
    };
    Ledger { uploaded: None, pending, overwritten, action, unconfirmed }
}

/// Settles for the last time: the object is released, and no key of it is in the slot.
pub(super) fn released(facts: &Facts, now: Now) -> Settlement {
    Settlement { release: true, ledger: Ledger::default(), ..settlement(facts, None, &[], now) }
}

/// Settles for the last time: the object is released, and a key of it may stay in the slot.
pub(super) fn abandoned(facts: &Facts, now: Now) -> Settlement {
    Settlement { orphan: facts.ledger.is_open(), ..released(facts, now) }
}

/// Settles because Landscape Management could not be used: `Ready=True` is kept, and any other state becomes unknown.
pub(super) fn slot_unavailable(facts: &Facts, trouble: &RemoteTrouble, now: Now) -> Settlement {
    if was_ready(facts) {
        return unverified(facts, FailedCheck::Slot, &trouble.message, trouble.retry, now);
    }
    let (status, progress) = match trouble.retry {
        Retry::Never => (Status::False, Progress::Stalled),
        Retry::After(_) | Retry::Backoff => (Status::Unknown, Progress::Reconciling),
    };
    let conditions = Conditions {
        uploaded: removed_before(facts).unwrap_or_else(|| Condition::unknown(trouble.reason, trouble.message.clone())),
        ..conditions(facts, Condition::new(status, trouble.reason, trouble.message.clone()), progress)
    };
    let settlement = settlement(facts, Some(conditions), &[Wait::Retry(trouble.retry)], now);
    request::with_earlier_action(facts, settlement)
}

/// Returns true if `Ready=True` was found for this key and generation, and nothing has contradicted it since.
pub(super) fn was_ready(facts: &Facts) -> bool {
    let Some(key) = facts.source_key() else { return false };
    // A record of another version does not contradict it. What it says is compared once the slot can be read.
    let uploaded = facts.ledger.uploaded.as_ref().is_some_and(|uploaded| uploaded.is_current(key).unwrap_or(true));
    let verified =
        facts.observations.verified.as_ref().is_some_and(|verified| verified.document == *key.document_fingerprint());
    let ready = facts.previous.as_ref().is_some_and(|Conditions { ready, .. }| {
        ready.status == Status::True || ready.reason == Reason::NotVerifiedLately
    });
    ready && !facts.subject.deleting && (uploaded || verified)
}

/// The check that was not possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FailedCheck {
    /// The sign-in with the key.
    SignIn,
    /// The read of the slot.
    Slot,
}

/// Settles because `Ready=True` could not be verified: it is kept for three intervals, and then becomes unknown.
pub(super) fn unverified(facts: &Facts, check: FailedCheck, message: &str, retry: Retry, now: Now) -> Settlement {
    let document = facts.source_key().map(ServiceKey::document_fingerprint);
    let known = facts.observations.verified.clone().filter(|verified| Some(&verified.document) == document);
    let verified = known.or(document.cloned().map(|document| Verified { document, at: now.monotonic }));
    let age = verified.as_ref().map(|verified| verified.at.elapsed(now.monotonic)).unwrap_or_default();
    let rest = (facts.policy.interval * 3).saturating_sub(age);
    let mut waits = vec![Wait::Retry(retry)];
    if !rest.is_zero() {
        waits.push(Wait::Exactly(rest));
    }
    waits.extend(request::deadline_of_replacement(facts).and_then(|deadline| Wait::until(deadline, now)));
    let expires = |previous: &&Conditions| previous.ready.reason != Reason::NotVerifiedLately && rest.is_zero();
    let conditions = facts.previous.as_ref().filter(expires).map(|previous| {
        let text = format!("the key was in order, but could not be verified for three intervals: {message}");
        let unknown = Condition::unknown(Reason::NotVerifiedLately, text);
        let previous = Conditions { progress: Progress::Reconciling, ready: unknown.clone(), ..previous.clone() };
        match check {
            FailedCheck::SignIn => Conditions { signed_in: unknown, ..previous },
            FailedCheck::Slot => Conditions { uploaded: unknown, ..previous },
        }
    });
    let settlement = settlement(facts, conditions, &waits, now);
    let observations = Observations { verified, ..settlement.observations };
    request::with_earlier_action(facts, Settlement { observations, ..settlement })
}

/// Returns the condition `Valid`, derived from the source and from the scopes of its key.
pub(super) fn valid(facts: &Facts) -> Condition {
    if let Some(ending) = facts.forbidden_scope() {
        return Condition::no(Reason::ForbiddenScope, forbidden_scope_message(ending));
    }
    match &facts.source {
        Source::Present { key: Ok(key), .. } if key.has_api_endpoint() => {
            Condition::yes(Reason::Valid, "the key complies with the rules of the upload")
        }
        Source::Present { key: Ok(_), .. } => Condition::yes(
            Reason::Valid,
            "the key complies with the rules of the upload, but has no endpoints.Api: managed systems find no address of \
             SAP Cloud ALM in it",
        ),
        Source::Present { key: Err(findings), .. } => Condition::no(findings.reason(), findings.to_string()),
        Source::Unknown { reason, message, .. } => Condition::unknown(*reason, message.clone()),
        Source::Gone { message, .. } => Condition::unknown(Reason::SourceGone, message.clone()),
    }
}

/// Returns the message about a key with a scope that ends with `ending`.
pub(super) fn forbidden_scope_message(ending: &str) -> String {
    format!(
        "the key has a scope that ends with \"{ending}\", which keys for Landscape Management must not have: create a \
         key without this scope, or change the ALMTenant's spec.forbiddenScopes"
    )
}

/// Returns the condition `SignedIn`, derived from the verdict of this reconciliation; otherwise the previous one.
pub(super) fn signed_in(facts: &Facts) -> Condition {
    let verdict = facts.answers.source_sign_in.as_ref().or(facts.answers.slot_sign_in.as_ref());
    match verdict {
        Some(Verdict::Accepted { .. }) => Condition::yes(Reason::SignedIn, "the token endpoint accepts the key"),
        Some(Verdict::Refused { reason, message }) => Condition::no(*reason, message.clone()),
        Some(Verdict::Unknown { message, .. }) => Condition::unknown(Reason::SignInUnknown, message.clone()),
        None => facts.previous.as_ref().map_or_else(
            || Condition::unknown(Reason::Progressing, "the key has not been tested yet"),
            |previous| previous.signed_in.clone(),
        ),
    }
}

/// Returns the condition `Uploaded` of an object whose key was removed with its source. An outage must not make the
/// operator forget that: what another client puts under the name of the object is not the operator's key.
pub(super) fn removed_before(facts: &Facts) -> Option<Condition> {
    let uploaded = &facts.previous.as_ref()?.uploaded;
    let was_removed = matches!(uploaded.reason, Reason::SourceGone | Reason::SlotOverwritten);
    let has_source = matches!(facts.source, Source::Present { .. });
    (was_removed && !has_source && !facts.ledger.is_open()).then(|| uploaded.clone())
}

/// Returns the condition `Uploaded`, derived from the slot as read in this reconciliation; otherwise the previous one.
pub(super) fn uploaded(facts: &Facts) -> Condition {
    if let Some(asked) = request::uploaded(facts) {
        return asked;
    }
    match &facts.answers.slot {
        Some(Ok(slot)) => match slot.holder(&facts.subject.owner) {
            Holder::Us(_) if slot.basis() == Some(Basis::Confirmation) => request::confirmed(),
            // The record of manual mode is written by this operator alone.
            Holder::Us(_) if facts.policy.adapter == Adapter::Manual => uploaded_before(),
            Holder::Us(_) if facts.ledger.overwritten.is_some() => overwritten_by_namesake(),
            Holder::Us(_) if let Some(removed) = removed_before(facts) => removed,
            Holder::Us(_) => uploaded_before(),
            Holder::Empty(_) => not_uploaded(facts),
            Holder::Unknown(_) => request::slot_unknown(),
            Holder::Nobody(_) if facts.policy.adapter == Adapter::Manual => request::another_key_reported(facts),
            Holder::Nobody(_) => Condition::no(
                Reason::SlotOccupied,
                "Landscape Management holds another key: a person or SAP uploaded it, or its ALMServiceKey no longer \
                 exists; delete it in the app if it is not needed, or let the ALMTenant's spec.adoptionPolicy replace it",
            ),
            Holder::Sibling(Ownership { owner, .. }, _) => Condition::no(
                Reason::NotSlotOwner,
                format!(
                    "Landscape Management holds the key of ALMServiceKey {}/{}, and a tenant has only one key: delete \
                     one of the two objects",
                    owner.namespace, owner.name
                ),
            ),
            Holder::Elsewhere(Ownership { owner, .. }, _) => Condition::no(
                Reason::SlotOccupied,
                format!(
                    "Landscape Management holds the key of {owner}: delete it there, or let the ALMTenant's \
                     spec.adoptionPolicy replace it"
                ),
            ),
        },
        Some(Err(trouble)) => {
            removed_before(facts).unwrap_or_else(|| Condition::unknown(Reason::SlotUnknown, trouble.message.clone()))
        }
        None => facts.previous.as_ref().map_or_else(
            || Condition::unknown(Reason::SlotUnknown, "Landscape Management has not been read yet"),
            |previous| previous.uploaded.clone(),
        ),
    }
}

/// Returns the condition `Uploaded` for a slot with a key of ours, of this or of an earlier reconciliation.
fn uploaded_before() -> Condition {
    Condition::yes(Reason::Uploaded, "a key of this object is in Landscape Management")
}

/// Returns the condition `Uploaded` for a slot that another client filled under the name of this object.
pub(super) fn overwritten_by_namesake() -> Condition {
    Condition::no(
        Reason::SlotOverwritten,
        "another client overwrote the key of this object under its name: perhaps an operator of another cluster uses the \
         same cluster ID, or this cluster was restored from a backup. Stop the other operator, if there is one, and request \
         a reconciliation of this object",
    )
}

/// Returns the condition `Uploaded` for an empty slot: a dead key was removed, or no key has been uploaded.
fn not_uploaded(facts: &Facts) -> Condition {
    let removed = facts.previous.as_ref().is_some_and(|previous| previous.uploaded.reason == Reason::DeadKeyRemoved);
    let just_removed = facts.answers.write.is_some() && facts.slot_refusals().is_some_and(Refusals::prove_dead);
    if removed || just_removed {
        return Condition::no(
            Reason::DeadKeyRemoved,
            "the key no longer signs in and was deleted from Landscape Management",
        );
    }
    Condition::no(Reason::NotUploaded, "no key of this object is in Landscape Management")
}
