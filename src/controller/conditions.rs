//! Conditions in the form of the Kubernetes API.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition as ApiCondition, Time};

use crate::domain::conditions::{Condition, Progress};
use crate::names::condition;

/// Returns the new conditions, followed by the one that kstatus reads. A condition whose status stays the same keeps its
/// time. The first condition is the summary.
pub(crate) fn merged(
    before: &[ApiCondition],
    conditions: &[(&str, &Condition)],
    progress: Progress,
    generation: i64,
) -> Vec<ApiCondition> {
    let kstatus = match progress {
        Progress::Done => None,
        Progress::Reconciling => Some(condition::RECONCILING),
        Progress::Stalled => Some(condition::STALLED),
    };
    let summary = conditions.first().map(|(_, ready)| Condition::yes(ready.reason, ready.message.clone()));
    let kstatus = kstatus.zip(summary.as_ref());
    conditions
        .iter()
        .copied()
        .chain(kstatus)
        .map(|(kind, condition)| {
            let status = condition.status.as_str();
            let since = before
                .iter()
                .find(|old| old.type_ == kind && old.status == status)
                .map_or_else(now, |old| old.last_transition_time.clone());
            ApiCondition {
                type_: kind.into(),
                status: status.into(),
                reason: condition.reason.as_str().into(),
                message: condition.message.clone(),
                observed_generation: Some(generation),
                last_transition_time: since,
            }
        })
        .collect()
}

/// Returns the current time in whole seconds, as Kubernetes writes times.
pub(crate) fn now() -> Time {
    Time(Timestamp::from_second(Timestamp::now().as_second()).unwrap_or_default())
}
