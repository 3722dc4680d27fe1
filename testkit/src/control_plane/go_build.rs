//! A Go module, and the build of its programs, which takes minutes and reports its progress.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use super::error::Error;
use super::process::Supervised;
use super::watchdog;

/// Interval at which a long build reports that it is alive.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// A program and its Go package.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Program {
    pub(crate) name: &'static str,
    pub(crate) package: &'static str,
}

/// A Go module that pins the versions of programs.
pub(crate) struct GoModule {
    /// Name of its folder, and of the folder in the cache.
    pub(crate) name: &'static str,
    pub(crate) programs: &'static [Program],
    /// The flags of the linker.
    pub(crate) ldflags: &'static str,
    /// The build tags.
    pub(crate) tags: &'static str,
    /// The usual duration of the build on two cores if nothing is cached.
    pub(crate) duration: &'static str,
}

/// The places in which a program is looked for before it is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Places {
    /// `KUBEBUILDER_ASSETS`, then the cache.
    AssetsAndCache,
    /// The cache alone, for a version of its own.
    Cache,
}

impl GoModule {
    /// Returns the folder of `go.mod`.
    pub(super) fn folder(&self) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("go").join(self.name)
    }
}

/// Builds programs into the cache. The caller holds the lock of the cache.
pub(super) fn all(module: &GoModule, programs: &[Program], places: Places, cache: &Path) -> Result<(), Error> {
    if programs.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = programs.iter().map(|program| program.name).collect();
    let names = names.join(", ");
    if let Err(error) = Command::new("go").arg("version").output() {
        let alternative = match places {
            Places::AssetsAndCache => ", or set KUBEBUILDER_ASSETS to a folder that holds them",
            Places::Cache => "",
        };
        return Err(Error::Build(format!(
            "{names} must be built, but `go` cannot be started ({error}): install Go 1.26 or newer{alternative}"
        )));
    }
    announce(&names, module.duration, places, cache);
    let workspace = cache.join(format!("unfinished-{}", std::process::id()));
    watchdog::delete_at_end(&workspace).map_err(|error| Error::file(&workspace, error))?;
    fs::create_dir_all(&workspace).map_err(|error| Error::file(&workspace, error))?;
    let built = programs.iter().enumerate().try_for_each(|(number, program)| {
        build(module, *program, cache, &workspace, &format!("[{}/{}]", number + 1, programs.len()))
    });
    // If this fails, the watchdog deletes it.
    let _ = fs::remove_dir_all(&workspace);
    built
}

#[expect(clippy::print_stderr, reason = "a build that takes minutes must show its progress")]
fn announce(names: &str, duration: &str, places: Places, cache: &Path) {
    let alternative = match places {
        Places::AssetsAndCache => " Set KUBEBUILDER_ASSETS to a folder that holds them to skip this.",
        Places::Cache => "",
    };
    eprintln!(
        "Building {names} from Go modules. This happens once and takes {duration} on two cores if nothing is \
         cached.\nThe programs are kept in {}.{alternative}",
        cache.display()
    );
}

/// Reports that another process builds, and that this one waits for it.
#[expect(clippy::print_stderr, reason = "a wait of minutes must not be silent")]
pub(super) fn announce_wait(cache: &Path) {
    eprintln!("Another process is building programs in {}. Waiting for it.", cache.display());
}

#[expect(clippy::print_stderr, reason = "a build that takes minutes must show its progress")]
fn build(module: &GoModule, program: Program, cache: &Path, workspace: &Path, progress: &str) -> Result<(), Error> {
    let name = program.name;
    let started = Instant::now();
    let unfinished = workspace.join(name);
    let log = cache.join(format!("{name}.log"));
    eprintln!("{progress} {name}: building");
    let mut command = Command::new("go");
    command
        .args(["build", "-trimpath", "-ldflags", module.ldflags, "-tags", module.tags, "-o"])
        .arg(&unfinished)
        .arg(program.package)
        .current_dir(module.folder())
        .env("CGO_ENABLED", "0")
        // Go leaves its temporary files behind when it is killed. In this folder they are deleted.
        .env("GOTMPDIR", workspace)
        // A Go workspace around this repository must not change the versions.
        .env("GOWORK", "off");
    let mut go = Supervised::spawn("go build", &mut command, log.clone()).map_err(|error| Error::file(&log, error))?;
    let status = loop {
        if let Some(status) = go.wait_exit(HEARTBEAT) {
            break status;
        }
        eprintln!("{progress} {name}: {} s so far", started.elapsed().as_secs());
    };
    if !status.success() {
        let errors = fs::read(&log).unwrap_or_default();
        return Err(Error::Build(format!("go build of {name} failed:\n{}", String::from_utf8_lossy(&errors))));
    }
    let finished = cache.join(name);
    fs::rename(&unfinished, &finished).map_err(|error| Error::file(&finished, error))?;
    eprintln!("{progress} {name}: built in {} s", started.elapsed().as_secs());
    Ok(())
}
