//! What this process remembers of each object between two passes, and who may pass now.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Mutex as AsyncMutex;

use crate::domain::evidence::Observations;

/// The observations of all objects, by uid.
#[derive(Default)]
pub(crate) struct ObservationStore(Mutex<HashMap<String, Observations>>);

impl ObservationStore {
    pub(crate) fn of(&self, uid: &str) -> Observations {
        self.locked().get(uid).cloned().unwrap_or_default()
    }

    pub(crate) fn keep(&self, uid: &str, observations: Observations) {
        self.locked().insert(uid.to_owned(), observations);
    }

    pub(crate) fn forget(&self, uid: &str) {
        self.locked().remove(uid);
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, HashMap<String, Observations>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A lock for each tenant: its slot is one, so passes over it never overlap.
#[derive(Default)]
pub(crate) struct TenantLocks(Mutex<HashMap<String, Arc<AsyncMutex<()>>>>);

impl TenantLocks {
    pub(crate) fn of(&self, tenant: &str) -> Arc<AsyncMutex<()>> {
        let mut locks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Locks that nobody holds or waits for are not kept: names of tenants come and go.
        locks.retain(|name, lock| name == tenant || Arc::strong_count(lock) > 1);
        Arc::clone(locks.entry(tenant.to_owned()).or_default())
    }
}
