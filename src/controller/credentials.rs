//! Which version of the operator's credentials there is: told by the watch, so that what waits for mended ones wakes up.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// The `resourceVersion` of each Secret of the operator's namespace, as far as the watch has told.
#[derive(Default)]
pub(crate) struct CredentialVersions(Mutex<HashMap<String, String>>);

impl CredentialVersions {
    /// The watch has seen this version; none if the Secret has gone.
    pub(crate) fn seen(&self, secret: &str, version: Option<String>) {
        let mut versions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match version {
            Some(version) => versions.insert(secret.to_owned(), version),
            None => versions.remove(secret),
        };
    }

    /// The version that was seen last; empty if there is none.
    pub(crate) fn of(&self, secret: &str) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(secret).cloned().unwrap_or_default()
    }
}
