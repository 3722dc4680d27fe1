//! Builds of the control plane's programs from their Go modules. They take minutes and report their progress.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use super::error::Error;
use super::process::Supervised;
use super::watchdog;

/// Linker flags with the version: without it a server reports v0.0.0, and clients warn.
pub(super) const LDFLAGS: &str = "-s -w -X k8s.io/component-base/version.gitVersion=v1.37.2 \
    -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=37";

/// Interval at which a long build reports that it is alive.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// A program and its Go package.
#[derive(Clone, Copy, Debug)]
pub(super) struct Program {
    pub(super) name: &'static str,
    pub(super) package: &'static str,
}

/// Returns the folder of the Go module that pins the versions.
pub(super) fn module() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("control_plane")
}

/// Builds programs into the cache. The caller holds the lock of the cache.
pub(super) fn all(programs: &[Program], cache: &Path) -> Result<(), Error> {
    if programs.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = programs.iter().map(|program| program.name).collect();
    let names = names.join(", ");
    if let Err(error) = Command::new("go").arg("version").output() {
        return Err(Error::Build(format!(
            "{names} must be built, but `go` cannot be started ({error}): install Go 1.26 or newer, \
             or set KUBEBUILDER_ASSETS to a folder that holds them"
        )));
    }
    announce(&names, cache);
    let workspace = cache.join(format!("unfinished-{}", std::process::id()));
    watchdog::delete_at_end(&workspace).map_err(|error| Error::file(&workspace, error))?;
    fs::create_dir_all(&workspace).map_err(|error| Error::file(&workspace, error))?;
    let built = programs.iter().enumerate().try_for_each(|(number, program)| {
        build(*program, cache, &workspace, &format!("[{}/{}]", number + 1, programs.len()))
    });
    // If this fails, the watchdog deletes it.
    let _ = fs::remove_dir_all(&workspace);
    built
}

#[expect(clippy::print_stderr, reason = "a build that takes minutes must show its progress")]
fn announce(names: &str, cache: &Path) {
    eprintln!(
        "Building {names} from Go modules. This happens once and takes 8 to 11 minutes on two cores if nothing is \
         cached.\nThe programs are kept in {}. Set KUBEBUILDER_ASSETS to a folder that holds them to skip this.",
        cache.display()
    );
}

/// Reports that another process builds, and that this one waits for it.
#[expect(clippy::print_stderr, reason = "a wait of minutes must not be silent")]
pub(super) fn announce_wait(cache: &Path) {
    eprintln!("Another process is building the control plane in {}. Waiting for it.", cache.display());
}

#[expect(clippy::print_stderr, reason = "a build that takes minutes must show its progress")]
fn build(program: Program, cache: &Path, workspace: &Path, progress: &str) -> Result<(), Error> {
    let name = program.name;
    let started = Instant::now();
    let unfinished = workspace.join(name);
    let log = cache.join(format!("{name}.log"));
    eprintln!("{progress} {name}: building");
    let mut command = Command::new("go");
    command
        .args(["build", "-trimpath", "-ldflags", LDFLAGS, "-o"])
        .arg(&unfinished)
        .arg(program.package)
        .current_dir(module())
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
