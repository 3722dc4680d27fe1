//! The folder of one control plane, deleted with it or by the watchdog.

use std::fs;
use std::path::{Path, PathBuf};

use super::error::Error;
use super::watchdog;

/// Environment variable that keeps the folder, for the search for the reason of a failure.
const KEEP: &str = "ALMKEY_KEEP_LOGS";

/// A temporary folder that only this user can read, as it holds tokens and keys.
pub(super) struct Directory {
    path: PathBuf,
    keep: bool,
}

impl Directory {
    pub(super) fn create() -> Result<Self, Error> {
        let temporary = tempfile::Builder::new().prefix("almkey-").tempdir();
        let path = temporary.map_err(|error| Error::file(&std::env::temp_dir(), error))?.keep();
        let keep = std::env::var_os(KEEP).is_some_and(|value| !value.is_empty() && value != "0");
        // Dropping this value deletes the folder, also when the next steps fail.
        let directory = Self { path, keep };
        if keep {
            directory.announce();
        } else {
            watchdog::delete_at_end(&directory.path).map_err(|error| Error::file(&directory.path, error))?;
        }
        Ok(directory)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    // Printed at the start, as a control plane in a static is never dropped.
    #[expect(clippy::print_stderr, reason = "the user asked for it")]
    fn announce(&self) {
        eprintln!("{KEEP}: the files and logs of this control plane stay in {}", self.path.display());
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        if !self.keep {
            // If a process still writes into it, the watchdog deletes it at the end.
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}
