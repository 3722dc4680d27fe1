//! The put of the source's key into the slot: by the operator or, in manual mode, by a person.

use jiff::Timestamp;

use super::facts::Facts;
use super::probe::{self, SlotKey};
use super::request;
use super::settle::{self, FailedCheck, Wait};
use super::step::{Now, Settlement, Step};
use super::write;
use crate::domain::action::ActionOperation;
use crate::domain::conditions::{Condition, Progress, Status};
use crate::domain::policy::Adapter;
use crate::domain::reason::Reason;
use crate::domain::retry::Retry;
use crate::domain::service_key::ServiceKey;
use crate::domain::slot::{Holder, Revision, Slot};

/// The end of the message about a key in the slot that could not be tested.
const NOT_TESTED: &str = "the key in Landscape Management could not be tested";

/// Puts the source's key into the slot at `revision`. `adopted` keeps the mark of an adopted key. In manual mode, settles
/// once a person is asked for that.
///
/// # Errors
/// Returns the step that must be performed next.
pub(super) fn put(
    facts: &Facts,
    key: &ServiceKey,
    revision: &Revision,
    adopted: bool,
    now: Now,
) -> Result<Settlement, Step> {
    match (facts.policy.adapter, facts.holder()) {
        (Adapter::Http, _) => Err(write::put(facts, key, revision, adopted, now)),
        (Adapter::Manual, Some(Holder::Us(_))) => ask_to_replace_ours(facts, key, revision, now),
        (Adapter::Manual, _) => ask_to_upload(facts, key, revision, now),
    }
}

/// Asks a person to put `key` into the slot, which is not ours, and settles.
fn ask_to_upload(facts: &Facts, key: &ServiceKey, revision: &Revision, now: Now) -> Result<Settlement, Step> {
    let operation = match &facts.answers.slot {
        Some(Ok(Slot::Filled { .. })) => ActionOperation::Replace,
        // The same key as the one to be removed is looked for, not replaced.
        Some(Ok(Slot::Unknown { leaving, .. })) if !leaving.is_empty() && !leaving.contains(key.fingerprint()) => {
            ActionOperation::Replace
        }
        Some(Ok(Slot::Unknown { .. } | Slot::Empty { .. }) | Err(_)) | None => ActionOperation::Upload,
    };
    request::ask(facts, operation, Some(key.fingerprint()), revision, None, now)?;
    let ready = Condition::unknown(Reason::ActionRequired, request::text(facts, operation, None));
    let conditions = settle::conditions(facts, ready, Progress::Reconciling);
    let settlement = settle::settlement(facts, Some(conditions), &[Wait::Interval.at_most_hourly()], now);
    Ok(Settlement { ledger: settle::ledger_without_upload(facts), ..settlement })
}

/// Asks a person to replace our key in the slot by `key`, and settles. `Ready` speaks of the key in the slot, which managed
/// systems use until then.
fn ask_to_replace_ours(facts: &Facts, key: &ServiceKey, revision: &Revision, now: Now) -> Result<Settlement, Step> {
    let slot_key = probe::slot_key(facts)?;
    let deadline = deadline(facts, slot_key, revision, now);
    request::ask(facts, ActionOperation::Replace, Some(key.fingerprint()), revision, deadline, now)?;
    let message = request::text(facts, ActionOperation::Replace, deadline);
    let has_passed = deadline.is_some_and(|deadline| deadline <= now.wall);
    let wait = match slot_key {
        SlotKey::Accepted if !has_passed => Wait::Interval,
        SlotKey::Accepted | SlotKey::Unusable | SlotKey::NotAvailable => Wait::Interval.at_most_hourly(),
        SlotKey::Refused(_) => probe::wait_until_dead(facts, now).unwrap_or(Wait::Retry(Retry::Never)),
        SlotKey::Unknown(retry) => Wait::Retry(retry),
    };
    let previous = facts.previous.as_ref().map(|previous| &previous.ready);
    let was_ready = previous.is_some_and(|ready| ready.status == Status::True);
    let was_asked = previous.is_some_and(|ready| ready.reason != Reason::Uploaded);
    let (ready, progress) = match slot_key {
        _ if has_passed => (Condition::no(Reason::ActionRequired, message), Progress::Stalled),
        // The first request is reported in any case. It begins the time for which an outage keeps `Ready=True`.
        SlotKey::Unknown(retry) if was_asked && settle::was_ready(facts) => {
            return Ok(settle::unverified(facts, FailedCheck::SignIn, NOT_TESTED, retry, now));
        }
        SlotKey::Accepted => (Condition::yes(Reason::ActionRequired, message), Progress::Done),
        SlotKey::Unknown(_) if was_ready => (Condition::yes(Reason::ActionRequired, message), Progress::Done),
        // It is dead once it has been refused long enough.
        SlotKey::Refused(_) => {
            let message = format!("{message}; the key in Landscape Management was refused");
            (Condition::unknown(Reason::ActionRequired, message), Progress::Reconciling)
        }
        SlotKey::Unknown(_) => {
            let message = format!("{message}; {NOT_TESTED}");
            (Condition::unknown(Reason::ActionRequired, message), Progress::Reconciling)
        }
        SlotKey::Unusable | SlotKey::NotAvailable => {
            let message = format!("{message}; the key in Landscape Management can no longer be tested");
            (Condition::unknown(Reason::ActionRequired, message), Progress::Reconciling)
        }
    };
    let waits: Vec<Wait> =
        [Some(wait), deadline.and_then(|deadline| Wait::until(deadline, now))].into_iter().flatten().collect();
    Ok(settle::settlement(facts, Some(settle::conditions(facts, ready, progress)), &waits, now))
}

/// Returns the time from which managed systems cannot sign in with our key in the slot, if that is known. An earlier
/// request bears it once the stale copy of the key, which says so, is deleted.
fn deadline(facts: &Facts, slot_key: SlotKey, revision: &Revision, now: Now) -> Option<Timestamp> {
    let expires_at = facts.answers.slot_key_expires_at;
    match slot_key {
        SlotKey::Accepted => expires_at,
        SlotKey::Refused(_) | SlotKey::Unknown(_) | SlotKey::Unusable | SlotKey::NotAvailable => {
            let known = request::time_of_death(facts, revision, now).or(expires_at);
            known.or_else(|| request::earlier_deadline(facts, revision))
        }
    }
}
