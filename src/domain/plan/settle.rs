//! The ends of a pass.

use std::time::Duration;

use super::{Facts, Now, Settlement, Source, Step, Verdict};
use crate::domain::conditions::{Condition, Conditions, Progress, Status};
use crate::domain::evidence::{Refusals, Settled};
use crate::domain::fingerprint::Fingerprint;
use crate::domain::ledger::Ledger;
use crate::domain::reason::Reason;
use crate::domain::retry::{BACKOFF_MIN, Failing, LONGEST_WAIT, REPROBE, Retry, spread};
use crate::domain::slot::{Holder, RemoteTrouble};

/// When to look again.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wait {
    /// After `spec.interval`.
    Interval,
    /// When the probe that counts is due, or the grace has run out.
    Exactly(Duration),
    /// As the failure says of itself.
    Retry(Retry),
}

impl Wait {
    /// For what will not mend itself: it must not cost a hundred calls a day (invariant 6).
    pub(super) fn at_most_hourly(self) -> Self {
        match self {
            Self::Interval => Self::Retry(Retry::Never),
            Self::Exactly(_) | Self::Retry(_) => self,
        }
    }
}

/// If all is as it was when the last verdict was written, and it is not time to look again: that.
pub(super) fn nothing_new(facts: &Facts, now: Now) -> Option<Step> {
    let settled = facts.memory.settled.as_ref()?;
    let rest = settled.due.remaining(now.monotonic);
    let stands = facts.previous.as_ref().is_some_and(|previous| previous.ready.reason != Reason::Progressing);
    if !stands || rest.is_zero() || settled.stamp != facts.stamp() {
        return None;
    }
    Some(Step::Settle(Box::new(Settlement {
        conditions: None,
        ledger: facts.ledger.clone(),
        release: false,
        next: rest,
        memory: facts.memory.clone(),
    })))
}

/// Ends the pass with `conditions`; none leaves them as they stand.
pub(super) fn with(facts: &Facts, conditions: Option<Conditions>, waits: &[Wait], now: Now) -> Settlement {
    let mut memory = facts.memory.clone();
    let backs_off = waits.iter().any(|wait| matches!(wait, Wait::Retry(Retry::Backoff)));
    memory.failing = backs_off.then(|| Failing::once_more(memory.failing, now.monotonic));
    let next = waits
        .iter()
        .map(|wait| match wait {
            Wait::Interval => spread(facts.policy.interval, facts.jitter),
            Wait::Exactly(rest) => *rest,
            Wait::Retry(Retry::Never) => spread(REPROBE, facts.jitter),
            Wait::Retry(Retry::After(wait)) => (*wait).clamp(BACKOFF_MIN, LONGEST_WAIT),
            Wait::Retry(Retry::Backoff) => {
                memory.failing.map_or(REPROBE, |failing| failing.wait(now.monotonic, facts.jitter))
            }
        })
        .min()
        .unwrap_or(REPROBE);
    let keys = [
        facts.source_key().map(Fingerprint::of),
        facts.slot_key().map(Fingerprint::of),
        facts.ledger.uploaded.as_ref().map(|uploaded| uploaded.fingerprint.clone()),
    ];
    memory.refusals.retain(|key, _| keys.contains(&Some(key.clone())));
    memory.settled = Some(Settled { stamp: facts.stamp(), due: now.monotonic.after(next) });
    Settlement { conditions, ledger: facts.ledger.clone(), release: false, next, memory }
}

/// Ends the pass for good: nothing of the object is left in the slot.
pub(super) fn released(facts: &Facts, now: Now) -> Settlement {
    Settlement { release: true, ledger: Ledger::default(), ..with(facts, None, &[], now) }
}

/// Landscape Management could not be used: a verdict that stands goes on standing, and anything else is not known.
pub(super) fn trouble(facts: &Facts, trouble: &RemoteTrouble, now: Now) -> Settlement {
    let waits = [Wait::Retry(trouble.retry)];
    if stands(facts) {
        return with(facts, None, &waits, now);
    }
    let progress = match trouble.retry {
        Retry::Never => Progress::Stalled,
        Retry::After(_) | Retry::Backoff => Progress::Reconciling,
    };
    let status = match trouble.retry {
        Retry::Never => Status::False,
        Retry::After(_) | Retry::Backoff => Status::Unknown,
    };
    let ready = Condition { status, reason: trouble.reason, message: trouble.message.clone() };
    let conditions = Conditions {
        ready,
        valid: valid(facts),
        signed_in: signed_in(facts),
        uploaded: Condition::unknown(trouble.reason, trouble.message.clone()),
        progress,
    };
    with(facts, Some(conditions), &waits, now)
}

/// Whether `Ready=True` was said of this very key and generation.
pub(super) fn stands(facts: &Facts) -> bool {
    let proven = facts.ledger.uploaded.as_ref().map(|uploaded| &uploaded.fingerprint);
    let source = facts.source_key().map(Fingerprint::of);
    let ready = facts.previous.as_ref().is_some_and(|previous| previous.ready.status == Status::True);
    ready && !facts.subject.deleting && source.is_some() && proven == source.as_ref()
}

/// `Valid`, by the source alone.
pub(super) fn valid(facts: &Facts) -> Condition {
    match &facts.source {
        Source::Present { key: Ok(_), .. } => Condition::yes(Reason::Valid, "the key keeps the rules of the upload"),
        Source::Present { key: Err(findings), .. } => Condition::no(findings.reason(), findings.to_string()),
        Source::Unknown { reason, message, .. } => Condition::unknown(*reason, message.clone()),
        Source::Gone { message, .. } => Condition::unknown(Reason::SourceGone, message.clone()),
    }
}

/// `SignedIn`, by what this pass asked; else as it stands.
pub(super) fn signed_in(facts: &Facts) -> Condition {
    let verdict = facts.answers.source_sign_in.as_ref().or(facts.answers.slot_sign_in.as_ref());
    match verdict {
        Some(Verdict::Accepted) => Condition::yes(Reason::SignedIn, "the token endpoint accepts the key"),
        Some(Verdict::Refused { reason, message }) => Condition::no(*reason, message.clone()),
        Some(Verdict::Unknown { message, .. }) => Condition::unknown(Reason::SignInUnknown, message.clone()),
        None => facts.previous.as_ref().map_or_else(
            || Condition::unknown(Reason::Progressing, "the key has not been signed in with yet"),
            |previous| previous.signed_in.clone(),
        ),
    }
}

/// `Uploaded`, by what the slot showed in this pass; else as it stands.
pub(super) fn uploaded(facts: &Facts) -> Condition {
    match &facts.answers.slot {
        Some(Ok(slot)) => match slot.holder(&facts.subject.owner) {
            Holder::Us(_) => Condition::yes(Reason::Uploaded, "a key of this object stands in Landscape Management"),
            Holder::Empty(_) => not_uploaded(facts),
            Holder::Nobody => Condition::no(
                Reason::SlotOccupied,
                "Landscape Management holds a key that a person or SAP put there; it is never replaced: \
                 delete it in the app if it is not needed",
            ),
            Holder::Other(owner) => Condition::no(
                Reason::SlotOccupied,
                format!("Landscape Management holds the key of {owner}; it is never replaced"),
            ),
        },
        Some(Err(trouble)) => Condition::unknown(Reason::SlotUnknown, trouble.message.clone()),
        None => facts.previous.as_ref().map_or_else(
            || Condition::unknown(Reason::SlotUnknown, "Landscape Management has not been looked at yet"),
            |previous| previous.uploaded.clone(),
        ),
    }
}

/// The slot is empty: because a dead key was removed, or because nothing has been uploaded.
fn not_uploaded(facts: &Facts) -> Condition {
    let removed = facts.previous.as_ref().is_some_and(|previous| previous.uploaded.reason == Reason::DeadKeyRemoved);
    let deleted = facts.slot_key().map(Fingerprint::of).and_then(|key| facts.memory.refusals.get(&key));
    let just_removed = facts.answers.write.is_some() && deleted.is_some_and(Refusals::prove_dead);
    if removed || just_removed {
        return Condition::no(
            Reason::DeadKeyRemoved,
            "the key no longer signs in and was deleted from Landscape Management",
        );
    }
    Condition::no(Reason::NotUploaded, "no key of this object stands in Landscape Management")
}
