//! The arguments of the leader election.

use std::time::Duration;

use clap::ArgAction;

use crate::process::leadership::lease_params::{InvalidLeaseParams, LeaseParams};

#[derive(clap::Args)]
pub(super) struct Election {
    /// Elect a leader among several replicas. Without it there must be one at most.
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

    /// How long a Lease that is not renewed keeps other replicas from leading. The same for all replicas, in whole seconds.
    #[arg(long, env = "ALMKEY_LEASE_DURATION", default_value = "15s", value_parser = duration, value_name = "DURATION")]
    lease_duration: Duration,

    /// How long the leader tries to renew its Lease before it gives up and ends. A write to Landscape Management begins
    /// only while so much is left of the Lease, or as much as the timeout of its ALMTenant if that is shorter.
    #[arg(long, env = "ALMKEY_RENEW_DEADLINE", default_value = "10s", value_parser = duration, value_name = "DURATION")]
    renew_deadline: Duration,

    /// Pause between two tries to get or to renew the Lease.
    #[arg(long, env = "ALMKEY_RETRY_PERIOD", default_value = "2s", value_parser = duration, value_name = "DURATION")]
    retry_period: Duration,
}

impl Election {
    /// On what terms a leader is elected; none if there is no election.
    pub(super) fn terms(&self) -> Result<Option<LeaseParams>, InvalidLeaseParams> {
        let Self { leader_elect, lease_duration, renew_deadline, retry_period } = *self;
        let terms = LeaseParams { lease_duration, renew_deadline, retry_period };
        leader_elect.then(|| terms.checked()).transpose()
    }
}

/// As Kubernetes writes them.
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
    fn durations_are_read_as_kubernetes_writes_them() {
        assert_eq!(duration("1m30s"), Ok(Duration::from_secs(90)));
        for wrong in ["", "15", "-15s", "soon"] {
            assert!(duration(wrong).is_err_and(|message| message.contains("such as 15s")), "{wrong}");
        }
    }
}
