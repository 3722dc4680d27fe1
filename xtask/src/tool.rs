//! Programs that are installed from their crates, once, into the cache.

use std::path::PathBuf;

use xtask::workspace::cache;

use crate::cargo::compiling;
use crate::console::say;
use crate::error::Error;
use crate::process;

/// A program of a crate.
pub struct Tool {
    /// The crate, and its program.
    pub name: &'static str,
    /// The version of the crate.
    pub version: &'static str,
}

impl Tool {
    /// Installs the program into the cache, if it is not there, and returns its path.
    pub fn find_or_install(&self) -> Result<PathBuf, Error> {
        let Self { name, version } = self;
        let Some(cache) = cache() else {
            return Err(Error::Finding(format!("neither ALMKEY_CACHE nor HOME is set: {name} is kept below it")));
        };
        let folder = cache.join(format!("tools/{name}-{version}"));
        let program = folder.join("bin").join(name);
        if !program.is_file() {
            say(format!("installing {name} {version} (once, some minutes)"));
            let mut install = compiling("install");
            install.args(["--locked", "--version", version, "--root"]).arg(&folder).arg(name);
            process::run(&mut install, &format!("installing {name}"))?;
        }
        Ok(program)
    }
}
