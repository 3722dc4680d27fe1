//! Builds the programs of the control plane from their Go modules, and says so: it takes minutes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use super::error::Error;
use super::process::Supervised;
use super::watchdog;

/// Without the version a server calls itself v0.0.0, and clients complain.
pub(super) const LDFLAGS: &str = "-s -w -X k8s.io/component-base/version.gitVersion=v1.37.2 \
    -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=37";

/// How often a long build says that it is alive.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// A program and the Go package that it is built from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Program {
    pub(super) name: &'static str,
    pub(super) package: &'static str,
}

/// The Go module that says which versions.
pub(super) fn module() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("control_plane")
}

/// Builds programs into the cache, whose lock the caller holds.
pub(super) fn all(programs: &[Program], cache: &Path) -> Result<(), Error> {
    if programs.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = programs.iter().map(|program| program.name).collect();
    let names = names.join(", ");
    if let Err(error) = Command::new("go").arg("version").output() {
        return Err(Error::Build(format!(
            "{names} must be built, but `go` cannot be started ({error}): install Go 1.26 or newer, \
             or let KUBEBUILDER_ASSETS name a folder that has them already"
        )));
    }
    announce(&names, cache);
    let workshop = cache.join(format!("unfinished-{}", std::process::id()));
    watchdog::delete_at_end(&workshop).map_err(|error| Error::file(&workshop, error))?;
    fs::create_dir_all(&workshop).map_err(|error| Error::file(&workshop, error))?;
    let built = programs.iter().enumerate().try_for_each(|(number, program)| {
        build(*program, cache, &workshop, &format!("[{}/{}]", number + 1, programs.len()))
    });
    // The watchdog deletes it besides.
    let _ = fs::remove_dir_all(&workshop);
    built
}

#[expect(clippy::print_stderr, reason = "a build of minutes must not be silent")]
fn announce(names: &str, cache: &Path) {
    eprintln!(
        "Building {names} from Go modules: once, 8 to 11 minutes on two cores when nothing is cached.\n\
         They are kept in {}; KUBEBUILDER_ASSETS can name a folder that has them already.",
        cache.display()
    );
}

/// Says why nothing happens while another process builds.
#[expect(clippy::print_stderr, reason = "a wait of minutes must not be silent")]
pub(super) fn announce_wait(cache: &Path) {
    eprintln!("Another process builds the control plane in {}: waiting for it.", cache.display());
}

#[expect(clippy::print_stderr, reason = "a build of minutes must not be silent")]
fn build(program: Program, cache: &Path, workshop: &Path, progress: &str) -> Result<(), Error> {
    let name = program.name;
    let started = Instant::now();
    let unfinished = workshop.join(name);
    let log = cache.join(format!("{name}.log"));
    eprintln!("{progress} {name}: building");
    let mut command = Command::new("go");
    command
        .args(["build", "-trimpath", "-ldflags", LDFLAGS, "-o"])
        .arg(&unfinished)
        .arg(program.package)
        .current_dir(module())
        .env("CGO_ENABLED", "0")
        // Go leaves its temporary files behind when it is ended: here they are deleted.
        .env("GOTMPDIR", workshop)
        // A workspace around this project has no say in it.
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
