//! The results of checks.

/// The result of a check.
pub(super) type Verdict = Result<(), Failed>;

/// The reason why a check did not pass.
pub(super) enum Failed {
    /// The server breaks the contract.
    NotOk(String),
    /// The precondition of the check could not be established. Another check reports why.
    NotRun(String),
}

impl Failed {
    /// Returns the reason alone.
    pub(super) fn reason(self) -> String {
        match self {
            Self::NotOk(reason) | Self::NotRun(reason) => reason,
        }
    }
}

/// Returns the failure of a server that breaks the contract.
pub(super) fn not_ok(reason: impl Into<String>) -> Failed {
    Failed::NotOk(reason.into())
}

/// Returns the failure of a check that could not be run.
pub(super) fn not_run(reason: impl Into<String>) -> Failed {
    Failed::NotRun(reason.into())
}
