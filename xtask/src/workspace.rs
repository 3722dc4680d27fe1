//! The folders of the project on this machine.

use std::path::{Path, PathBuf};

/// Returns the root of the work tree.
///
/// # Panics
/// This package is not in a folder of the work tree.
#[must_use]
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask is a folder of the work tree")
}

/// Returns the folder that cargo builds into.
#[must_use]
pub fn target() -> PathBuf {
    // An absolute path replaces the root.
    root().join(variable("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()))
}

/// Returns the path of a program of this workspace in cargo's debug profile.
#[must_use]
pub fn program(name: &str) -> PathBuf {
    target().join("debug").join(name)
}

/// Returns the folder, outside the work tree, for what is built or found once and kept; none without a home directory.
#[must_use]
pub fn cache() -> Option<PathBuf> {
    variable("ALMKEY_CACHE")
        .or_else(|| variable("XDG_CACHE_HOME").map(|cache| cache.join("alm-key-operator")))
        .or_else(|| variable("HOME").map(|home| home.join(".cache/alm-key-operator")))
}

/// Returns the folder in which cargo keeps the sources of dependencies; none without a home directory.
#[must_use]
pub fn cargo_home() -> Option<PathBuf> {
    variable("CARGO_HOME").or_else(|| variable("HOME").map(|home| home.join(".cargo")))
}

fn variable(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}
