//! actionlint, which checks the workflows of a hosted CI.

use std::process::Command;

use crate::control_plane::{Error, GoModule, Program};

const MODULE: GoModule = GoModule {
    name: "actionlint",
    programs: &[Program { name: "actionlint", package: "github.com/rhysd/actionlint/cmd/actionlint" }],
    ldflags: "-s -w",
    tags: "",
    duration: "half a minute",
};

/// Returns a command that runs actionlint, which is built if it is missing.
///
/// # Errors
/// It could not be built.
pub fn command() -> Result<Command, Error> {
    MODULE.program("actionlint").map(Command::new)
}
