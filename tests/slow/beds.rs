//! ProcessHandles for one proof.

use tokio::runtime::Runtime;

use testkit::bed::{Setup, TestBed};

/// Runs a proof in a world of its own.
pub fn alone(setup: Setup, proof: impl AsyncFnOnce(TestBed)) {
    run(async { proof(TestBed::start(setup).await).await });
}

/// Runs a proof that makes its own worlds.
pub fn run(proof: impl Future<Output = ()>) {
    Runtime::new().expect("a runtime").block_on(proof);
}

/// What a proof has shown, in one line.
#[expect(clippy::print_stdout, reason = "who runs a proof is told what it has shown")]
pub fn told(line: &str) {
    println!("{line}");
}
