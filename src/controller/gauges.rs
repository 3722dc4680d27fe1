//! How the objects stand, looked up at each scrape: no series is left behind by an object that has gone.

use std::sync::Arc;

use kube::ResourceExt;
use kube::runtime::reflector::Store;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::registry::Unit;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

use crate::api::{ALMServiceKey, ALMTenant};
use crate::controller::Scope;
use crate::controller::SystemClock;
use crate::controller::service_key::observations::ObservationStore;
use crate::domain::policy::DEFAULT_INTERVAL;
use crate::executor::ports::Clock;
use crate::names::condition;
use crate::process::metrics::gauge;

/// Of all objects that the watches have told of.
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
        // Nothing is said of those that nobody serves here.
        keys.retain(|key| self.scope.serves(key.namespace().as_deref()));
        let help = "1 if the ALMServiceKey is Ready, else 0; with the reason of its condition.";
        let ready = keys.iter().map(|key| {
            let (reason, value) = standing(key.status.as_ref().map(|status| status.conditions.as_slice()));
            let [namespace, name] = named(key);
            ([namespace, name, ("tenant", key.spec.tenant_ref.name.clone()), ("reason", reason)], value)
        });
        gauge(&mut encoder, ("service_key_ready", help, None), ready)?;

        let help = "When this replica last found all well with the ALMServiceKey, as a Unix time.";
        let now = self.clock.now();
        let verified = keys.iter().filter_map(|key| {
            let at = self.observations.of(&key.uid()?).verified?.at;
            let ago = at.elapsed(now.monotonic).as_secs_f64();
            Some((named(key), now.wall.as_duration().as_secs_f64() - ago))
        });
        gauge(&mut encoder, ("service_key_verified_timestamp", help, Some(&Unit::Seconds)), verified)?;

        let help = "How often the ALMServiceKey is to be verified.";
        let intervals = keys.iter().map(|key| {
            let interval = key.spec.interval.map_or(DEFAULT_INTERVAL, crate::api::duration::Duration::to_std);
            (named(key), interval.as_secs_f64())
        });
        gauge(&mut encoder, ("service_key_interval", help, Some(&Unit::Seconds)), intervals)?;

        let help = "1 if the ALMTenant is Ready, else 0; with the reason of its condition.";
        let ready = tenants.iter().map(|tenant| {
            let (reason, value) = standing(tenant.status.as_ref().map(|status| status.conditions.as_slice()));
            ([("tenant", tenant.name_any()), ("reason", reason)], value)
        });
        gauge(&mut encoder, ("tenant_ready", help, None), ready)
    }
}

fn named(key: &ALMServiceKey) -> [(&'static str, String); 2] {
    [("namespace", key.namespace().unwrap_or_default()), ("name", key.name_any())]
}

/// Reason of `Ready`, empty before the first verdict, and whether it is True.
fn standing(conditions: Option<&[Condition]>) -> (String, f64) {
    let found = conditions.unwrap_or_default().iter().find(|found| found.type_ == condition::READY);
    let value = if found.is_some_and(|found| found.status == "True") { 1.0 } else { 0.0 };
    (found.map(|found| found.reason.clone()).unwrap_or_default(), value)
}
