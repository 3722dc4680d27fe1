//! Command lines of cargo.

use std::path::Path;
use std::process::Command;

use xtask::workspace::root;

use crate::error::Error;
use crate::{console, process, results};

/// Returns `cargo` in the work tree.
pub fn cargo() -> Command {
    cargo_in(root())
}

/// Returns `cargo` in a folder.
///
/// Variables that `cargo run` sets for xtask itself are left out: some build scripts, such as that of ring, are run
/// again when these change, and everything above them is compiled again.
pub fn cargo_in(folder: &Path) -> Command {
    let mut command = Command::new("cargo");
    command.current_dir(folder);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_PRIMARY_", "CARGO_BIN_"].iter().any(|set| text.starts_with(set)) {
            command.env_remove(&name);
        }
    }
    command
}

/// Returns a command of cargo that compiles: with cargo's progress on a terminal, without a line for each crate in a log.
pub fn compiling(subcommand: &str) -> Command {
    let mut command = cargo();
    command.arg(subcommand);
    if !console::is_terminal() {
        command.arg("--quiet");
    }
    command
}

/// Returns a command of cargo that runs tests which are compiled already: a dot for each.
pub fn testing(selection: &[&str]) -> Command {
    let mut command = cargo();
    command.args(["test", "--quiet", "--workspace"]).args(selection);
    command
}

/// Returns how many tests of a selection have `filter` in their names.
pub fn count(selection: &[&str], filter: &str) -> Result<usize, Error> {
    let mut list = testing(selection);
    list.args(["--", "--list", "--format", "terse", filter]);
    process::read(&mut list, "listing tests").map(|list| results::listed(&list))
}
