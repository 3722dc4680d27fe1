//! Bounded reading of an arbitrary file.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Maximum size of a file, in bytes. A Secret has at most 1 MiB, and a third more in base64.
pub(in crate::cli) const MAX_BYTES: u64 = 2 * 1024 * 1024;

/// A file could not be read.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum Unreadable {
    /// The operating system reported an error.
    #[error("could not read {0}")]
    Io(PathBuf, #[source] io::Error),
    /// The file is larger than any key, Secret or CA bundle.
    #[error("{0} is larger than {1} bytes, which no key, Secret or CA bundle is")]
    TooLarge(PathBuf, u64),
}

/// Reads a file of at most `limit` bytes. `-` is standard input.
///
/// # Errors
/// The file cannot be read, or is larger than `limit`.
pub(in crate::cli) fn read(path: &Path, limit: u64) -> Result<Vec<u8>, Unreadable> {
    let io_error = |error| Unreadable::Io(path.to_owned(), error);
    let mut bytes = Vec::new();
    let source: Box<dyn Read> =
        if path == Path::new("-") { Box::new(io::stdin()) } else { Box::new(File::open(path).map_err(io_error)?) };
    source.take(limit + 1).read_to_end(&mut bytes).map_err(io_error)?;
    if bytes.len() as u64 > limit {
        return Err(Unreadable::TooLarge(path.to_owned(), limit));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    // proves: limit cli/key_file/read MAX_BYTES
    #[test]
    fn a_file_of_two_mebibytes_is_read_and_a_larger_one_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let read_file_of = |length: u64| {
            let path = folder.path().join(length.to_string());
            File::create(&path).and_then(|file| file.set_len(length)).expect("a file");
            read(&path, MAX_BYTES).map(|bytes| bytes.len() as u64)
        };
        assert!(matches!(read_file_of(MAX_BYTES), Ok(MAX_BYTES)));
        assert!(matches!(read_file_of(MAX_BYTES + 1), Err(Unreadable::TooLarge(_, MAX_BYTES))));
    }
}
