//! Builds the control plane of tests and demo, if it is not there yet, where its progress can be seen.

#[path = "mod.rs"]
mod controlplane;

use std::process::ExitCode;

#[expect(clippy::print_stderr, reason = "who builds it is told why that failed")]
fn main() -> ExitCode {
    match controlplane::ControlPlane::build() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
