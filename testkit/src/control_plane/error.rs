//! Errors of the control plane.

use std::path::{Path, PathBuf};

use super::process::Supervised;

/// The reason why a control plane did not start, or did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A program could not be built.
    #[error("could not build a program: {0}")]
    Build(String),
    /// A file could not be used. The source is in the message, as tests do not print the chain of sources.
    #[error("could not use {path}: {source}")]
    File {
        /// Path of the file.
        path: PathBuf,
        /// Error of the operating system.
        source: std::io::Error,
    },
    /// A process ended, or was not ready in time.
    #[error("{name} did not come up: {reason}; the end of its log:\n{log}")]
    NotUp {
        /// Name of the process.
        name: String,
        /// The last observation of the process.
        reason: String,
        /// The end of its log.
        log: String,
    },
    /// A command failed.
    #[error("{0}")]
    Command(String),
    /// A key or a certificate could not be generated.
    #[error("could not generate a certificate: {0}")]
    Certificate(#[from] rcgen::Error),
    /// A client could not be built.
    #[error(transparent)]
    Kube(#[from] Box<kube::Error>),
}

impl Error {
    pub(super) fn file(path: &Path, source: std::io::Error) -> Self {
        Self::File { path: path.to_owned(), source }
    }

    pub(super) fn not_up(process: &Supervised, reason: &str) -> Self {
        Self::NotUp { name: process.name().into(), reason: reason.into(), log: process.log_end() }
    }

    /// Returns true if another process took a port after it was found free. A new set of ports helps.
    pub(super) fn is_taken_port(&self) -> bool {
        matches!(self, Self::NotUp { log, .. } if log.contains("address already in use"))
    }
}
