//! The state of the simulation outside of the operators' processes, and the cut points of reconciliations.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use crate::domain::record::Record;
use crate::domain::slot::Owner;
use crate::landscape::manual::read_record;
use crate::simulation::manual::people::People;
use crate::simulation::manual::request_log::RequestLog;
use crate::simulation::model::cluster::Cluster;
use crate::simulation::model::sap::{KeyNumber, Sap, SlotContent, tenant_name};
use crate::simulation::reconciliation::Reconciliation;

/// Refusals of a key without a success between them.
#[derive(Clone, Copy)]
pub(crate) struct Refusals {
    pub(crate) first: Duration,
    pub(crate) count: usize,
    /// True if the credentials were refused at least once. An unknown zone alone confirms nothing.
    pub(crate) by_credentials: bool,
}

/// The state of the simulation.
pub(crate) struct State {
    /// The time since the start.
    pub(crate) now: Duration,
    /// The error of the operators' wall clocks in seconds.
    pub(crate) wall_clock_offset: i64,
    pub(crate) sap: Sap,
    pub(crate) clusters: Vec<Cluster>,
    /// All reconciliations that ever began.
    pub(crate) reconciliations: Vec<Reconciliation>,
    /// Consecutive refusals, by process, uid and key.
    pub(crate) refusals: BTreeMap<(usize, String, KeyNumber), Refusals>,
    /// Calls to SAP's side, by cluster and object, since the last reset.
    pub(crate) remote_calls: Vec<(usize, String)>,
    /// True once both clusters have the same ID.
    pub(crate) is_cloned: bool,
    /// True if the tenants are in manual mode.
    pub(crate) is_manual: bool,
    /// The people who change the slots in manual mode.
    pub(crate) people: People,
    /// The requests to people, and the records of their confirmations.
    pub(crate) log: RequestLog,
    /// The number of effective writes to API servers and slots.
    pub(crate) write_count: usize,
    /// The first violation of an invariant.
    pub(crate) violation: Option<String>,
    /// The events of the history as text; `None` unless they were requested.
    pub(crate) trace: Option<Vec<String>>,
}

impl State {
    /// Records the violation of an invariant of one operator. Two operators with the same cluster ID take each other's
    /// writes for their own, so none of these invariants holds for them.
    pub(crate) fn record_violation(&mut self, message: impl Into<String>) {
        if !self.is_cloned {
            self.record_failure(message);
        }
    }

    /// Records a failure of whatever number of operators: a panic, or work that never ends.
    pub(crate) fn record_failure(&mut self, message: impl Into<String>) {
        let message = message.into();
        self.trace(|| format!("!! {message}"));
        self.violation.get_or_insert(message);
    }

    /// Adds an event to the trace.
    pub(crate) fn trace(&mut self, event: impl FnOnce() -> String) {
        let now = self.now.as_secs();
        if let Some(trace) = &mut self.trace {
            trace.push(format!("      {now:>6} s  {}", event()));
        }
    }

    /// Returns the slot owner that stands for the object of a reconciliation.
    pub(crate) fn owner(&self, reconciliation: &Reconciliation) -> Owner {
        self.clusters[reconciliation.cluster].owner(&reconciliation.name)
    }

    /// Returns the record of a tenant's slot in manual mode.
    pub(crate) fn record(&self, cluster: usize, tenant: &str) -> Option<Record> {
        let cluster = &self.clusters[cluster];
        read_record(cluster.tenants.get(tenant)?, &cluster.id)
    }

    /// Returns the steps of a tenant's pending removal.
    pub(crate) fn removal_steps(&self, cluster: usize, tenant: &str) -> Option<Vec<String>> {
        let status = self.clusters[cluster].tenants.get(tenant)?.status.as_ref()?;
        status.pending_removals.first().map(|removal| removal.steps.clone())
    }

    /// Returns true if an owner of this name in this cluster holds the slot: in manual mode, by the record of it.
    pub(crate) fn holds_slot(&self, cluster: usize, name: &str, zone: usize) -> bool {
        if self.is_manual {
            let record = self.record(cluster, tenant_name(zone));
            return record.is_some_and(|record| record.owner() == Some(&self.clusters[cluster].owner(name)));
        }
        let holder = self.sap.slots[zone].content.as_ref().and_then(SlotContent::owner);
        holder == Some(&self.clusters[cluster].owner(name))
    }
}

/// A handle to the state, shared by all participants.
#[derive(Clone)]
pub(crate) struct SharedState(Arc<Mutex<State>>);

impl SharedState {
    pub(crate) fn new(with_trace: bool) -> Self {
        Self(Arc::new(Mutex::new(State {
            now: Duration::from_hours(1),
            wall_clock_offset: 0,
            sap: Sap::new(),
            clusters: vec![Cluster::new("one"), Cluster::new("two")],
            reconciliations: Vec::new(),
            refusals: BTreeMap::new(),
            remote_calls: Vec::new(),
            is_cloned: false,
            is_manual: false,
            people: People::default(),
            log: RequestLog::default(),
            write_count: 0,
            violation: None,
            trace: with_trace.then(Vec::new),
        })))
    }

    /// Runs `act` on the state. A panic of an earlier act does not prevent that: its history is still reported.
    pub(crate) fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Returns a future that is pending once: here a reconciliation can be cut, and other steps can come between.
pub(crate) fn cut_point() -> CutPoint {
    CutPoint { was_polled: false }
}

/// The future of [`cut_point`].
pub(crate) struct CutPoint {
    was_polled: bool,
}

impl Future for CutPoint {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.was_polled {
            return Poll::Ready(());
        }
        self.was_polled = true;
        context.waker().wake_by_ref();
        Poll::Pending
    }
}
