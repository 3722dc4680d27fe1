//! Locks that keep reconciliations from overlapping.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

use crate::process::lock::lock;

/// A lock for each lock key. A tenant has one slot, so reconciliations of the keys of one tenant must not overlap.
#[derive(Default)]
pub(crate) struct ReconcileLocks(Mutex<HashMap<String, Arc<AsyncMutex<()>>>>);

impl ReconcileLocks {
    /// Waits for the lock of a lock key.
    pub(crate) async fn acquire(&self, lock_key: &str) -> OwnedMutexGuard<()> {
        let lock = self.get(lock_key);
        lock.lock_owned().await
    }

    fn get(&self, lock_key: &str) -> Arc<AsyncMutex<()>> {
        let mut locks = lock(&self.0);
        // Names of tenants come and go: a lock that nothing holds or waits for is dropped.
        locks.retain(|name, lock| name == lock_key || Arc::strong_count(lock) > 1);
        Arc::clone(locks.entry(lock_key.to_owned()).or_default())
    }
}
