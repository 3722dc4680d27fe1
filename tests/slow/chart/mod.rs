//! The Helm chart, with the real Helm: what it renders, what the API server makes of that, a release from its installation
//! to its end, and the operator run exactly as the chart says.

mod admitted;
mod life;
mod notes;
mod openapi;
mod page;
mod parity;
mod release;
mod values;

use testkit::bed::{Setup, TestBed};

use crate::beds;

/// Runs a proof on a test bed on which nothing is installed yet.
fn run_uninstalled(setup: Setup, proof: impl AsyncFnOnce(TestBed)) {
    beds::run_with_bed(Setup { uninstalled: true, ..setup }, proof);
}
