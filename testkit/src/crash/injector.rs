//! The guard that injects the crash: it disturbs one request and lets all others pass.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use tokio::sync::{Notify, Semaphore, watch};

use super::point::{CrashMode, Phase, Point};
use crate::bed::operator::Operator;
use crate::proxy::{Guard, Request, RequestName, Ruling};

/// The operator of a life cycle, while it runs.
pub(super) type Running = Arc<Mutex<Option<Operator>>>;

/// A request and the phase in which it was sent.
pub type SeenRequest = (RequestName, Phase);

/// Injects one crash, at its point.
pub(super) struct Injector {
    point: Option<Point>,
    operator: Running,
    phase: Mutex<Phase>,
    /// All requests, in their order.
    seen: Mutex<Vec<SeenRequest>>,
    /// Writes to objects that are not the operator's.
    foreign_writes: Mutex<Vec<String>>,
    /// True from the moment at which the request of the crash arrives, until the crash is made up for.
    disturbed: watch::Sender<bool>,
    /// Notified after the crash.
    crashed: Notify,
    /// Closed, for good, when the late request may go on.
    late: Semaphore,
    /// Notified when the late request has arrived.
    arrived: Notify,
}

impl Injector {
    pub(super) fn new(point: Option<Point>, operator: Running) -> Self {
        Self {
            point,
            operator,
            phase: Mutex::new(Phase::Start),
            seen: Mutex::default(),
            foreign_writes: Mutex::default(),
            disturbed: watch::Sender::new(false),
            crashed: Notify::new(),
            late: Semaphore::new(0),
            arrived: Notify::new(),
        }
    }

    pub(super) fn begin(&self, phase: Phase) {
        *lock(&self.phase) = phase;
    }

    /// Waits until the crash has been injected.
    pub(super) async fn crashed(&self) {
        self.crashed.notified().await;
    }

    /// Returns the state that is true from the moment at which the request of the crash arrives, until
    /// [`Injector::recover`].
    pub(super) fn disturbance(&self) -> watch::Receiver<bool> {
        self.disturbed.subscribe()
    }

    /// Notes that the crash is made up for.
    pub(super) fn recover(&self) {
        self.disturbed.send_replace(false);
    }

    /// Returns true if the request of the crash arrives after it.
    pub(super) fn is_late(&self) -> bool {
        self.point.as_ref().is_some_and(|point| point.mode.is_late())
    }

    /// Lets the late request go on, if there is one that has not, and waits until it has arrived.
    pub(super) async fn release_late_request(&self) {
        if self.is_late() && !self.late.is_closed() {
            self.late.close();
            self.arrived.notified().await;
        }
    }

    /// Returns the requests so far.
    pub(super) fn seen(&self) -> Vec<SeenRequest> {
        lock(&self.seen).clone()
    }

    /// Returns the writes to objects that are not the operator's.
    pub(super) fn foreign_writes(&self) -> Vec<String> {
        lock(&self.foreign_writes).clone()
    }

    /// Returns the mode of the crash if this is the request that it is injected at.
    fn mode_at(&self, request: &Request) -> Option<CrashMode> {
        self.point.as_ref().filter(|point| point.request == request.name).map(|point| point.mode)
    }

    /// Returns true if the late request has to arrive just before this one.
    fn follows_late_request(&self, request: &Request) -> bool {
        let Some(Point { request: late, mode: CrashMode::LateFirst, .. }) = &self.point else { return false };
        let is_same_kind = late.kind == request.name.kind && late.nth < request.name.nth;
        let are_slot_writes = late.is_slot_write() && request.name.is_slot_write();
        (is_same_kind || are_slot_writes)
            && *late != request.name
            && lock(&self.seen).iter().any(|(seen, _)| seen == late)
    }

    async fn kill(&self) {
        let operator = lock(&self.operator).take();
        let killed = tokio::task::spawn_blocking(|| operator.map(Operator::kill));
        killed.await.expect("the operator can be killed");
        self.crashed.notify_one();
    }
}

#[async_trait]
impl Guard for Injector {
    async fn on_request(&self, request: &Request) -> Ruling {
        lock(&self.seen).push((request.name.clone(), *lock(&self.phase)));
        if request.name.is_write() && !may_be_written(request) {
            lock(&self.foreign_writes).push(format!("{} {}", request.name, request.path));
        }
        let mode = self.mode_at(request);
        if mode.is_some() {
            self.disturbed.send_replace(true);
        }
        match mode {
            Some(CrashMode::Before) => {
                self.kill().await;
                Ruling::Cut
            }
            Some(CrashMode::LateFirst | CrashMode::LateLast) => {
                self.kill().await;
                // The error of a closed semaphore is the signal to go on.
                let _ = self.late.acquire().await;
                Ruling::Pass
            }
            Some(CrashMode::After | CrashMode::Swallowed) => Ruling::Pass,
            None => {
                if self.follows_late_request(request) {
                    self.release_late_request().await;
                }
                Ruling::Pass
            }
        }
    }

    async fn on_answer(&self, request: &Request, _status: u16) -> Ruling {
        match self.mode_at(request) {
            Some(CrashMode::After) => self.kill().await,
            Some(CrashMode::Swallowed) => self.crashed.notify_one(),
            Some(CrashMode::LateFirst | CrashMode::LateLast) => self.arrived.notify_one(),
            Some(CrashMode::Before) | None => return Ruling::Pass,
        }
        Ruling::Cut
    }
}

/// Returns true if the operator may write to the target: at the API server only to its own kinds and Events.
fn may_be_written(request: &Request) -> bool {
    let path = request.path.as_str();
    let is_own = ["/apis/almkey.dev/", "/apis/events.k8s.io/"].iter().any(|group| path.starts_with(group));
    is_own || request.host.ends_with(".localhost")
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
