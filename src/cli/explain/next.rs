//! The next events in the life of a key, and their times.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::ResourceExt;

use crate::api::ALMServiceKey;
use crate::api::annotations::is_abandoned;
use crate::api::duration::Duration as ApiDuration;
use crate::api::resolve::policy;
use crate::api::status::ALMServiceKeyStatus;
use crate::cli::action::task_with_deadline;
use crate::cli::cluster::Tenant;
use crate::cli::deletion::effect_of_deletion;
use crate::domain::policy::{DeadAction, DeletionPolicy, Mode, Policy};
use crate::domain::reason::Reason;
use crate::domain::retry::{BACKOFF_MAX, RARE_RETRIES_AFTER, RARE_RETRY_PERIOD, RECHECK_PERIOD};
use crate::names::condition::{READY, RECONCILING, SIGNED_IN, STALLED};

/// Says what happens next to a key, and when. The durations are bounds: how long something has lasted already is known to
/// the operator alone.
pub(super) fn next(key: &ALMServiceKey, tenant: &Tenant, now: Timestamp) -> String {
    let name = format!("{} -n {}", key.name_any(), key.namespace().unwrap_or_default());
    // What the tenant adds to the policy does not matter here.
    let policy = policy(&key.spec, None);
    if key.metadata.deletion_timestamp.is_some() {
        let missing = "If its tenant does not exist, that must be created anew first.";
        let missing = if is_abandoned(key) { String::new() } else { format!(" {missing}") };
        return format!("{} Then the object is gone.{missing}", effect_of_deletion(key, tenant));
    }
    let status = key.status.as_ref().filter(|status| Some(status.observed_generation) == key.metadata.generation);
    let Some(status) = status.filter(|status| find(status, READY).is_some()) else {
        return "The operator reconciles the object as soon as it sees it.".into();
    };
    if policy.suspend {
        return format!("Nothing, until almkey resume {name} ends the suspension. A deletion is still carried out.");
    }
    let parts = [
        action(key, status, now),
        observation(&policy),
        removal(status, &policy, tenant),
        death(status, &policy, tenant),
        Some(attempts(status, &policy, &name, tenant)),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

fn find<'a>(status: &'a ALMServiceKeyStatus, name: &str) -> Option<&'a Condition> {
    status.conditions.iter().find(|condition| condition.type_ == name)
}

/// Says what a person must do in Landscape Management, and until when.
fn action(key: &ALMServiceKey, status: &ALMServiceKeyStatus, now: Timestamp) -> Option<String> {
    let (name, namespace) = (key.name_any(), key.namespace().unwrap_or_default());
    let task = task_with_deadline(status.action.as_ref()?, now);
    Some(format!(
        "A person must {task} in Landscape Management: almkey explain {name} -n {namespace} --steps prints the steps for \
         that person, and almkey done {name} ID -n {namespace} confirms them."
    ))
}

/// Says that nothing is written, if the object is only observed.
fn observation(policy: &Policy) -> Option<String> {
    let text = "Nothing is written to Landscape Management, because spec.mode is Observe.";
    (policy.mode == Mode::Observe).then(|| text.to_owned())
}

/// Says when the key of a source that is gone is removed.
fn removal(status: &ALMServiceKeyStatus, policy: &Policy, tenant: &Tenant) -> Option<String> {
    find(status, READY).filter(|ready| ready.reason == Reason::RemovalPending.as_str())?;
    Some(format!(
        "{} once its source has been gone for {} (spec.gracePeriod); if the deletion of a ServiceBinding was not \
         seen, also for {} (spec.deadKey.after) or until the key is refused. A key that no longer signs in goes sooner.",
        match policy.deletion {
            DeletionPolicy::Delete if tenant.is_manual() => "A person is asked to delete the key",
            DeletionPolicy::Delete => "The key is removed from Landscape Management",
            DeletionPolicy::Retain => "The key loses its owner (spec.deletionPolicy is Retain)",
        },
        shown(policy.grace_period),
        shown(policy.dead_after)
    ))
}

/// Says when a key that is refused is deleted.
fn death(status: &ALMServiceKeyStatus, policy: &Policy, tenant: &Tenant) -> Option<String> {
    let is_deleted =
        status.uploaded.is_some() && policy.dead_action == DeadAction::Delete && policy.mode == Mode::Enforce;
    find(status, SIGNED_IN).filter(|signed_in| signed_in.status == "False" && is_deleted)?;
    let after = shown(policy.dead_after);
    if tenant.is_manual() {
        return Some(format!(
            "If the refused key is the one in the app, a person is asked to delete it at its fourth refusal, {after} after \
             the first (spec.deadKey.after). If the source has a key that signs in, a person is asked to replace it."
        ));
    }
    Some(format!(
        "If the refused key is the one in Landscape Management, it is deleted there at its fourth refusal, {after} after \
         the first (spec.deadKey.after). A key of the source that signs in replaces it at once."
    ))
}

/// Says when the operator tests the key or tries again.
fn attempts(status: &ALMServiceKeyStatus, policy: &Policy, name: &str, tenant: &Tenant) -> String {
    let is_true = |name: &str| find(status, name).is_some_and(|condition| condition.status == "True");
    let request = format!("almkey reconcile {name} requests another try.");
    if is_true(STALLED) {
        return format!(
            "The operator checks again at least every {}, and at once when the object, its source or its tenant changes. \
             {request}",
            shown(RECHECK_PERIOD)
        );
    }
    if status.action.is_some() {
        return "The operator continues when that is confirmed, or when the object, its source or its tenant changes."
            .into();
    }
    if is_true(RECONCILING) {
        return format!(
            "The operator continues when what it waits for changes. After a failure it tries again by itself: within \
             seconds at first, after at most {} later, every {} once the failures have lasted for {}, or when the server \
             asked for it. {request}",
            shown(BACKOFF_MAX),
            shown(RARE_RETRY_PERIOD),
            shown(RARE_RETRIES_AFTER)
        );
    }
    if tenant.is_manual() {
        return format!(
            "The key is tested every {} (spec.interval). The app cannot be read: compare from time to time with almkey check \
             {name}.",
            shown(policy.interval)
        );
    }
    format!(
        "The key is tested and the slot is read every {} (spec.interval). Changes in the cluster are followed at once.",
        shown(policy.interval)
    )
}

/// Shows a duration as a spec writes it.
fn shown(duration: Duration) -> String {
    ApiDuration::from(duration).to_string()
}
