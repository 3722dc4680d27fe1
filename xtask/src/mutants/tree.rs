//! Copies of the work tree, each with a target folder of its own.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use xtask::workspace::target;

use super::definition::Mutant;
use crate::cargo::cargo_in;
use crate::error::Error;
use crate::{copy, process};

/// The packages of this workspace. The paths of a copy are compiled into them.
const OWN_PACKAGES: [&str; 5] = ["alm-key-operator-", "almkey-simulator-", "properties-", "testkit-", "xtask-"];

/// A copy of the work tree; deleted with this value. Its target folder stays, so that the next run compiles less.
pub struct Tree {
    folder: TempDir,
    target: PathBuf,
}

impl Tree {
    /// Makes a copy with the target folder of this name.
    ///
    /// The copied files get new times: otherwise cargo would not compile again what an earlier run had broken last.
    pub fn copy(name: &str) -> Result<Self, Error> {
        let parent = std::env::temp_dir();
        let folder = tempfile::Builder::new().prefix("mutants-").tempdir().map_err(Error::file(&parent))?;
        copy::work_tree(folder.path())?;
        Ok(Self { folder, target: target_folder(name) })
    }

    /// Returns cargo in this copy, without debug information: mutants are not debugged, and are built faster so.
    pub fn cargo(&self) -> Command {
        let mut cargo = cargo_in(self.folder.path());
        cargo.env("CARGO_TARGET_DIR", &self.target).env("CARGO_PROFILE_DEV_DEBUG", "0");
        cargo
    }

    /// Returns a program in this copy.
    pub fn program(&self, path: &Path) -> Command {
        let mut program = Command::new(path);
        program.current_dir(self.folder.path());
        program
    }

    /// Breaks the copy, and returns what mends it.
    pub fn apply(&self, mutant: &Mutant) -> Result<Applied<'_>, Error> {
        let broken = mutant.mutated(self.folder.path()).map_err(Error::Finding)?;
        let mut applied = Applied { tree: self, originals: BTreeMap::new() };
        for (path, text) in broken {
            let file = self.folder.path().join(&path);
            let original = fs::read(&file).map_err(Error::file(&file))?;
            applied.originals.insert(path, original);
            fs::write(&file, text).map_err(Error::file(&file))?;
        }
        Ok(applied)
    }
}

/// A broken copy.
pub struct Applied<'a> {
    tree: &'a Tree,
    originals: BTreeMap<PathBuf, Vec<u8>>,
}

impl Applied<'_> {
    /// Mends the copy.
    pub fn undo(self) -> Result<(), Error> {
        for (path, original) in self.originals {
            let file = self.tree.folder.path().join(path);
            fs::write(&file, original).map_err(Error::file(&file))?;
        }
        Ok(())
    }
}

/// Copies the target folder `from` to `to`, if there is none, so that dependencies are compiled once.
pub fn seed(from: &str, to: &str) -> Result<(), Error> {
    let (from, to) = (target_folder(from), target_folder(to));
    if to.exists() {
        return Ok(());
    }
    // Renamed when it is whole: half a folder would be taken for a target folder by the next run.
    let unfinished = to.with_extension("unfinished");
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished).map_err(Error::file(&unfinished))?;
    }
    process::run(Command::new("cp").arg("-a").arg(&from).arg(&unfinished), "copying a target folder")?;
    let fingerprints = unfinished.join("debug/.fingerprint");
    for entry in fs::read_dir(&fingerprints).map_err(Error::file(&fingerprints))? {
        let entry = entry.map_err(Error::file(&fingerprints))?;
        let name = entry.file_name();
        if OWN_PACKAGES.iter().any(|package| name.to_string_lossy().starts_with(package)) {
            fs::remove_dir_all(entry.path()).map_err(Error::file(&entry.path()))?;
        }
    }
    fs::rename(&unfinished, &to).map_err(Error::file(&to))
}

fn target_folder(name: &str) -> PathBuf {
    target().join("mutants").join(name)
}
