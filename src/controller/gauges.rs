//! Gauges of the objects, computed at each scrape: no series outlives its object.

use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::ResourceExt;
use kube::runtime::reflector::Store;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::registry::Unit;

use super::observations::ObservationStore;
use super::scope::Scope;
use crate::api::duration::Duration as ApiDuration;
use crate::api::{ALMServiceKey, ALMTenant};
use crate::cluster::identity::{KeyId, Uid};
use crate::domain::policy::DEFAULT_INTERVAL;
use crate::executor::ports::Clock;
use crate::names::condition;
use crate::process::clock::SystemClock;
use crate::process::metrics::GaugeFamily;

/// The gauges of all objects that the watches have seen.
pub(crate) struct Gauges {
    pub(crate) keys: Store<ALMServiceKey>,
    pub(crate) tenants: Store<ALMTenant>,
    pub(crate) scope: Scope,
    pub(crate) observations: Arc<ObservationStore>,
    pub(crate) clock: SystemClock,
}

impl std::fmt::Debug for Gauges {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gauges").finish_non_exhaustive()
    }
}

impl Collector for Gauges {
    fn encode(&self, mut encoder: DescriptorEncoder) -> std::fmt::Result {
        let (mut keys, tenants) = (self.keys.state(), self.tenants.state());
        keys.retain(|key| self.scope.serves(key.namespace().as_deref()));
        let ready = keys.iter().map(|key| {
            let (reason, value) = readiness(key.status.as_ref().map(|status| status.conditions.as_slice()));
            let [namespace, name] = labels(key);
            ([namespace, name, ("tenant", key.spec.tenant_ref.name.clone()), ("reason", reason)], value)
        });
        let help = "1 if the ALMServiceKey is Ready, else 0; with the reason of its condition.";
        GaugeFamily { name: "service_key_ready", help, unit: None }.encode(&mut encoder, ready)?;

        let now = self.clock.now();
        let verified = keys.iter().filter_map(|key| {
            let at = self.observations.get(&Uid::new(&**key)).verified?.at;
            let age = at.elapsed(now.monotonic).as_secs_f64();
            Some((labels(key), now.wall.as_duration().as_secs_f64() - age))
        });
        let help = "When this replica last verified the ALMServiceKey with success, as a Unix time.";
        let family = GaugeFamily { name: "service_key_verified_timestamp", help, unit: Some(Unit::Seconds) };
        family.encode(&mut encoder, verified)?;

        let refused = keys.iter().filter_map(|key| {
            let since = self.observations.get(&Uid::new(&**key)).slot_key_refused_since()?;
            let age = since.elapsed(now.monotonic).as_secs_f64();
            Some((labels(key), now.wall.as_duration().as_secs_f64() - age))
        });
        let help =
            "Since when the key in Landscape Management does not sign in, as this replica saw it, as a Unix time.";
        let family = GaugeFamily { name: "service_key_refused_since_timestamp", help, unit: Some(Unit::Seconds) };
        family.encode(&mut encoder, refused)?;

        let intervals = keys.iter().map(|key| {
            let interval = key.spec.interval.map_or(DEFAULT_INTERVAL, ApiDuration::to_std);
            (labels(key), interval.as_secs_f64())
        });
        let help = "The interval at which the ALMServiceKey is to be verified.";
        let family = GaugeFamily { name: "service_key_interval", help, unit: Some(Unit::Seconds) };
        family.encode(&mut encoder, intervals)?;

        let ready = tenants.iter().map(|tenant| {
            let (reason, value) = readiness(tenant.status.as_ref().map(|status| status.conditions.as_slice()));
            ([("tenant", tenant.name_any()), ("reason", reason)], value)
        });
        let help = "1 if the ALMTenant is Ready, else 0; with the reason of its condition.";
        GaugeFamily { name: "tenant_ready", help, unit: None }.encode(&mut encoder, ready)?;
        encode_actions(&mut encoder, &keys, &tenants)
    }
}

/// Encodes what a person must do in manual mode. What is left until a deadline is for a query to compute.
fn encode_actions(
    encoder: &mut DescriptorEncoder<'_>,
    keys: &[Arc<ALMServiceKey>],
    tenants: &[Arc<ALMTenant>],
) -> std::fmt::Result {
    let actions = || keys.iter().filter_map(|key| Some((key, key.status.as_ref()?.action.as_ref()?)));
    let requested = actions().map(|(key, action)| {
        let [namespace, name] = labels(key);
        let operation = format!("{:?}", action.operation);
        ([namespace, name, ("operation", operation)], unix_time(&action.requested_at))
    });
    let help = "When a person was asked to change the key in Landscape Management, as a Unix time.";
    let family = GaugeFamily { name: "service_key_action_requested_timestamp", help, unit: Some(Unit::Seconds) };
    family.encode(encoder, requested)?;

    let deadlines = actions().filter_map(|(key, action)| Some((labels(key), unix_time(action.deadline.as_ref()?))));
    let help = "When managed systems can no longer sign in unless a person acts, as a Unix time.";
    let family = GaugeFamily { name: "service_key_action_deadline_timestamp", help, unit: Some(Unit::Seconds) };
    family.encode(encoder, deadlines)?;

    let removals = tenants.iter().filter_map(|tenant| {
        let removal = tenant.status.as_ref()?.pending_removals.first()?;
        Some(([("tenant", tenant.name_any())], unix_time(&removal.requested_at)))
    });
    let help = "When a person was asked to delete the key of a deleted ALMServiceKey, as a Unix time.";
    let family = GaugeFamily { name: "tenant_removal_requested_timestamp", help, unit: Some(Unit::Seconds) };
    family.encode(encoder, removals)
}

fn unix_time(time: &Time) -> f64 {
    time.0.as_duration().as_secs_f64()
}

fn labels(key: &ALMServiceKey) -> [(&'static str, String); 2] {
    let KeyId { namespace, name, uid: _ } = KeyId::new(key);
    [("namespace", namespace), ("name", name)]
}

/// Returns the reason of `Ready`, which is empty before the first verdict, and 1 if `Ready` is True, else 0.
fn readiness(conditions: Option<&[Condition]>) -> (String, f64) {
    let ready = conditions.unwrap_or_default().iter().find(|condition| condition.type_ == condition::READY);
    let value = if ready.is_some_and(|ready| ready.status == "True") { 1.0 } else { 0.0 };
    (ready.map(|ready| ready.reason.clone()).unwrap_or_default(), value)
}
