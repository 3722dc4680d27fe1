//! Times as Kubernetes writes them.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

/// Rounds down to whole seconds, as Kubernetes writes times, so that a later comparison finds no difference.
pub(crate) fn whole_seconds(timestamp: Timestamp) -> Time {
    Time(Timestamp::from_second(timestamp.as_second()).unwrap_or(timestamp))
}
