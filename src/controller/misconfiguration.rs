//! A defect of a tenant's configuration that keeps the operator from connecting.

use crate::domain::reason::Reason;
use crate::domain::retry::Retry;
use crate::domain::slot::RemoteTrouble;

/// A defect of a tenant's configuration, or of an object that it names.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Misconfiguration {
    /// Description of the defect, constant while it lasts. It quotes no content of an object.
    pub(crate) problem: String,
    retry: Retry,
}

impl Misconfiguration {
    /// Returns a defect that only a change of the configuration can end.
    pub(crate) fn lasting(problem: String) -> Self {
        Self { problem, retry: Retry::Never }
    }

    /// Returns a defect that may end by itself: an object is still to be written, or cannot be read now.
    pub(crate) fn passing(problem: String) -> Self {
        Self { problem, retry: Retry::Backoff }
    }

    /// Returns the trouble of a call that the defect prevents. `consequence` begins its message.
    pub(crate) fn trouble(self, consequence: &str) -> RemoteTrouble {
        RemoteTrouble {
            reason: Reason::TenantMisconfigured,
            message: format!("{consequence}: {}", self.problem),
            retry: self.retry,
        }
    }
}
