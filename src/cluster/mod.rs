//! Calls to the API server, each with a deadline: kube's client retries by itself, up to minutes.

pub mod objects;

use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use zeroize::Zeroize;

use crate::wiped::{Wipe, Wiped};

/// Longest time for one call.
pub const DEADLINE: Duration = Duration::from_secs(15);

/// How many objects a list brings at a time. Anybody who may make a Secret somewhere may hang 1.5 MB of annotations and
/// labels on it: with kube's 500, one page would be larger than all the memory that the operator may have.
pub(crate) const PAGE: u32 = 10;

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The API server answered, and not as wished, or could not be reached.
    #[error(transparent)]
    Api(#[from] kube::Error),
    /// It did not answer in time.
    #[error("the API server did not answer in time")]
    Deadline,
}

impl CallError {
    /// The HTTP status that the API server answered with, if it did.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Api(kube::Error::Api(status)) => Some(status.code),
            Self::Api(_) | Self::Deadline => None,
        }
    }

    /// Whether the API server itself says that there is no such object. A 404 of something in between does not.
    fn says_not_found(&self) -> bool {
        matches!(self, Self::Api(kube::Error::Api(status)) if status.code == 404 && status.reason == "NotFound")
    }

    /// The same thing in words that do not change from one try to the next, and quote nothing.
    #[must_use]
    pub fn stable_message(&self) -> String {
        match self.status() {
            Some(403) => "the API server does not allow it (403)".into(),
            Some(code) => format!("the API server answered {code}"),
            None => "the API server did not answer".into(),
        }
    }
}

/// Makes a call within the deadline.
pub async fn call<T>(request: impl Future<Output = kube::Result<T>>) -> Result<T, CallError> {
    match tokio::time::timeout(DEADLINE, request).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(CallError::Deadline),
    }
}

/// Makes a read within the deadline; "not found" is an answer.
pub async fn find<T>(request: impl Future<Output = kube::Result<T>>) -> Result<Option<T>, CallError> {
    match call(request).await {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.says_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

/// A Secret that was read: whatever comes of it, its entries are overwritten when it is dropped.
pub struct OpenSecret {
    /// As it was read.
    pub metadata: ObjectMeta,
    /// Its `data`.
    pub entries: Wiped<BTreeMap<String, ByteString>>,
}

impl From<Secret> for OpenSecret {
    fn from(secret: Secret) -> Self {
        Self { metadata: secret.metadata, entries: Wiped::new(secret.data.unwrap_or_default()) }
    }
}

/// The entries of a Secret.
impl Wipe for BTreeMap<String, ByteString> {
    fn wipe(&mut self) {
        for entry in self.values_mut() {
            entry.0.zeroize();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_of_the_entries_of_a_secret_that_were_overwritten() {
        let mut entries = BTreeMap::from([("key".to_owned(), ByteString(b"CANARY".to_vec()))]);
        entries.wipe();
        assert!(entries["key"].0.is_empty());
    }
}
