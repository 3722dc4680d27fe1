//! The next events in the life of a key, and their times.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::ResourceExt;

use crate::api::ALMServiceKey;
use crate::api::duration::Duration as ApiDuration;
use crate::api::resolve::policy;
use crate::api::status::ALMServiceKeyStatus;
use crate::domain::policy::{DeadAction, DeletionPolicy, Mode, Policy};
use crate::domain::reason::Reason;
use crate::domain::retry::{BACKOFF_MAX, RARE_RETRIES_AFTER, RARE_RETRY_PERIOD, RECHECK_PERIOD};
use crate::names::condition::{READY, RECONCILING, SIGNED_IN, STALLED};

/// Says what happens next to a key, and when.
pub(super) fn next(key: &ALMServiceKey) -> String {
    let name = key.name_any();
    // What the tenant adds to the policy does not matter here.
    let policy = policy(&key.spec, None);
    if key.metadata.deletion_timestamp.is_some() {
        return deletion(&policy).into();
    }
    if policy.suspend {
        return format!("Nothing, until almkey resume {name} ends the suspension. A deletion is still carried out.");
    }
    let status = key.status.as_ref().filter(|status| Some(status.observed_generation) == key.metadata.generation);
    let Some(status) = status.filter(|status| find(status, READY).is_some()) else {
        return "The operator reconciles the object as soon as it sees it.".into();
    };
    if policy.mode == Mode::Observe {
        return format!(
            "Nothing is written to Landscape Management, because spec.mode is Observe. The key is tested and the slot is \
             read every {} (spec.interval).",
            shown(policy.interval)
        );
    }
    let deadline = removal(status, &policy).or_else(|| death(status, &policy));
    deadline.unwrap_or_else(|| attempts(status, &policy, &name))
}

fn find<'a>(status: &'a ALMServiceKeyStatus, name: &str) -> Option<&'a Condition> {
    status.conditions.iter().find(|condition| condition.type_ == name)
}

/// Says when the key of a source that is gone is removed.
fn removal(status: &ALMServiceKeyStatus, policy: &Policy) -> Option<String> {
    let pending = find(status, READY).filter(|ready| ready.reason == Reason::RemovalPending.as_str())?;
    Some(format!(
        "The key {} once its source has been gone for {} (spec.gracePeriod): {} at the earliest.",
        match policy.deletion {
            DeletionPolicy::Delete => "is removed from Landscape Management",
            DeletionPolicy::Retain => "loses its owner, or is removed if it is dead (spec.deletionPolicy is Retain),",
        },
        shown(policy.grace_period),
        after(pending, policy.grace_period)
    ))
}

/// Says when a key that is refused is deleted.
fn death(status: &ALMServiceKeyStatus, policy: &Policy) -> Option<String> {
    let is_deleted = status.uploaded.is_some() && policy.dead_action == DeadAction::Delete;
    let refused = find(status, SIGNED_IN).filter(|signed_in| signed_in.status == "False" && is_deleted)?;
    Some(format!(
        "If the refused key is the one in Landscape Management, it is deleted there once it has been refused for {} in \
         four probes (spec.deadKey.after): {} at the earliest. A key of the source that signs in replaces it at once.",
        shown(policy.dead_after),
        after(refused, policy.dead_after)
    ))
}

/// Says when the operator tests the key or tries again.
fn attempts(status: &ALMServiceKeyStatus, policy: &Policy, name: &str) -> String {
    let is_true = |name: &str| find(status, name).is_some_and(|condition| condition.status == "True");
    if is_true(STALLED) {
        return format!(
            "Nothing but a check every {}, until the object, its source or its tenant changes. almkey reconcile {name} \
             requests another try.",
            shown(RECHECK_PERIOD)
        );
    }
    if is_true(RECONCILING) {
        return format!(
            "The operator continues when what it waits for changes. After a failure it tries again by itself: within \
             seconds at first, after at most {} later, and every {} once the failures have lasted for {}. almkey reconcile \
             {name} requests another try.",
            shown(BACKOFF_MAX),
            shown(RARE_RETRY_PERIOD),
            shown(RARE_RETRIES_AFTER)
        );
    }
    format!(
        "The key is tested and the slot is read every {} (spec.interval). Changes in the cluster are followed at once.",
        shown(policy.interval)
    )
}

/// Says how the deletion of an object ends.
fn deletion(policy: &Policy) -> &'static str {
    match (policy.mode, policy.deletion) {
        (Mode::Observe, _) => {
            "The object is gone soon. Nothing changes in Landscape Management (spec.mode is Observe)."
        }
        (Mode::Enforce, DeletionPolicy::Retain) => {
            "A key that signs in stays in Landscape Management, without an owner (spec.deletionPolicy is Retain). Then the \
             object is gone."
        }
        (Mode::Enforce, DeletionPolicy::Delete) => {
            "The key is removed from Landscape Management. Then the object is gone."
        }
    }
}

/// Returns the time that lies `delay` after the last transition of a condition.
fn after(condition: &Condition, delay: Duration) -> Timestamp {
    let since = condition.last_transition_time.0;
    since.checked_add(delay).unwrap_or(since)
}

/// Shows a duration as a spec writes it.
fn shown(duration: Duration) -> String {
    ApiDuration::from(duration).to_string()
}
