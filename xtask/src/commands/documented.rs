//! `cargo xtask documented`: each documented command, with the tests that run it.

use testkit::documented::pages;
use xtask::docs::{commands, runs};

use crate::console::say;
use crate::error::Error;

/// Prints the list. Fails if no test runs a command.
pub fn run() -> Result<(), Error> {
    let table = commands::table(&pages(), &runs::all(), &commands::EXCEPTIONS);
    say(commands::written(&table.map_err(|problems| Error::Finding(problems.join("\n")))?));
    Ok(())
}
