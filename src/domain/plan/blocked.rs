//! Nothing may be uploaded just now: what stands in the slot stays there, and goes on being tested.

use std::time::Duration;

use super::settle::{self, Wait};
use super::{Facts, Now, Settlement, Step, probe};
use crate::domain::conditions::{Condition, Conditions, Progress, Status};
use crate::domain::reason::Reason;
use crate::domain::retry::Retry;
use crate::domain::service_key::Findings;
use crate::domain::slot::Holder;

/// For how long a settled object keeps its verdict while nothing certain can be said of its source: a rotation passes
/// in 70 ms (recorded), and health that blinks with each would wake people for nothing.
const SOURCE_UNCERTAIN_GRACE: Duration = Duration::from_secs(10);

/// What is said of the source of an object whose namespace its tenant does not admit.
pub const SOURCE_NOT_READ: &str = "no source is looked at in a namespace that is not admitted";

/// Without its tenant nothing can be asked at all.
pub(super) fn without_tenant(facts: &Facts, name: &str, now: Now) -> Step {
    let message = format!("no ALMTenant named \"{name}\" exists, as spec.tenantRef.name asks for: apply it");
    let unknown = Condition::unknown(Reason::WaitingForTenant, message);
    let conditions = Conditions {
        ready: unknown.clone(),
        valid: unknown.clone(),
        signed_in: unknown.clone(),
        uploaded: unknown,
        progress: Progress::Reconciling,
        others_stand: false,
    };
    Step::Settle(Box::new(settle::with(facts, Some(conditions), &[Wait::Retry(Retry::Never)], now)))
}

/// Nobody is asked anything. What was found before stands.
pub(super) fn suspended(facts: &Facts, now: Now) -> Step {
    let suspended = |text: &str| Condition::unknown(Reason::Suspended, text);
    let not_looked = suspended("the object was suspended before this was looked at");
    let conditions = Conditions {
        ready: suspended("spec.suspend is set: nothing is asked and nothing is written; a deletion still works"),
        valid: not_looked.clone(),
        signed_in: not_looked.clone(),
        uploaded: not_looked,
        progress: Progress::Done,
        others_stand: true,
    };
    Step::Settle(Box::new(settle::with(facts, Some(conditions), &[Wait::Retry(Retry::Never)], now)))
}

/// The source's key is good for other purposes than this one.
pub(super) fn forbidden(facts: &Facts, ending: &str, now: Now) -> Step {
    held(facts, Condition::no(Reason::ForbiddenScope, settle::forbidden(ending)), Progress::Stalled, None, now)
}

/// Nothing certain can be said of the source.
pub(super) fn unknown(facts: &Facts, reason: Reason, message: &str, retry: Retry, now: Now) -> Step {
    let since = facts.observations.unknown_since.unwrap_or(now.monotonic);
    let blink = SOURCE_UNCERTAIN_GRACE.saturating_sub(since.elapsed(now.monotonic));
    let ready = facts.previous.as_ref().is_some_and(|previous| previous.ready.status == Status::True);
    if ready && !blink.is_zero() {
        return Step::Settle(Box::new(settle::with(facts, None, &[Wait::Exactly(blink), Wait::Retry(retry)], now)));
    }
    let ready = Condition::unknown(reason, message);
    held(facts, ready, Progress::Reconciling, Some(Wait::Retry(retry)), now)
}

/// Whether a tenant that takes no uploads is not looked at either. One that is being deleted is, by those whom it admits:
/// if their status was lost, a key of theirs would stay there unseen, dead or without its source.
/// And who was looked after until now is looked for once more: a sibling may have left it the slot.
pub(super) fn is_out_of_sight(facts: &Facts, reason: Reason) -> bool {
    let slot = facts.answers.slot.as_ref().and_then(|answer| answer.as_ref().ok());
    let is_anothers = slot.is_some_and(|slot| !matches!(slot.holder(&facts.subject.owner), Holder::Us(_)));
    let may_hold = facts.ledger.is_open() || (facts.subject.has_looked && !is_anothers);
    !may_hold && reason != Reason::TenantTerminating
}

/// The tenant does not take uploads from here.
pub(super) fn closed(facts: &Facts, findings: Option<&Findings>, reason: Reason, message: &str, now: Now) -> Step {
    let both = match findings {
        None => message.to_owned(),
        Some(findings) => format!("{message}. Besides, {findings}"),
    };
    if !is_out_of_sight(facts, reason) {
        return held(facts, Condition::no(reason, both), Progress::Stalled, None, now);
    }
    // Nothing of ours can be there, and who is not admitted learns nothing of slot and source, and spends no call on them.
    let not_looked = Condition::unknown(reason, "Landscape Management is not looked at from here");
    let (message, valid) = match reason {
        Reason::NamespaceNotAllowed => (message.to_owned(), Condition::unknown(reason, SOURCE_NOT_READ)),
        _ => (both, settle::valid(facts)),
    };
    let conditions = Conditions {
        ready: Condition::no(reason, message),
        valid,
        signed_in: not_looked.clone(),
        uploaded: not_looked,
        progress: Progress::Stalled,
        others_stand: false,
    };
    Step::Settle(Box::new(settle::with(facts, Some(conditions), &[Wait::Retry(Retry::Never)], now)))
}

/// The source's key breaks the rules.
pub(super) fn invalid(facts: &Facts, findings: &Findings, now: Now) -> Step {
    held(facts, Condition::no(findings.reason(), findings.to_string()), Progress::Stalled, None, now)
}

fn held(facts: &Facts, ready: Condition, progress: Progress, wait: Option<Wait>, now: Now) -> Step {
    let mut waits = match probe::test(facts, now) {
        Err(step) => return step,
        Ok(waits) => waits,
    };
    if progress == Progress::Stalled {
        waits = waits.into_iter().map(Wait::at_most_hourly).collect();
    }
    waits.extend(wait);
    let uploaded = settle::uploaded(facts);
    let asked = facts.answers.source_sign_in.is_some() || facts.answers.slot_sign_in.is_some();
    let signed_in = match (uploaded.status, asked) {
        (_, true) => settle::signed_in(facts),
        (Status::False, _) => Condition::unknown(ready.reason, "there is no key to sign in with"),
        (Status::True | Status::Unknown, _) => Condition::unknown(ready.reason, "the key could not be signed in with"),
    };
    let valid = settle::valid(facts);
    let conditions = Conditions { ready, valid, signed_in, uploaded, progress, others_stand: false };
    let settlement = settle::with(facts, Some(conditions), &waits, now);
    Step::Settle(Box::new(Settlement { ledger: settle::as_seen(facts), ..settlement }))
}
