//! A slot that this object may not fill: it holds the key of another owner, or an older sibling comes first.

use super::facts::Facts;
use super::settle::{self, Wait};
use super::step::{Now, Settlement, Step};
use super::write;
use crate::domain::conditions::{Condition, Conditions, Progress};
use crate::domain::ledger::Overwritten;
use crate::domain::policy::AdoptionPolicy;
use crate::domain::reason::Reason;
use crate::domain::retry::Retry;
use crate::domain::service_key::ServiceKey;
use crate::domain::slot::Revision;

/// Replaces a key that is not ours if the tenant allows it. A key that overwrote ours is not replaced, because two
/// clusters that both replace would overwrite each other forever.
///
/// # Errors
/// Returns the step that puts the source's key.
pub(super) fn replace_if_allowed(
    facts: &Facts,
    key: &ServiceKey,
    revision: &Revision,
    now: Now,
) -> Result<Settlement, Step> {
    match facts.policy.adoption {
        AdoptionPolicy::Replace if !was_overwritten(facts, key) || facts.subject.requested.is_some() => {
            Err(write::put(facts, key, revision, now))
        }
        AdoptionPolicy::Replace | AdoptionPolicy::IfIdentical | AdoptionPolicy::Never => Ok(stalled(facts, now)),
    }
}

/// Returns true if another client overwrote exactly this key and the object has not changed since.
fn was_overwritten(facts: &Facts, key: &ServiceKey) -> bool {
    let Some(Overwritten { fingerprint, generation }) = settle::ledger_without_upload(facts).overwritten else {
        return false;
    };
    fingerprint == *key.fingerprint() && generation == facts.subject.generation
}

/// Settles because the slot holds a key that is not ours and is not to be changed.
pub(super) fn stalled(facts: &Facts, now: Now) -> Settlement {
    let overwritten = facts.source_key().is_some_and(|key| was_overwritten(facts, key));
    let uploaded = match settle::uploaded(facts) {
        Condition { message, .. } if overwritten => {
            let message = format!("another client overwrote the key of this object. {message}");
            Condition::no(Reason::SlotOverwritten, message)
        }
        uploaded => uploaded,
    };
    let ready = Condition::no(uploaded.reason, uploaded.message.clone());
    let conditions = Conditions { uploaded, ..settle::conditions(facts, ready, Progress::Stalled) };
    Settlement {
        ledger: settle::ledger_without_upload(facts),
        ..settle::settlement(facts, Some(conditions), &[Wait::Interval.at_most_hourly()], now)
    }
}

/// Settles because the slot may be filled, but an older sibling uploads first.
pub(super) fn waiting_for_sibling(facts: &Facts, now: Now) -> Settlement {
    let name = facts.siblings.ahead.as_deref().unwrap_or_default();
    let message = format!("ALMServiceKey {name} is older and uploads first: a tenant has only one key");
    let ready = Condition::unknown(Reason::WaitingForSibling, message);
    let conditions = settle::conditions(facts, ready, Progress::Reconciling);
    Settlement {
        ledger: settle::ledger_without_upload(facts),
        ..settle::settlement(facts, Some(conditions), &[Wait::Retry(Retry::Never)], now)
    }
}
