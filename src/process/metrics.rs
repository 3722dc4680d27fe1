//! Metrics for Prometheus.
//!
//! A counter that an alert reads with `increase()` has no labels, or is created with all its label values at the start: a
//! series that appears with its first event shows no increase.

use std::sync::Mutex;
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, prometheus_text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use super::leadership::Leadership;
use super::lock::lock;
use crate::domain::ledger::Operation;
use crate::names::LEASE;

/// Prefix of the operator's own metrics. Those that controller-runtime defines have its names, which dashboards know.
const PREFIX: &str = "almkey";
/// Upper bounds of the histograms' buckets in seconds, up to the longest timeout.
const BUCKETS: [f64; 12] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0];

/// Upper bounds of the buckets for the time from a changed source to the upload: a moment, or the length of an outage.
const DELAY_BUCKETS: [f64; 12] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 30.0, 60.0, 600.0, 3600.0, 86400.0];
/// Upper bounds of the buckets for the time for which a dead key stood, around the default of `spec.deadKey.after`.
const DEAD_BUCKETS: [f64; 9] = [1.0, 60.0, 300.0, 600.0, 660.0, 1800.0, 3600.0, 21600.0, 86400.0];

type Label<const N: usize> = [(&'static str, &'static str); N];
type Durations<const N: usize> = Family<Label<N>, Histogram>;

/// All metrics of the process.
pub struct Metrics {
    registry: Mutex<Registry>,
    uploads: Counter,
    deletes: Counter,
    adoptions: Counter,
    releases: Counter,
    orphans: Counter,
    throttled: Counter,
    sign_ins: Family<Label<1>, Counter>,
    reconciliations: Family<Label<2>, Counter>,
    reconcile_errors: Family<Label<1>, Counter>,
    reconcile_times: Durations<1>,
    remote_calls: Durations<2>,
    upload_delays: Histogram,
    dead_keys: Histogram,
}

/// A controller, as the label `controller` names it.
#[derive(Clone, Copy, Debug)]
pub enum Controller {
    /// The controller of `ALMServiceKey`.
    ServiceKey,
    /// The controller of `ALMTenant`.
    Tenant,
}

impl Controller {
    const ALL: [Self; 2] = [Self::ServiceKey, Self::Tenant];

    fn label(self) -> (&'static str, &'static str) {
        match self {
            Self::ServiceKey => ("controller", "almservicekey"),
            Self::Tenant => ("controller", "almtenant"),
        }
    }
}

impl Metrics {
    /// Creates and registers all metrics.
    #[must_use]
    pub fn new(leadership: Leadership) -> Self {
        let histogram: fn() -> Histogram = || Histogram::new(BUCKETS);
        let metrics = Self {
            registry: Mutex::new(Registry::default()),
            uploads: Counter::default(),
            deletes: Counter::default(),
            adoptions: Counter::default(),
            releases: Counter::default(),
            orphans: Counter::default(),
            throttled: Counter::default(),
            sign_ins: Family::default(),
            reconciliations: Family::default(),
            reconcile_errors: Family::default(),
            reconcile_times: Family::new_with_constructor(histogram),
            remote_calls: Family::new_with_constructor(histogram),
            upload_delays: Histogram::new(DELAY_BUCKETS),
            dead_keys: Histogram::new(DEAD_BUCKETS),
        };
        for result in ["accepted", "refused", "unknown"] {
            let _ = metrics.sign_ins.get_or_create(&[("result", result)]);
        }
        for controller in Controller::ALL {
            let _ = metrics.reconcile_errors.get_or_create(&[controller.label()]);
            for result in ["success", "error"] {
                let _ = metrics.reconciliations.get_or_create(&[controller.label(), ("result", result)]);
            }
        }
        metrics.register_own();
        metrics.register_standard(leadership);
        metrics
    }

    /// Registers the metrics that only this operator has.
    fn register_own(&self) {
        let mut registry = lock(&self.registry);
        let registry = registry.sub_registry_with_prefix(PREFIX);
        registry.register("build", "The version that runs", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
        let counters = [
            ("uploads", "Keys put into Landscape Management", &self.uploads),
            ("deletes", "Slots of Landscape Management that were emptied", &self.deletes),
            ("adoptions", "Unowned keys in Landscape Management that the operator adopted", &self.adoptions),
            (
                "releases",
                "Adopted keys that the operator left in Landscape Management without an owner",
                &self.releases,
            ),
            ("orphans", "Objects released although their key may still be in Landscape Management", &self.orphans),
            ("throttled", "Reconciliations that were requested too often and postponed", &self.throttled),
        ];
        for (name, help, counter) in counters {
            registry.register(name, help, counter.clone());
        }
        registry.register("sign_ins", "Sign-ins with a key, by result", self.sign_ins.clone());
        let help = "Duration of calls to a token endpoint or to Landscape Management";
        registry.register_with_unit("remote_call_duration", help, Unit::Seconds, self.remote_calls.clone());
        let help = "Time from the first read of a changed key in the source to its upload";
        registry.register_with_unit("upload_delay", help, Unit::Seconds, self.upload_delays.clone());
        let help = "Time for which keys had been refused when the operator removed or replaced them";
        registry.register_with_unit("dead_key_duration", help, Unit::Seconds, self.dead_keys.clone());
    }

    /// Registers the metrics that controller-runtime defines.
    fn register_standard(&self, leadership: Leadership) {
        let mut registry = lock(&self.registry);
        let help = "Reconciliations, by controller and result";
        registry.register("controller_runtime_reconcile", help, self.reconciliations.clone());
        let help = "Reconciliations that failed, by controller";
        registry.register("controller_runtime_reconcile_errors", help, self.reconcile_errors.clone());
        let (name, help) = ("controller_runtime_reconcile_time", "Duration of reconciliations, by controller");
        registry.register_with_unit(name, help, Unit::Seconds, self.reconcile_times.clone());
        registry.register_collector(Box::new(MasterStatus(leadership)));
    }

    /// Registers metrics of this operator that are computed at each scrape.
    pub fn register_collector(&self, collector: impl Collector) {
        let mut registry = lock(&self.registry);
        registry.sub_registry_with_prefix(PREFIX).register_collector(Box::new(collector));
    }

    /// Counts a write to the slot that took effect.
    pub fn effect(&self, effect: Operation) {
        match effect {
            Operation::Upload => &self.uploads,
            Operation::Delete => &self.deletes,
            Operation::Adopt => &self.adoptions,
            Operation::Release => &self.releases,
        }
        .inc();
    }

    /// Records the time from a change of the source to the upload, and the time for which a dead key stood, as far as a
    /// write ended one.
    pub fn durations(&self, upload_delay: Option<Duration>, dead_for: Option<Duration>) {
        if let Some(delay) = upload_delay {
            self.upload_delays.observe(delay.as_secs_f64());
        }
        if let Some(dead_for) = dead_for {
            self.dead_keys.observe(dead_for.as_secs_f64());
        }
    }

    /// Counts an object that was released although its key may still be in the slot.
    pub fn orphan(&self) {
        self.orphans.inc();
    }

    /// Counts a reconciliation that was postponed.
    pub fn throttled(&self) {
        self.throttled.inc();
    }

    /// Records a call to a remote side.
    pub fn remote_call(&self, operation: &'static str, result: &'static str, duration: Duration) {
        let labels = [("operation", operation), ("result", result)];
        self.remote_calls.get_or_create(&labels).observe(duration.as_secs_f64());
    }

    /// Counts a sign-in with a key.
    pub fn sign_in(&self, result: &'static str) {
        self.sign_ins.get_or_create(&[("result", result)]).inc();
    }

    /// Records a reconciliation.
    pub fn reconciled(&self, controller: Controller, is_success: bool, duration: Duration) {
        let label = controller.label();
        let result = if is_success { "success" } else { "error" };
        self.reconciliations.get_or_create(&[label, ("result", result)]).inc();
        if !is_success {
            self.reconcile_errors.get_or_create(&[label]).inc();
        }
        self.reconcile_times.get_or_create(&[label]).observe(duration.as_secs_f64());
    }

    /// Returns all metrics in the text format of Prometheus.
    #[must_use]
    pub fn encode(&self) -> String {
        let registry = lock(&self.registry);
        let mut text = String::new();
        // Writing to a String does not fail.
        let _ = prometheus_text::encode(&mut text, &registry);
        text
    }
}

/// The name, help and unit of a gauge whose series are computed at each scrape.
pub struct GaugeFamily {
    /// Name without prefix and unit.
    pub name: &'static str,
    /// Help text.
    pub help: &'static str,
    /// Unit, which becomes part of the name.
    pub unit: Option<Unit>,
}

impl GaugeFamily {
    /// Writes the gauge with all its series; nothing if there are none.
    ///
    /// # Errors
    /// The text cannot be written.
    pub fn encode<S: EncodeLabelSet>(
        &self,
        encoder: &mut DescriptorEncoder,
        series: impl IntoIterator<Item = (S, f64)>,
    ) -> std::fmt::Result {
        let mut series = series.into_iter().peekable();
        if series.peek().is_none() {
            return Ok(());
        }
        let mut metric = encoder.encode_descriptor(self.name, self.help, self.unit.as_ref(), MetricType::Gauge)?;
        for (labels, value) in series {
            metric.encode_family(&labels)?.encode_gauge(&value)?;
        }
        Ok(())
    }
}

/// The gauge `leader_election_master_status`, as it is at the moment of the scrape.
#[derive(Debug)]
struct MasterStatus(Leadership);

impl Collector for MasterStatus {
    fn encode(&self, mut encoder: DescriptorEncoder) -> std::fmt::Result {
        let help = "1 while this replica leads, else 0.";
        let mut metric = encoder.encode_descriptor("leader_election_master_status", help, None, MetricType::Gauge)?;
        metric.encode_family(&[("name", LEASE)])?.encode_gauge(&i64::from(self.0.is_leader()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_series_that_an_alert_reads_exists_from_the_start() {
        let text = Metrics::new(Leadership::alone()).encode();
        for line in [
            "almkey_uploads_total 0",
            "almkey_deletes_total 0",
            "almkey_adoptions_total 0",
            "almkey_releases_total 0",
            "almkey_orphans_total 0",
            "almkey_sign_ins_total{result=\"refused\"} 0",
            "almkey_upload_delay_seconds_count 0",
            "almkey_dead_key_duration_seconds_count 0",
            "leader_election_master_status{name=\"alm-key-operator\"} 1",
            "controller_runtime_reconcile_total{controller=\"almservicekey\",result=\"success\"} 0",
            "controller_runtime_reconcile_errors_total{controller=\"almtenant\"} 0",
        ] {
            assert!(text.lines().any(|found| found.starts_with(line)), "{line} is missing:\n{text}");
        }
    }

    #[test]
    fn each_write_to_the_slot_is_counted_by_its_own_metric() {
        let metrics = Metrics::new(Leadership::alone());
        for effect in [Operation::Upload, Operation::Delete, Operation::Adopt, Operation::Release] {
            metrics.effect(effect);
        }
        metrics.orphan();
        let text = metrics.encode();
        for name in ["uploads", "deletes", "adoptions", "releases", "orphans"] {
            assert!(text.contains(&format!("almkey_{name}_total 1\n")), "{name}:\n{text}");
        }
    }

    #[test]
    fn a_failed_reconciliation_is_counted_with_its_result_and_as_an_error() {
        let metrics = Metrics::new(Leadership::alone());
        metrics.reconciled(Controller::ServiceKey, true, Duration::from_millis(20));
        metrics.reconciled(Controller::ServiceKey, false, Duration::from_millis(20));
        let text = metrics.encode();
        for line in [
            "controller_runtime_reconcile_total{controller=\"almservicekey\",result=\"success\"} 1",
            "controller_runtime_reconcile_total{controller=\"almservicekey\",result=\"error\"} 1",
            "controller_runtime_reconcile_errors_total{controller=\"almservicekey\"} 1",
            "controller_runtime_reconcile_time_seconds_count{controller=\"almservicekey\"} 2",
        ] {
            assert!(text.contains(&format!("{line}\n")), "{line} is missing:\n{text}");
        }
    }
}
