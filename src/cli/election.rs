//! The flags of the leader election.

use std::time::Duration;

use clap::ArgAction;

use crate::process::leadership::lease_params::{InvalidLeaseParams, LeaseParams};

#[derive(clap::Args)]
pub(super) struct Election {
    /// Elect a leader among the replicas. If false, at most one replica may run.
    #[arg(
        long,
        env = "ALMKEY_LEADER_ELECT",
        default_value_t = true,
        action = ArgAction::Set,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        value_name = "true|false"
    )]
    leader_elect: bool,

    /// Time for which other replicas wait before they acquire a Lease that is no longer renewed. In whole seconds, and
    /// the same for all replicas.
    #[arg(long, env = "ALMKEY_LEASE_DURATION", default_value = "15s", value_parser = duration, value_name = "DURATION")]
    lease_duration: Duration,

    /// Time for which the leader retries to renew its Lease before it exits. A write to Landscape Management begins
    /// only while this much time, or the timeout of its ALMTenant if that is shorter, remains of the Lease.
    #[arg(long, env = "ALMKEY_RENEW_DEADLINE", default_value = "10s", value_parser = duration, value_name = "DURATION")]
    renew_deadline: Duration,

    /// Pause between two attempts to acquire or renew the Lease.
    #[arg(long, env = "ALMKEY_RETRY_PERIOD", default_value = "2s", value_parser = duration, value_name = "DURATION")]
    retry_period: Duration,
}

impl Election {
    /// Returns the parameters of the election, or none if there is no election.
    ///
    /// # Errors
    /// The durations contradict each other.
    pub(super) fn params(&self) -> Result<Option<LeaseParams>, InvalidLeaseParams> {
        let Self { leader_elect, lease_duration, renew_deadline, retry_period } = *self;
        let params = LeaseParams { lease_duration, renew_deadline, retry_period };
        leader_elect.then(|| params.validate()).transpose()
    }
}

/// Parses a duration in the notation of Kubernetes.
fn duration(text: &str) -> Result<Duration, String> {
    let expected = "expected a duration such as 15s, 500ms or 1m30s";
    match text.parse::<kube::core::Duration>() {
        Ok(duration) if !duration.is_negative() && !text.is_empty() => Ok(duration.into()),
        Ok(_) | Err(_) => Err(expected.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_in_the_notation_of_kubernetes() {
        assert_eq!(duration("1m30s"), Ok(Duration::from_secs(90)));
        for wrong in ["", "15", "-15s", "soon"] {
            assert!(duration(wrong).is_err_and(|message| message.contains("such as 15s")), "{wrong}");
        }
    }
}
