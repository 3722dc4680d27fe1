//! What happens next to a key, and when.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::ResourceExt;

use crate::api::ALMServiceKey;
use crate::api::duration::Duration as ApiDuration;
use crate::api::service_key::DeadKeyAction;
use crate::domain::policy::{DEFAULT_DEAD_AFTER, DEFAULT_INTERVAL, DEFAULT_SECRET_GRACE};
use crate::domain::reason::Reason;
use crate::domain::retry::{BACKOFF_MAX, RARE_RETRIES_AFTER, RARE_RETRY_PERIOD, RECHECK_PERIOD};
use crate::names::condition::{READY, RECONCILING, SIGNED_IN, STALLED};

/// Says what happens next to a key, and when.
pub(super) fn next(key: &ALMServiceKey) -> String {
    let name = key.name_any();
    let conditions = key.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
    let find = |name: &str| conditions.iter().find(|condition| condition.type_ == name);
    let is_true = |name: &str| find(name).is_some_and(|condition| condition.status == "True");
    let pending = find(READY).filter(|ready| ready.reason == Reason::RemovalPending.as_str());
    let dead = find(SIGNED_IN).filter(|signed_in| signed_in.status == "False" && key_may_be_deleted(key));
    if key.metadata.deletion_timestamp.is_some() {
        return "The key is removed from Landscape Management. Then the object is gone.".into();
    }
    if key.spec.suspend == Some(true) {
        return format!("Nothing, until almkey resume {name} ends the suspension. A deletion is still carried out.");
    }
    if let Some(pending) = pending {
        let grace = grace_period(key);
        return format!(
            "The key is removed from Landscape Management once its source has been gone for {} (spec.gracePeriod): {} at \
             the earliest.",
            shown(grace),
            after(pending, grace)
        );
    }
    if let Some(dead) = dead {
        let delay = dead_after(key);
        return format!(
            "The key is deleted from Landscape Management once it has been refused for {} in four probes \
             (spec.deadKey.after): {} at the earliest. A source with another key replaces it at once.",
            shown(delay),
            after(dead, delay)
        );
    }
    let observed = key.status.as_ref().map(|status| status.observed_generation);
    if find(READY).is_none() || observed != key.metadata.generation {
        return "The operator reconciles the object as soon as it sees it.".into();
    }
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
    let interval = key.spec.interval.map_or(DEFAULT_INTERVAL, ApiDuration::to_std);
    format!(
        "The key is tested and the slot is read every {} (spec.interval). Changes in the cluster are followed at once.",
        shown(interval)
    )
}

/// Returns true if a key of this object is in the slot, and is deleted there when it is dead.
fn key_may_be_deleted(key: &ALMServiceKey) -> bool {
    let is_uploaded = key.status.as_ref().is_some_and(|status| status.uploaded.is_some());
    let action = key.spec.dead_key.as_ref().and_then(|dead| dead.action);
    is_uploaded && action != Some(DeadKeyAction::Report)
}

fn grace_period(key: &ALMServiceKey) -> Duration {
    let of_source = if key.spec.source.secret_ref.is_some() { DEFAULT_SECRET_GRACE } else { Duration::ZERO };
    key.spec.grace_period.map_or(of_source, ApiDuration::to_std)
}

fn dead_after(key: &ALMServiceKey) -> Duration {
    key.spec.dead_key.as_ref().and_then(|dead| dead.after).map_or(DEFAULT_DEAD_AFTER, ApiDuration::to_std)
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
