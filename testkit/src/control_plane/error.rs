//! Why there is no control plane.

use std::path::{Path, PathBuf};

/// Why there is no control plane, or why it did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A program could not be built.
    #[error("could not build the control plane: {0}")]
    Build(String),
    /// A file could not be used. The reason is in the message, as tests print no chain of sources.
    #[error("could not use {path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A process ended, or did not come up.
    #[error("{name} did not come up; its last words:\n{last_words}")]
    NotUp {
        /// Which.
        name: String,
        /// The end of its log.
        last_words: String,
    },
    /// A command failed.
    #[error("{0}")]
    Command(String),
    /// No client could be made.
    #[error(transparent)]
    Kube(#[from] Box<kube::Error>),
}

impl Error {
    pub(super) fn file(path: &Path, source: std::io::Error) -> Self {
        Self::File { path: path.to_owned(), source }
    }

    /// Whether somebody took a port between our finding it free and our using it: then another one helps.
    pub(super) fn is_taken_port(&self) -> bool {
        matches!(self, Self::NotUp { last_words, .. } if last_words.contains("address already in use"))
    }
}
