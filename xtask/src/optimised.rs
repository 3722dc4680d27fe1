//! The unit tests with only the operator's code optimised: its dependencies are compiled already.

use std::process::Command;

const CONFIG: &str = "profile.dev.package.alm-key-operator.opt-level";

/// Completes `cargo` to a command that builds the unit tests.
pub fn build(mut cargo: Command, level: u8) -> Command {
    cargo.args(["test", "--quiet", "--no-run", "--lib", "--config", &format!("{CONFIG}={level}")]);
    cargo
}

/// Completes `cargo` to a command that runs one unit test, and prints what it prints.
pub fn test(mut cargo: Command, level: u8, test: &str) -> Command {
    cargo.args(["test", "--quiet", "--lib", "--config", &format!("{CONFIG}={level}"), "--", "--exact", test]);
    cargo.arg("--nocapture");
    cargo
}
