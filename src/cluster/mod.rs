//! Calls to the API server, each with a deadline. Without one, the retries of kube's client would take minutes.

pub mod identity;
pub mod objects;

use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

/// Deadline of one call.
pub const DEADLINE: Duration = Duration::from_secs(15);

/// Number of objects in a page of a list. A user who may create Secrets can attach 1.5 MB of annotations and labels to each
/// of them: a page of 500, kube's default, could exceed the memory limit of the operator.
pub(crate) const PAGE: u32 = 10;

/// The failure of a call to the API server.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The API server refused the call or could not be reached, or its answer cannot be decoded.
    #[error(transparent)]
    Api(#[from] kube::Error),
    /// The API server did not answer before the deadline.
    #[error("the API server did not answer in time")]
    Deadline,
}

impl CallError {
    /// Returns the HTTP status of the API server's answer, if there was one.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Api(kube::Error::Api(status)) => Some(status.code),
            Self::Api(_) | Self::Deadline => None,
        }
    }

    /// Returns true if the API server itself reports that the object does not exist. A 404 of a proxy proves nothing.
    fn says_not_found(&self) -> bool {
        matches!(self, Self::Api(kube::Error::Api(status)) if status.code == 404 && status.reason == "NotFound")
    }

    /// Returns a message that quotes nothing and stays the same from one try to the next.
    #[must_use]
    pub fn stable_message(&self) -> String {
        match (self.status(), self) {
            (Some(403), _) => "the API server does not allow it (403)".into(),
            (Some(code), _) => format!("the API server answered {code}"),
            (None, Self::Api(kube::Error::SerdeError(_))) => {
                "this version of the operator cannot decode the API server's answer".into()
            }
            (None, _) => "the API server did not answer".into(),
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

/// Makes a read within the deadline. Returns none if the API server reports that the object does not exist.
pub async fn find<T>(request: impl Future<Output = kube::Result<T>>) -> Result<Option<T>, CallError> {
    match call(request).await {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.says_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

/// A Secret with its entries. Not `Debug`, so that no entry can be logged.
pub struct OpenSecret {
    /// Metadata of the Secret.
    pub metadata: ObjectMeta,
    /// The Secret's `data`.
    pub entries: BTreeMap<String, ByteString>,
}

impl From<Secret> for OpenSecret {
    fn from(secret: Secret) -> Self {
        Self { metadata: secret.metadata, entries: secret.data.unwrap_or_default() }
    }
}
