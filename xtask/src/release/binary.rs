//! The release binary of one platform.

use std::path::{Path, PathBuf};
use std::process::Command;

use xtask::platform::Platform;
use xtask::workspace::{cargo_home, root};

use super::zigbuild::Zigbuild;
use crate::console;
use crate::error::Error;
use crate::process;

/// Builds `almkey` for all these platforms at once, from a copy of the work tree. [`path`] says where each program is.
///
/// No path of this machine gets into a program, so that it does not depend on the folder that it is built in.
pub fn build(platforms: &[Platform], zigbuild: &Zigbuild, source: &Path, target: &Path) -> Result<(), Error> {
    let mut command = zigbuild.command(source);
    command.args(["--release", "--locked", "--package", "alm-key-operator", "--bin", "almkey"]);
    for platform in platforms {
        ensure_installed(platform.target)?;
        command.args(["--target", platform.target]);
    }
    command.arg("--target-dir").arg(target);
    // cargo's separator, so that a path may contain spaces. It has precedence over RUSTFLAGS.
    command.env("CARGO_ENCODED_RUSTFLAGS", remaps(source)?.join("\x1f"));
    if !console::is_terminal() {
        command.arg("--quiet");
    }
    process::run(&mut command, "compiling the programs")
}

/// Returns the path of the program for a platform below the target folder.
pub fn path(platform: Platform, target: &Path) -> PathBuf {
    target.join(platform.target).join("release").join(platform.program("almkey"))
}

/// Returns the flags of rustc that replace the folders of this machine in panics.
fn remaps(source: &Path) -> Result<Vec<String>, Error> {
    let sysroot =
        process::read(Command::new("rustc").args(["--print", "sysroot"]).current_dir(source), "asking rustc")?;
    let cargo_home = cargo_home().ok_or_else(|| Error::Finding("neither CARGO_HOME nor HOME is set".into()))?;
    let folders = [
        (cargo_home.display().to_string(), "/cargo"),
        (sysroot.trim().to_owned(), "/rust"),
        (source.display().to_string(), "/source"),
    ];
    Ok(folders.iter().map(|(from, to)| format!("--remap-path-prefix={from}={to}")).collect())
}

/// Installs the standard library for a target, if it is missing.
fn ensure_installed(target: &str) -> Result<(), Error> {
    let mut list = Command::new("rustup");
    list.args(["target", "list", "--installed"]).current_dir(root());
    if process::read(&mut list, "listing targets")?.lines().any(|installed| installed == target) {
        return Ok(());
    }
    let mut add = Command::new("rustup");
    add.args(["target", "add", target]).current_dir(root());
    process::run(&mut add, "installing the standard library")
}
