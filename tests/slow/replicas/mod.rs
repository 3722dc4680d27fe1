//! Two replicas whose leader is killed or stopped at any moment, and two clusters that compete for one slot.

mod audit;
mod clusters;
mod fleet;
mod late;
mod lease;
mod retries;
mod rotations;

use testkit::bed::Setup;

/// Short lease parameters, so that a new leader is elected quickly.
const LEASE_PARAMS: &[&str] =
    &["--leader-elect=true", "--lease-duration=3s", "--renew-deadline=2500ms", "--retry-period=250ms"];

/// Returns a setup whose replicas elect a leader, with an audit log of the API server.
fn with_election() -> Setup {
    Setup { arguments: LEASE_PARAMS, audit: true, ..Setup::default() }
}
