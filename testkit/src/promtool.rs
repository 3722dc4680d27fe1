//! promtool, the tool of Prometheus that checks rules and metrics.

use std::path::PathBuf;
use std::process::Command;

use crate::control_plane::{Error, GoModule, Program};

/// The module of promtool and of Prometheus. Without its clients for service discovery, which no rule needs, it builds in
/// a quarter of the time.
pub(crate) const MODULE: GoModule = GoModule {
    name: "promtool",
    programs: &[Program { name: "promtool", package: "github.com/prometheus/prometheus/cmd/promtool" }],
    ldflags: "-s -w",
    tags: "remove_all_sd",
    duration: "2 to 4 minutes",
};

/// Builds promtool if it is missing, and reports the progress. Returns its path.
///
/// # Errors
/// It could not be built.
pub fn find_or_build() -> Result<PathBuf, Error> {
    MODULE.program("promtool")
}

/// Returns a command that runs promtool.
///
/// # Errors
/// It could not be built.
pub fn command() -> Result<Command, Error> {
    find_or_build().map(Command::new)
}
