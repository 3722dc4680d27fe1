//! cargo-zigbuild, with zig as the C compiler and linker for all platforms.

use std::path::{Path, PathBuf};
use std::process::Command;

use xtask::workspace::{cache, root};

use crate::cargo::cargo_in;
use crate::console::say;
use crate::error::Error;
use crate::process;

/// The versions and checksums of both, for pip.
const REQUIREMENTS: &str = "xtask/zigbuild.txt";

/// The installed tools.
pub struct Zigbuild {
    folder: PathBuf,
}

impl Zigbuild {
    /// Installs both from `PyPI` into the cache, if they are not there.
    pub fn find_or_install() -> Result<Self, Error> {
        let Some(cache) = cache() else {
            return Err(Error::Finding("neither ALMKEY_CACHE nor HOME is set: zig is kept below it".into()));
        };
        let file = root().join(REQUIREMENTS);
        let requirements = std::fs::read(&file).map_err(Error::file(&file))?;
        let tools = cache.join("tools");
        // Named by what it holds, so that other versions are installed beside it.
        let folder = tools.join(format!("zigbuild-{:.16}", xtask::image::manifest::sha256(&requirements)));
        if !folder.is_dir() {
            install(&file, &tools, &folder)?;
        }
        Ok(Self { folder })
    }

    /// Returns `cargo zigbuild` in a copy of the work tree.
    pub fn command(&self, source: &Path) -> Command {
        let mut command = cargo_in(source);
        let cache = self.folder.join("cache");
        // cargo finds its subcommand there.
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths([self.folder.join("bin")].into_iter().chain(std::env::split_paths(&path)));
        command
            .arg("zigbuild")
            .env("PATH", path.unwrap_or_default())
            .env("CARGO_ZIGBUILD_ZIG_PATH", self.folder.join("ziglang/zig"))
            .env("CARGO_ZIGBUILD_CACHE_DIR", &cache)
            .env("ZIG_GLOBAL_CACHE_DIR", &cache)
            .env("ZIG_LOCAL_CACHE_DIR", &cache);
        command
    }
}

fn install(requirements: &Path, tools: &Path, folder: &Path) -> Result<(), Error> {
    process::require("python3", "zig is installed by pip")?;
    say("installing zig and cargo-zigbuild (once, 100 MB)");
    std::fs::create_dir_all(tools).map_err(Error::file(tools))?;
    // It gets its name when it is complete.
    let unfinished = tempfile::tempdir_in(tools).map_err(Error::file(tools))?;
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--root-user-action", "ignore"]);
    pip.args(["--only-binary", ":all:", "--no-deps", "--require-hashes", "--requirement"]).arg(requirements);
    process::run(pip.arg("--target").arg(unfinished.path()), "installing zig")?;
    match std::fs::rename(unfinished.path(), folder) {
        Ok(()) => drop(unfinished.keep()),
        // Another process was faster. The folder is named by what it holds.
        Err(_) if folder.is_dir() => {}
        Err(error) => return Err(Error::file(folder)(error)),
    }
    Ok(())
}
