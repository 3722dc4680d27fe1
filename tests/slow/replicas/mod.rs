//! Two replicas, whose leader is killed or stopped at any moment; and two clusters that want the same slot.

mod audit;
mod clusters;
mod fleet;
mod late;
mod lease;
mod retries;
mod rotations;

use testkit::bed::Setup;

/// Quick enough to be waited for many times.
const TERMS: &[&str] =
    &["--leader-elect=true", "--lease-duration=3s", "--renew-deadline=2500ms", "--retry-period=250ms"];

/// Replicas that elect a leader, and an API server that writes down who did what.
fn elected() -> Setup {
    Setup { arguments: TERMS, audit: true, ..Setup::default() }
}
