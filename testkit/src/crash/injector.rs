//! The guard that lets everything pass but one request.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use tokio::sync::{Notify, Semaphore};

use super::point::{CrashMode, Phase, Point};
use crate::bed::operator::Operator;
use crate::proxy::{Guard, Name, Request, Ruling};

/// The operator of a life, while it runs.
pub(super) type Running = Arc<Mutex<Option<Operator>>>;

/// A request, and when it was made.
pub type Seen = (Name, Phase);

/// Strikes once, at its point.
pub(super) struct Injector {
    point: Option<Point>,
    operator: Running,
    chapter: Mutex<Phase>,
    /// All requests, in their order.
    seen: Mutex<Vec<Seen>>,
    /// Writes to what is not ours.
    foreign: Mutex<Vec<String>>,
    /// Told when the blow has fallen.
    fallen: Notify,
    /// Opened when a late request may go on; closed for ever by then.
    late: Semaphore,
    /// Told when the late request has arrived.
    arrived: Notify,
}

impl Injector {
    pub(super) fn new(point: Option<Point>, operator: Running) -> Self {
        Self {
            point,
            operator,
            chapter: Mutex::new(Phase::Start),
            seen: Mutex::default(),
            foreign: Mutex::default(),
            fallen: Notify::new(),
            late: Semaphore::new(0),
            arrived: Notify::new(),
        }
    }

    pub(super) fn begin(&self, chapter: Phase) {
        *lock(&self.chapter) = chapter;
    }

    /// Waits until the blow has fallen.
    pub(super) async fn fallen(&self) {
        self.fallen.notified().await;
    }

    /// Lets the late request go on, if there is one that has not, and waits until it has arrived.
    pub(super) async fn let_it_arrive(&self) {
        let is_late = self.point.as_ref().is_some_and(|point| point.blow.is_late());
        if is_late && !self.late.is_closed() {
            self.late.close();
            self.arrived.notified().await;
        }
    }

    /// The requests so far.
    pub(super) fn seen(&self) -> Vec<Seen> {
        lock(&self.seen).clone()
    }

    /// The writes to what is not ours.
    pub(super) fn foreign(&self) -> Vec<String> {
        lock(&self.foreign).clone()
    }

    fn is_struck(&self, request: &Request) -> Option<CrashMode> {
        self.point.as_ref().filter(|point| point.request == request.name).map(|point| point.blow)
    }

    /// Whether the late request is to arrive just before this one.
    fn makes_way(&self, request: &Request) -> bool {
        let Some(Point { request: late, blow: CrashMode::LateFirst, .. }) = &self.point else { return false };
        let alike = late.kind == request.name.kind && late.nth < request.name.nth;
        let both_to_the_slot = late.is_write_to_the_slot() && request.name.is_write_to_the_slot();
        (alike || both_to_the_slot) && *late != request.name && lock(&self.seen).iter().any(|(seen, _)| seen == late)
    }

    async fn kill(&self) {
        let operator = lock(&self.operator).take();
        let killed = tokio::task::spawn_blocking(|| operator.map(Operator::kill));
        killed.await.expect("it can be killed");
        self.fallen.notify_one();
    }
}

#[async_trait]
impl Guard for Injector {
    async fn asked(&self, request: &Request) -> Ruling {
        lock(&self.seen).push((request.name.clone(), *lock(&self.chapter)));
        if request.name.is_write() && !may_be_written(request) {
            lock(&self.foreign).push(format!("{} {}", request.name, request.path));
        }
        match self.is_struck(request) {
            Some(CrashMode::Before) => {
                self.kill().await;
                Ruling::Cut
            }
            Some(CrashMode::LateFirst | CrashMode::LateLast) => {
                self.kill().await;
                // It is closed when the request may go on.
                let _ = self.late.acquire().await;
                Ruling::Pass
            }
            Some(CrashMode::After | CrashMode::Swallowed) => Ruling::Pass,
            None => {
                if self.makes_way(request) {
                    self.let_it_arrive().await;
                }
                Ruling::Pass
            }
        }
    }

    async fn answered(&self, request: &Request, _status: u16) -> Ruling {
        match self.is_struck(request) {
            Some(CrashMode::After) => self.kill().await,
            Some(CrashMode::Swallowed) => self.fallen.notify_one(),
            Some(CrashMode::LateFirst | CrashMode::LateLast) => self.arrived.notify_one(),
            Some(CrashMode::Before) | None => return Ruling::Pass,
        }
        Ruling::Cut
    }
}

/// Of the API server only our own kinds and Events are ever written to.
fn may_be_written(request: &Request) -> bool {
    let path = request.path.as_str();
    let ours = ["/apis/almkey.dev/", "/apis/events.k8s.io/"].iter().any(|group| path.starts_with(group));
    ours || request.host.ends_with(".localhost")
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
