//! Runs a proof, and prints its result.

use tokio::runtime::Runtime;

use testkit::bed::{Setup, TestBed};

/// Runs a proof on a test bed of its own.
pub fn run_with_bed(setup: Setup, proof: impl AsyncFnOnce(TestBed)) {
    run(async { proof(TestBed::start(setup).await).await });
}

/// Runs a proof that starts its own test beds.
pub fn run(proof: impl Future<Output = ()>) {
    Runtime::new().expect("a runtime").block_on(proof);
}

/// Prints one line that sums up what a proof has shown.
#[expect(clippy::print_stdout, reason = "the summary is what a person runs a proof for")]
pub fn report(line: &str) {
    println!("{line}");
}
