//! For how long a Lease is held, and how it is kept.

use std::time::Duration;

/// Least length of a Lease.
const SHORTEST: Duration = Duration::from_secs(1);

/// How the Lease is held. Each replica must have the same.
#[derive(Clone, Copy, Debug)]
pub struct LeaseParams {
    /// So long after the last renewal that a replica has seen, it may take the Lease.
    pub lease_duration: Duration,
    /// So long after its last renewal the leader gives up.
    pub renew_deadline: Duration,
    /// Between two tries to get or to renew it.
    pub retry_period: Duration,
}

/// The three do not fit together.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLeaseParams {
    /// A Lease counts in whole seconds.
    #[error("--lease-duration must be a whole number of seconds, at least 1s, and is {0:?}")]
    NotWholeSeconds(Duration),
    /// It would be asked for without a pause.
    #[error("--retry-period must be longer than 0s")]
    NoPause,
    /// The leader would give up before its second try.
    #[error("--renew-deadline ({renew_deadline:?}) must be longer than --retry-period ({retry_period:?})")]
    NoSecondTry {
        /// Of the leader.
        renew_deadline: Duration,
        /// Of everybody.
        retry_period: Duration,
    },
    /// Two would lead, or the leader would have no time to write.
    #[error(
        "--lease-duration ({lease_duration:?}) must be at least --renew-deadline ({renew_deadline:?}) and \
         --retry-period ({retry_period:?}) together"
    )]
    TooShort {
        /// Of the Lease.
        lease_duration: Duration,
        /// Of the leader.
        renew_deadline: Duration,
        /// Of everybody.
        retry_period: Duration,
    },
}

impl LeaseParams {
    /// These, if they fit together.
    ///
    /// # Errors
    /// They do not.
    pub fn checked(self) -> Result<Self, InvalidLeaseParams> {
        let Self { lease_duration, renew_deadline, retry_period } = self;
        if lease_duration < SHORTEST || lease_duration.subsec_nanos() != 0 {
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

    fn of(lease: u64, renew: u64, retry: u64) -> Result<LeaseParams, InvalidLeaseParams> {
        let [lease_duration, renew_deadline, retry_period] = [lease, renew, retry].map(Duration::from_millis);
        LeaseParams { lease_duration, renew_deadline, retry_period }.checked()
    }

    // proves: limit process/leadership/params SHORTEST
    #[test]
    fn the_usual_terms_fit() {
        for (lease, renew, retry) in
            [(1_000, 800, 200), (15_000, 10_000, 2_000), (137_000, 107_000, 26_000), (3_000, 2_000, 250)]
        {
            assert!(of(lease, renew, retry).is_ok(), "{lease} {renew} {retry}");
        }
    }

    #[test]
    fn terms_that_do_not_fit_are_refused_by_their_flags() {
        for (params, flags) in [
            (of(999, 400, 100), "--lease-duration must be a whole number of seconds"),
            (of(1_500, 400, 100), "--lease-duration must be a whole number of seconds"),
            (of(15_000, 10_000, 0), "--retry-period must be longer than 0s"),
            (of(15_000, 2_000, 2_000), "--renew-deadline (2s) must be longer than --retry-period (2s)"),
            (of(11_000, 10_000, 2_000), "--lease-duration (11s) must be at least --renew-deadline (10s)"),
        ] {
            let message = params.expect_err(flags).to_string();
            assert!(message.contains(flags), "{message}");
        }
    }
}
