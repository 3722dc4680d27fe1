//! What is counted, for Prometheus.
//!
//! What alerts look at with `increase()` has no labels, or all its label values from the start: a series that appears
//! with its first event shows no increase by it.

use std::sync::{Mutex, PoisonError};
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
use crate::domain::ledger::Operation;

const PREFIX: &str = "almkey";
/// From a quick answer to the longest timeout.
const BUCKETS: [f64; 12] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0];

type Label<const N: usize> = [(&'static str, &'static str); N];
type Durations<const N: usize> = Family<Label<N>, Histogram>;

/// Everything that is counted.
pub struct Metrics {
    registry: Mutex<Registry>,
    uploads: Counter,
    deletes: Counter,
    adoptions: Counter,
    releases: Counter,
    orphans: Counter,
    throttled: Counter,
    sign_ins: Family<Label<1>, Counter>,
    passes: Family<Label<2>, Counter>,
    pass_durations: Durations<1>,
    requests: Durations<2>,
}

/// What a pass was about.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// An `ALMServiceKey`.
    ServiceKey,
    /// An `ALMTenant`.
    Tenant,
}

impl Kind {
    const ALL: [Self; 2] = [Self::ServiceKey, Self::Tenant];

    fn label(self) -> (&'static str, &'static str) {
        match self {
            Self::ServiceKey => ("kind", "ALMServiceKey"),
            Self::Tenant => ("kind", "ALMTenant"),
        }
    }
}

impl Metrics {
    /// All of them, none counted yet.
    #[must_use]
    pub fn new(leadership: Leadership) -> Self {
        let histogram: fn() -> Histogram = || Histogram::new(BUCKETS);
        let metrics = Self {
            registry: Mutex::new(Registry::with_prefix(PREFIX)),
            uploads: Counter::default(),
            deletes: Counter::default(),
            adoptions: Counter::default(),
            releases: Counter::default(),
            orphans: Counter::default(),
            throttled: Counter::default(),
            sign_ins: Family::default(),
            passes: Family::default(),
            pass_durations: Family::new_with_constructor(histogram),
            requests: Family::new_with_constructor(histogram),
        };
        for result in ["accepted", "refused", "unknown"] {
            let _ = metrics.sign_ins.get_or_create(&[("result", result)]);
        }
        for kind in Kind::ALL {
            for result in ["settled", "failed"] {
                let _ = metrics.passes.get_or_create(&[kind.label(), ("result", result)]);
            }
        }
        metrics.register(leadership);
        metrics
    }

    fn register(&self, leadership: Leadership) {
        let mut registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        registry.register("build", "The version that runs", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
        registry.register_collector(Box::new(Leads(leadership)));
        let counters = [
            ("uploads", "Keys put into Landscape Management", &self.uploads),
            ("deletes", "Slots of Landscape Management that were emptied", &self.deletes),
            ("adoptions", "Keys of nobody in Landscape Management that were made ours", &self.adoptions),
            ("releases", "Keys in Landscape Management that were left to somebody else or to nobody", &self.releases),
            ("orphans", "Objects let go although their key may still stand in Landscape Management", &self.orphans),
            ("throttled", "Passes that were asked for too often, and put off", &self.throttled),
        ];
        for (name, help, counter) in counters {
            registry.register(name, help, counter.clone());
        }
        registry.register("sign_ins", "Sign-ins with a key, by what came of them", self.sign_ins.clone());
        registry.register("passes", "Passes over objects, by how they ended", self.passes.clone());
        let help = "How long a pass over an object took";
        registry.register_with_unit("pass_duration", help, Unit::Seconds, self.pass_durations.clone());
        let help = "How long a call to a token endpoint or to Landscape Management took";
        registry.register_with_unit("remote_call_duration", help, Unit::Seconds, self.requests.clone());
    }

    /// Shows what is looked up at each scrape.
    pub fn show(&self, collector: impl Collector) {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner).register_collector(Box::new(collector));
    }

    /// A write to the slot took effect.
    pub fn effect(&self, effect: Operation) {
        match effect {
            Operation::Upload => &self.uploads,
            Operation::Delete => &self.deletes,
            Operation::Adopt => &self.adoptions,
            Operation::Release => &self.releases,
        }
        .inc();
    }

    /// An object was let go without a look.
    pub fn orphan(&self) {
        self.orphans.inc();
    }

    /// A pass was asked for too early after others.
    pub fn throttled(&self) {
        self.throttled.inc();
    }

    /// A call to a remote side was answered, or was not.
    pub fn call(&self, operation: &'static str, result: &'static str, took: Duration) {
        self.requests.get_or_create(&[("operation", operation), ("result", result)]).observe(took.as_secs_f64());
    }

    /// A sign-in with a key.
    pub fn sign_in(&self, result: &'static str) {
        self.sign_ins.get_or_create(&[("result", result)]).inc();
    }

    /// A pass has ended.
    pub fn pass(&self, kind: Kind, settled: bool, took: Duration) {
        let result = if settled { "settled" } else { "failed" };
        self.passes.get_or_create(&[kind.label(), ("result", result)]).inc();
        self.pass_durations.get_or_create(&[kind.label()]).observe(took.as_secs_f64());
    }

    /// As Prometheus reads it.
    #[must_use]
    pub fn encode(&self) -> String {
        let registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = String::new();
        // Writing to a String does not fail.
        let _ = prometheus_text::encode(&mut text, &registry);
        text
    }
}

/// Writes a gauge with all its series.
///
/// # Errors
/// The text cannot be written.
pub fn gauge<S: EncodeLabelSet>(
    encoder: &mut DescriptorEncoder,
    (name, help, unit): (&str, &str, Option<&Unit>),
    series: impl IntoIterator<Item = (S, f64)>,
) -> std::fmt::Result {
    let mut series = series.into_iter().peekable();
    if series.peek().is_none() {
        return Ok(());
    }
    let mut metric = encoder.encode_descriptor(name, help, unit, MetricType::Gauge)?;
    for (labels, value) in series {
        metric.encode_family(&labels)?.encode_gauge(&value)?;
    }
    Ok(())
}

/// `almkey_leader`, as it is at the moment of the scrape.
#[derive(Debug)]
struct Leads(Leadership);

impl Collector for Leads {
    fn encode(&self, mut encoder: DescriptorEncoder) -> std::fmt::Result {
        let help = "1 while this replica leads, else 0.";
        encoder.encode_descriptor("leader", help, None, MetricType::Gauge)?.encode_gauge(&i64::from(self.0.is_leader()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_alerts_count_is_there_from_the_start() {
        let text = Metrics::new(Leadership::alone()).encode();
        for line in [
            "almkey_leader 1",
            "almkey_uploads_total 0",
            "almkey_deletes_total 0",
            "almkey_adoptions_total 0",
            "almkey_releases_total 0",
            "almkey_orphans_total 0",
            "almkey_sign_ins_total{result=\"refused\"} 0",
            "almkey_passes_total{kind=\"ALMServiceKey\",result=\"failed\"} 0",
        ] {
            assert!(text.lines().any(|found| found.starts_with(line)), "{line} is missing:\n{text}");
        }
    }

    #[test]
    fn each_write_is_counted_as_what_it_was() {
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
}
