//! Observations of each object, kept in memory from one reconciliation to the next.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use crate::cluster::identity::Uid;
use crate::domain::evidence::Observations;
use crate::domain::retry::FailureStreak;
use crate::domain::time::Moment;
use crate::process::lock::lock;

/// The observations of all objects.
#[derive(Default)]
pub(crate) struct ObservationStore(Mutex<HashMap<Uid, Observations>>);

impl ObservationStore {
    /// Returns the observations of an object.
    pub(crate) fn get(&self, uid: &Uid) -> Observations {
        lock(&self.0).get(uid).cloned().unwrap_or_default()
    }

    /// Replaces the observations of an object.
    pub(crate) fn set(&self, uid: &Uid, observations: Observations) {
        lock(&self.0).insert(uid.clone(), observations);
    }

    /// Records a failed reconciliation. Returns the wait before the next one, which grows with each failure.
    pub(crate) fn back_off(&self, uid: &Uid, now: Moment, jitter: f64) -> Duration {
        let mut all = lock(&self.0);
        let observations = all.entry(uid.clone()).or_default();
        let failures = FailureStreak::extend(observations.failures, now);
        observations.failures = Some(failures);
        failures.wait(now, jitter)
    }

    /// Drops the observations of an object that does not exist any more.
    pub(crate) fn forget(&self, uid: &Uid) {
        lock(&self.0).remove(uid);
    }
}
