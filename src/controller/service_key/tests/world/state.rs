//! All that there is, behind one lock, and the moments at which a pass can be cut.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use super::cluster::Cluster;
use super::pass::Pass;
use super::sap::{KeyNo, Sap};

/// Refusals of a key with no success between.
#[derive(Clone, Copy)]
pub(super) struct Row {
    pub(super) first: Duration,
    pub(super) count: usize,
}

/// The whole world outside of the operators' processes.
pub(super) struct State {
    pub(super) now: Duration,
    /// By how much the operators' wall clocks are wrong, in seconds.
    pub(super) wall_is_off: i64,
    pub(super) sap: Sap,
    pub(super) clusters: Vec<Cluster>,
    /// All passes that ever began, as the judge sees them.
    pub(super) passes: Vec<Pass>,
    /// Refusals in a row, by process, object and key.
    pub(super) rows: BTreeMap<(usize, String, KeyNo), Row>,
    /// Calls to the remote sides, by cluster and object; counted anew from time to time.
    pub(super) calls: Vec<(usize, String)>,
    /// Writes to the API servers and to slots that took effect.
    pub(super) writes: usize,
    /// The first invariant that was broken.
    pub(super) broken: Option<String>,
    /// What happened, for a person.
    pub(super) trace: Option<Vec<String>>,
}

impl State {
    /// An invariant is broken.
    pub(super) fn breaks(&mut self, what: impl Into<String>) {
        let what = what.into();
        self.tells(|| format!("!! {what}"));
        self.broken.get_or_insert(what);
    }

    /// Notes what happened, if somebody reads along.
    pub(super) fn tells(&mut self, what: impl FnOnce() -> String) {
        let now = self.now.as_secs();
        if let Some(trace) = &mut self.trace {
            trace.push(format!("      {now:>6} s  {}", what()));
        }
    }
}

/// The world, shared by all who act in it.
#[derive(Clone)]
pub(super) struct World(Arc<Mutex<State>>);

impl World {
    pub(super) fn new(reads_along: bool) -> Self {
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

    pub(super) fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        // After a panic the history is told.
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Here a pass can be cut, and anything can happen before it goes on.
pub(super) fn pause() -> Pause {
    Pause(false)
}

/// Not ready once.
pub(super) struct Pause(bool);

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
