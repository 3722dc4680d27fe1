//! Errors of commands.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

/// Exit code of a program that Ctrl-C ended.
pub const INTERRUPTED: u8 = 130;

/// The reason why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Ctrl-C or SIGTERM.
    #[error("interrupted")]
    Interrupted,
    /// A program that is not installed, or cannot be run.
    #[error("`{program}` cannot be started: {source}")]
    NotStarted {
        /// The name of the program.
        program: String,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// A program that ended with a failure.
    #[error("failed ({status}): {command}{output}")]
    Failed {
        /// The command line.
        command: String,
        /// The exit status.
        status: ExitStatus,
        /// The output with a line break before it; empty if it was printed already.
        output: String,
    },
    /// A file or folder that could not be used.
    #[error("{path}: {source}")]
    File {
        /// The path.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// Any other finding, with what to do about it.
    #[error("{0}")]
    Finding(String),
}

impl Error {
    /// Makes an error of a failure to use a file or folder.
    pub fn file(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { path, source }
    }

    /// Makes an error of a failure to start a command.
    pub fn not_started(command: &Command) -> impl FnOnce(std::io::Error) -> Self {
        let program = command.get_program().to_string_lossy().into_owned();
        move |source| Self::NotStarted { program, source }
    }
}
