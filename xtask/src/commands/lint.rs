//! `cargo xtask lint`: format, clippy, dependencies, generated files, scripts, versions, paths.
//!
//! Advisories are not checked here: a new one must not break an old commit, and their database must be downloaded.
//! `cargo xtask advisories` checks them.

use std::path::Path;
use std::process::Command;

use xtask::versions;
use xtask::workspace::{root, target};

use super::{chart, generate};
use crate::cargo::{cargo, compiling};
use crate::console::say;
use crate::error::Error;
use crate::{build, cargo_deny, process};

/// Paths that exist on one machine only.
const MACHINE_PATHS: &str = "(^|[^A-Za-z0-9._-])/(root|home/[a-z]+|Users/[A-Za-z]+|work)/";

/// Checks everything that needs no test.
pub fn run() -> Result<(), Error> {
    let deny = cargo_deny::TOOL.find_or_install()?;
    format()?;
    clippy()?;
    say("lint: bans, licences and sources of dependencies");
    check_dependencies(&deny, root())?;
    fuzz_targets(&deny)?;
    generated_files()?;
    scripts()?;
    one_version()?;
    machine_paths()?;
    say("make lint: clean");
    Ok(())
}

fn format() -> Result<(), Error> {
    say("lint: format");
    process::run(cargo().args(["fmt", "--all", "--check"]), "checking the format")
}

fn clippy() -> Result<(), Error> {
    say("lint: clippy");
    let strict = ["--", "-D", "warnings"];
    let clippy =
        |selection: &[&str]| process::run(compiling("clippy").args(selection).args(strict), "checking with clippy");
    clippy(&["--workspace", "--all-targets"])?;
    // Not among all targets: its `test = false` keeps it out of `cargo test`.
    clippy(&["--workspace", "--test", "slow"])?;
    say("lint: clippy, as the image is built");
    clippy(&["--lib", "--bins"])
}

fn check_dependencies(deny: &Path, folder: &Path) -> Result<(), Error> {
    let mut command = Command::new(deny);
    command.args(["--log-level", "error", "check", "bans", "licenses", "sources"]).current_dir(folder);
    process::run(&mut command, "checking dependencies")
}

/// Checks the targets of `fuzz/`, which is a workspace of its own. They are not linked: that needs a C++ compiler.
fn fuzz_targets(deny: &Path) -> Result<(), Error> {
    say("lint: the fuzz targets");
    let manifest = ["--manifest-path", "fuzz/Cargo.toml"];
    process::run(cargo().args(["fmt", "--check"]).args(manifest), "checking the format")?;
    let mut clippy = compiling("clippy");
    clippy.arg("--locked").args(manifest).args(["--no-default-features", "--target-dir"]).arg(target());
    process::run(clippy.args(["--", "-D", "warnings"]), "checking with clippy")?;
    check_dependencies(deny, &root().join("fuzz"))
}

/// Fails if a file that `make generate` writes differs from what it would write now. Tests compare the generated pages of
/// `docs/`.
fn generated_files() -> Result<(), Error> {
    say("lint: generated files");
    build::programs()?;
    let fresh = tempfile::tempdir().map_err(Error::file(Path::new("a temporary folder")))?;
    generate::definitions(fresh.path())?;
    for entry in std::fs::read_dir(fresh.path()).map_err(Error::file(fresh.path()))? {
        let entry = entry.map_err(Error::file(fresh.path()))?;
        let committed = root().join("crds").join(entry.file_name());
        compare(&entry.path(), &committed)?;
    }
    let contract = fresh.path().join("contract");
    generate::contract(&contract)?;
    compare(&contract, &root().join(generate::CONTRACT))?;
    let texts = [generate::argocd_config()?].into_iter().chain(chart::generated()?);
    texts.into_iter().try_for_each(|file| compare_with(file.text.as_bytes(), &file.path))
}

fn compare(fresh: &Path, committed: &Path) -> Result<(), Error> {
    compare_with(&std::fs::read(fresh).map_err(Error::file(fresh))?, committed)
}

fn compare_with(expected: &[u8], committed: &Path) -> Result<(), Error> {
    // One that is missing is not fresh either.
    if std::fs::read(committed).is_ok_and(|text| text == expected) {
        return Ok(());
    }
    let path = committed.strip_prefix(root()).unwrap_or(committed).display();
    Err(Error::Finding(format!("{path} is not fresh: run `make generate`")))
}

fn scripts() -> Result<(), Error> {
    say("lint: scripts");
    let script = ".ci/run";
    process::run(Command::new("bash").args(["-n", script]).current_dir(root()), "checking scripts")?;
    if process::require("shellcheck", "").is_ok() {
        process::run(Command::new("shellcheck").arg(script).current_dir(root()), "checking scripts")?;
    }
    Ok(())
}

fn one_version() -> Result<(), Error> {
    say("lint: one version");
    match versions::disagreements(root()).as_slice() {
        [] => Ok(()),
        found => Err(Error::Finding(found.join("\n"))),
    }
}

fn machine_paths() -> Result<(), Error> {
    say("lint: no path of one machine");
    let mut grep = Command::new("git");
    grep.args(["grep", "--untracked", "--line-number", "-I", "-E", MACHINE_PATHS, "--", "."]).current_dir(root());
    let finished = process::finish(&mut grep)?;
    match finished.status.code() {
        // git grep's code for "no match".
        Some(1) if finished.output.is_empty() => Ok(()),
        _ => Err(Error::Finding(format!(
            "{}a path of one machine means nothing on another: name it by a variable, or leave it out",
            finished.output
        ))),
    }
}
