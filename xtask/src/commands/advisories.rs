//! `cargo xtask advisories`: looks for known vulnerabilities, unsound and unmaintained crates, and withdrawn versions.
//!
//! It downloads the database of advisories, and its result changes without a change here. So it is no part of `lint`.

use std::process::Command;

use xtask::workspace::root;

use crate::console::say;
use crate::error::Error;
use crate::{cargo_deny, process};

/// Checks the lock file of the workspace, and that of the fuzz targets.
pub fn run() -> Result<(), Error> {
    let deny = cargo_deny::TOOL.find_or_install()?;
    for folder in ["", "fuzz"] {
        let folder = root().join(folder);
        say(format!("advisories: {}", folder.join("Cargo.lock").display()));
        let mut command = Command::new(&deny);
        command.args(["check", "advisories"]).current_dir(folder);
        process::run(&mut command, "checking advisories")?;
    }
    Ok(())
}
