//! krew, the plugin manager of kubectl.

use std::path::PathBuf;

use crate::control_plane::{Error, GoModule, Program};

/// The module of krew.
const MODULE: GoModule = GoModule {
    name: "krew",
    programs: &[Program { name: "krew", package: "sigs.k8s.io/krew/cmd/krew" }],
    ldflags: "-s -w",
    tags: "",
    duration: "1 minute",
};

/// Builds krew if it is missing, and reports the progress. Returns its path.
///
/// # Errors
/// It could not be built.
pub fn find_or_build() -> Result<PathBuf, Error> {
    MODULE.program("krew")
}
