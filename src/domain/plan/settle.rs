//! The ends of a pass.

use std::time::Duration;

use super::{Facts, Now, Settlement, Source, Step, Verdict};
use crate::domain::conditions::{Condition, Conditions, Progress, Status};
use crate::domain::evidence::{Observations, Refusals, Settled, Verified};
use crate::domain::ledger::{Ledger, Overwritten, Uploaded};
use crate::domain::reason::Reason;
use crate::domain::retry::{BACKOFF_MIN, FailureStreak, MAX_RETRY_AFTER, RECHECK_PERIOD, Retry, spread};
use crate::domain::service_key::fingerprint::Fingerprint;
use crate::domain::slot::{Holder, Ownership, RemoteTrouble};

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
    let settled = facts.observations.settled.as_ref()?;
    let rest = settled.due.remaining(now.monotonic);
    let stands = facts.previous.as_ref().is_some_and(|previous| previous.ready.reason != Reason::Progressing);
    let asked = facts.subject.requested.is_some();
    if !stands || asked || rest.is_zero() || settled.stamp != facts.stamp() {
        return None;
    }
    Some(Step::Settle(Box::new(Settlement {
        conditions: None,
        ledger: facts.ledger.clone(),
        release: false,
        orphan: false,
        next: rest,
        observations: facts.observations.clone(),
    })))
}

/// Ends the pass with `conditions`; none leaves them as they stand.
pub(super) fn with(facts: &Facts, conditions: Option<Conditions>, waits: &[Wait], now: Now) -> Settlement {
    let mut observations = facts.observations.clone();
    let has_failed = waits.iter().any(|wait| matches!(wait, Wait::Retry(Retry::Backoff | Retry::After(_))));
    observations.failing = has_failed.then(|| FailureStreak::extend(observations.failing, now.monotonic));
    let failing = observations.failing;
    let back_off = || failing.map_or(RECHECK_PERIOD, |failing| failing.wait(now.monotonic, facts.jitter));
    let next = waits
        .iter()
        .map(|wait| match wait {
            Wait::Interval => spread(facts.policy.interval, facts.jitter),
            Wait::Exactly(rest) => *rest,
            Wait::Retry(Retry::Never) => spread(RECHECK_PERIOD, facts.jitter),
            // Who always says "in a second" is asked ever more rarely all the same.
            Wait::Retry(Retry::After(wait)) => (*wait).clamp(BACKOFF_MIN, MAX_RETRY_AFTER).max(back_off()),
            Wait::Retry(Retry::Backoff) => back_off(),
        })
        .min()
        .unwrap_or(RECHECK_PERIOD);
    let keys = [
        facts.source_key().map(Fingerprint::of),
        facts.slot_key().map(Fingerprint::of),
        facts.ledger.uploaded.as_ref().map(|uploaded| uploaded.fingerprint.clone()),
    ];
    observations.refusals.retain(|key, _| keys.contains(&Some(key.clone())));
    let well = conditions.as_ref().is_some_and(|conditions| conditions.ready.status == Status::True);
    if let (true, Some(fingerprint)) = (well, keys[0].clone()) {
        observations.verified = Some(Verified { fingerprint, at: now.monotonic });
    }
    observations.settled = Some(Settled { stamp: facts.stamp(), due: now.monotonic.after(next) });
    Settlement { conditions, ledger: facts.ledger.clone(), release: false, orphan: false, next, observations }
}

/// The ledger after this pass's look at the slot, if it took one: no key that stands there no more is said to.
pub(super) fn as_seen(facts: &Facts) -> Ledger {
    match &facts.answers.slot {
        Some(Ok(slot)) if !matches!(slot.holder(&facts.subject.owner), Holder::Us(_)) => without_ours(facts),
        Some(_) | None => facts.ledger.clone(),
    }
}

/// The ledger once a look at the slot, which has `revision`, showed that it holds no key of ours. A write that may still
/// be under way stays recorded, and so does that somebody put another key over ours.
pub(super) fn without_ours(facts: &Facts) -> Ledger {
    let Some(Ok(slot)) = &facts.answers.slot else { return facts.ledger.clone() };
    let Ledger { uploaded, pending, overwritten } = facts.ledger.clone();
    let pending = pending.filter(|pending| pending.revision == *slot.revision());
    let overwritten = match slot.holder(&facts.subject.owner) {
        Holder::Empty(_) | Holder::Sibling(..) | Holder::Us(_) => None,
        Holder::Nobody(_) | Holder::Elsewhere(..) => match uploaded {
            Some(Uploaded { fingerprint, .. }) => {
                Some(Overwritten { fingerprint, generation: facts.subject.generation })
            }
            None => overwritten,
        },
    };
    Ledger { uploaded: None, pending, overwritten }
}

/// Ends the pass for good: nothing of the object is left in the slot.
pub(super) fn released(facts: &Facts, now: Now) -> Settlement {
    Settlement { release: true, ledger: Ledger::default(), ..with(facts, None, &[], now) }
}

/// Ends the pass for good, whatever is left in the slot.
pub(super) fn let_go(facts: &Facts, now: Now) -> Settlement {
    Settlement { orphan: facts.ledger.is_open(), ..released(facts, now) }
}

/// Landscape Management could not be used: a verdict that stands goes on standing, and anything else is not known.
pub(super) fn trouble(facts: &Facts, trouble: &RemoteTrouble, now: Now) -> Settlement {
    let waits = [Wait::Retry(trouble.retry)];
    if stands(facts) {
        return unverified(facts, Unverified::Slot, &trouble.message, trouble.retry, now);
    }
    let progress = match trouble.retry {
        Retry::Never => Progress::Stalled,
        Retry::After(_) | Retry::Backoff => Progress::Reconciling,
    };
    let status = match trouble.retry {
        Retry::Never => Status::False,
        Retry::After(_) | Retry::Backoff => Status::Unknown,
    };
    let ready = Condition::new(status, trouble.reason, trouble.message.clone());
    let conditions = Conditions {
        ready,
        valid: valid(facts),
        signed_in: signed_in(facts),
        uploaded: Condition::unknown(trouble.reason, trouble.message.clone()),
        progress,
        others_stand: false,
    };
    with(facts, Some(conditions), &waits, now)
}

/// Whether `Ready=True` was said of this very key and generation, and nothing has spoken against it since.
pub(super) fn stands(facts: &Facts) -> bool {
    let Some(key) = facts.source_key().map(Fingerprint::of) else { return false };
    let uploaded = facts.ledger.uploaded.as_ref().is_some_and(|uploaded| uploaded.fingerprint == key);
    let verified = facts.observations.verified.as_ref().is_some_and(|verified| verified.fingerprint == key);
    let well = facts.previous.as_ref().is_some_and(|Conditions { ready, .. }| {
        ready.status == Status::True || ready.reason == Reason::NotVerifiedLately
    });
    well && !facts.subject.deleting && (uploaded || verified)
}

/// What could not be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unverified {
    /// Whether the key signs in.
    SignIn,
    /// What the slot holds.
    Slot,
}

/// What was well could not be looked at: it goes on standing for three intervals, and then is not known.
pub(super) fn unverified(facts: &Facts, what: Unverified, message: &str, retry: Retry, now: Now) -> Settlement {
    let fingerprint = facts.source_key().map(Fingerprint::of);
    let known =
        facts.observations.verified.clone().filter(|verified| Some(&verified.fingerprint) == fingerprint.as_ref());
    let verified = known.or(fingerprint.map(|fingerprint| Verified { fingerprint, at: now.monotonic }));
    let age = verified.as_ref().map(|verified| verified.at.elapsed(now.monotonic)).unwrap_or_default();
    let rest = (facts.policy.interval * 3).saturating_sub(age);
    let mut waits = vec![Wait::Retry(retry)];
    if !rest.is_zero() {
        waits.push(Wait::Exactly(rest));
    }
    let said = |previous: &&Conditions| previous.ready.reason != Reason::NotVerifiedLately && rest.is_zero();
    let conditions = facts.previous.as_ref().filter(said).map(|previous| {
        let text = format!("all was well, but could not be looked at for three intervals: {message}");
        let unknown = Condition::unknown(Reason::NotVerifiedLately, text);
        let previous = Conditions { progress: Progress::Reconciling, ready: unknown.clone(), ..previous.clone() };
        match what {
            Unverified::SignIn => Conditions { signed_in: unknown, ..previous },
            Unverified::Slot => Conditions { uploaded: unknown, ..previous },
        }
    });
    let settlement = with(facts, conditions, &waits, now);
    Settlement { observations: Observations { verified, ..settlement.observations }, ..settlement }
}

/// `Valid`, by the source and, once it has signed in, by what it may do.
pub(super) fn valid(facts: &Facts) -> Condition {
    if let Some(ending) = facts.forbidden_scope() {
        return Condition::no(Reason::ForbiddenScope, forbidden(ending));
    }
    match &facts.source {
        Source::Present { key: Ok(_), .. } => Condition::yes(Reason::Valid, "the key keeps the rules of the upload"),
        Source::Present { key: Err(findings), .. } => Condition::no(findings.reason(), findings.to_string()),
        Source::Unknown { reason, message, .. } => Condition::unknown(*reason, message.clone()),
        Source::Gone { message, .. } => Condition::unknown(Reason::SourceGone, message.clone()),
    }
}

/// What is said of a key with a scope that ends so.
pub(super) fn forbidden(ending: &str) -> String {
    format!(
        "the key has a scope that ends with \"{ending}\", which keys for Landscape Management must not have: make a key \
         without it, or change the ALMTenant's spec.forbiddenScopes"
    )
}

/// `SignedIn`, by what this pass asked; else as it stands.
pub(super) fn signed_in(facts: &Facts) -> Condition {
    let verdict = facts.answers.source_sign_in.as_ref().or(facts.answers.slot_sign_in.as_ref());
    match verdict {
        Some(Verdict::Accepted { .. }) => Condition::yes(Reason::SignedIn, "the token endpoint accepts the key"),
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
            Holder::Nobody(_) => Condition::no(
                Reason::SlotOccupied,
                "Landscape Management holds another key, which a person or SAP put there or whose ALMServiceKey is no \
                 more: delete it in the app if it is not needed, or let the ALMTenant's spec.adoptionPolicy replace it",
            ),
            Holder::Sibling(Ownership { owner, .. }, _) => Condition::no(
                Reason::NotSlotOwner,
                format!(
                    "Landscape Management holds the key of ALMServiceKey {}/{}: a tenant has only one; delete one of \
                     the two",
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
    let deleted = facts.slot_key().map(Fingerprint::of).and_then(|key| facts.observations.refusals.get(&key));
    let just_removed = facts.answers.write.is_some() && deleted.is_some_and(Refusals::prove_dead);
    if removed || just_removed {
        return Condition::no(
            Reason::DeadKeyRemoved,
            "the key no longer signs in and was deleted from Landscape Management",
        );
    }
    Condition::no(Reason::NotUploaded, "no key of this object stands in Landscape Management")
}
