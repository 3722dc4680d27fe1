//! cargo-deny, the checker of dependencies.

use std::path::PathBuf;

use xtask::workspace::cache;

use crate::cargo::compiling;
use crate::console::say;
use crate::error::Error;
use crate::process;

const VERSION: &str = "0.20.2";

/// Installs it into the cache, if it is not there, and returns its path.
pub fn find_or_install() -> Result<PathBuf, Error> {
    let Some(cache) = cache() else {
        return Err(Error::Finding("neither ALMKEY_CACHE nor HOME is set: cargo-deny is kept below it".into()));
    };
    let folder = cache.join(format!("tools/cargo-deny-{VERSION}"));
    let program = folder.join("bin/cargo-deny");
    if !program.is_file() {
        say(format!("installing cargo-deny {VERSION} (once, some minutes)"));
        let mut install = compiling("install");
        install.args(["--locked", "--version", VERSION, "--root"]).arg(&folder).arg("cargo-deny");
        process::run(&mut install, "installing cargo-deny")?;
    }
    Ok(program)
}
