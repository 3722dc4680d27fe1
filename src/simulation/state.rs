//! All that there is, behind one lock, and the moments at which a pass can be cut.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use crate::simulation::model::cluster::Cluster;
use crate::simulation::model::sap::{KeyNo, Sap};
use crate::simulation::pass::Pass;

/// Refusals of a key with no success between.
#[derive(Clone, Copy)]
pub(crate) struct Row {
    pub(crate) first: Duration,
    pub(crate) count: usize,
}

/// The whole world outside of the operators' processes.
pub(crate) struct State {
    pub(crate) now: Duration,
    /// By how much the operators' wall clocks are wrong, in seconds.
    pub(crate) wall_is_off: i64,
    pub(crate) sap: Sap,
    pub(crate) clusters: Vec<Cluster>,
    /// All passes that ever began, as the judge sees them.
    pub(crate) passes: Vec<Pass>,
    /// Refusals in a row, by process, object and key.
    pub(crate) rows: BTreeMap<(usize, String, KeyNo), Row>,
    /// Calls to the remote sides, by cluster and object; counted anew from time to time.
    pub(crate) calls: Vec<(usize, String)>,
    /// Writes to the API servers and to slots that took effect.
    pub(crate) writes: usize,
    /// The first invariant that was broken.
    pub(crate) broken: Option<String>,
    /// What happened, for a person.
    pub(crate) trace: Option<Vec<String>>,
}

impl State {
    /// An invariant is broken.
    pub(crate) fn breaks(&mut self, what: impl Into<String>) {
        let what = what.into();
        self.tells(|| format!("!! {what}"));
        self.broken.get_or_insert(what);
    }

    /// Notes what happened, if somebody reads along.
    pub(crate) fn tells(&mut self, what: impl FnOnce() -> String) {
        let now = self.now.as_secs();
        if let Some(trace) = &mut self.trace {
            trace.push(format!("      {now:>6} s  {}", what()));
        }
    }
}

/// The world, caches by all who act in it.
#[derive(Clone)]
pub(crate) struct World(Arc<Mutex<State>>);

impl World {
    pub(crate) fn new(reads_along: bool) -> Self {
        Self(Arc::new(Mutex::new(State {
            now: Duration::from_hours(1),
            wall_is_off: 0,
            sap: Sap::new(),
            clusters: vec![Cluster::new("one"), Cluster::new("two")],
            passes: Vec::new(),
            rows: BTreeMap::new(),
            calls: Vec::new(),
            writes: 0,
            broken: None,
            trace: reads_along.then(Vec::new),
        })))
    }

    pub(crate) fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        // After a panic the history is told.
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Here a pass can be cut, and anything can happen before it goes on.
pub(crate) fn pause() -> Pause {
    Pause(false)
}

/// Not ready once.
pub(crate) struct Pause(bool);

impl Future for Pause {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.0 {
            return Poll::Ready(());
        }
        self.0 = true;
        context.waker().wake_by_ref();
        Poll::Pending
    }
}
