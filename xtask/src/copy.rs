//! Copies of the work tree.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use xtask::workspace::root;

use crate::error::Error;
use crate::process;

/// Copies the files of the work tree into a folder. The copies get new times.
pub fn work_tree(folder: &Path) -> Result<(), Error> {
    for path in files()? {
        let (from, to) = (root().join(&path), folder.join(&path));
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent).map_err(Error::file(parent))?;
        }
        match fs::copy(&from, &to) {
            // Deleted in the work tree, and not in git yet.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            result => drop(result.map_err(Error::file(&from))?),
        }
    }
    Ok(())
}

/// Returns the files of the work tree, from the root: those in git and those that could be.
fn files() -> Result<Vec<PathBuf>, Error> {
    let mut list = Command::new("git");
    list.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]).current_dir(root());
    let list = process::read(&mut list, "listing the files of the work tree")?;
    Ok(list.split('\0').filter(|path| !path.is_empty()).map(PathBuf::from).collect())
}
