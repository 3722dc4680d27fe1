//! Parameters of the Lease.

use std::time::Duration;

/// Minimum duration of a Lease.
const MIN_LEASE_DURATION: Duration = Duration::from_secs(1);

/// The parameters of the Lease, with client-go's names. All replicas must have the same.
#[derive(Clone, Copy, Debug)]
pub struct LeaseParams {
    /// Time after the last observed renewal from which another replica may acquire the Lease.
    pub lease_duration: Duration,
    /// Time after its last renewal at which the leader stops leading.
    pub renew_deadline: Duration,
    /// Pause between two attempts to acquire or renew the Lease.
    pub retry_period: Duration,
}

/// The error of parameters that contradict each other.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLeaseParams {
    /// The Lease has a resolution of whole seconds.
    #[error("--lease-duration must be a whole number of seconds, at least 1s, and is {0:?}")]
    NotWholeSeconds(Duration),
    /// There would be no pause between attempts.
    #[error("--retry-period must be longer than 0s")]
    NoPause,
    /// The leader would stop before its second attempt to renew.
    #[error("--renew-deadline ({renew_deadline:?}) must be longer than --retry-period ({retry_period:?})")]
    NoSecondTry {
        /// `--renew-deadline`.
        renew_deadline: Duration,
        /// `--retry-period`.
        retry_period: Duration,
    },
    /// Two replicas could lead at once, or the leader would have no time to write.
    #[error(
        "--lease-duration ({lease_duration:?}) must be at least --renew-deadline ({renew_deadline:?}) and \
         --retry-period ({retry_period:?}) together"
    )]
    TooShort {
        /// `--lease-duration`.
        lease_duration: Duration,
        /// `--renew-deadline`.
        renew_deadline: Duration,
        /// `--retry-period`.
        retry_period: Duration,
    },
}

impl LeaseParams {
    /// Returns the parameters if they are consistent.
    ///
    /// # Errors
    /// The parameters contradict each other.
    pub fn validate(self) -> Result<Self, InvalidLeaseParams> {
        let Self { lease_duration, renew_deadline, retry_period } = self;
        if lease_duration < MIN_LEASE_DURATION || lease_duration.subsec_nanos() != 0 {
            return Err(InvalidLeaseParams::NotWholeSeconds(lease_duration));
        }
        if retry_period.is_zero() {
            return Err(InvalidLeaseParams::NoPause);
        }
        if renew_deadline <= retry_period {
            return Err(InvalidLeaseParams::NoSecondTry { renew_deadline, retry_period });
        }
        if lease_duration < renew_deadline.saturating_add(retry_period) {
            return Err(InvalidLeaseParams::TooShort { lease_duration, renew_deadline, retry_period });
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(lease: u64, renew: u64, retry: u64) -> Result<LeaseParams, InvalidLeaseParams> {
        let [lease_duration, renew_deadline, retry_period] = [lease, renew, retry].map(Duration::from_millis);
        LeaseParams { lease_duration, renew_deadline, retry_period }.validate()
    }

    // proves: limit process/leadership/lease_params MIN_LEASE_DURATION
    #[test]
    fn usual_parameters_are_valid() {
        for (lease, renew, retry) in
            [(1_000, 800, 200), (15_000, 10_000, 2_000), (137_000, 107_000, 26_000), (3_000, 2_000, 250)]
        {
            assert!(params(lease, renew, retry).is_ok(), "{lease} {renew} {retry}");
        }
    }

    #[test]
    fn invalid_parameters_are_refused_with_their_flags() {
        for (result, message) in [
            (params(999, 400, 100), "--lease-duration must be a whole number of seconds"),
            (params(1_500, 400, 100), "--lease-duration must be a whole number of seconds"),
            (params(15_000, 10_000, 0), "--retry-period must be longer than 0s"),
            (params(15_000, 2_000, 2_000), "--renew-deadline (2s) must be longer than --retry-period (2s)"),
            (params(11_000, 10_000, 2_000), "--lease-duration (11s) must be at least --renew-deadline (10s)"),
        ] {
            let error = result.expect_err(message).to_string();
            assert!(error.contains(message), "{error}");
        }
    }
}
