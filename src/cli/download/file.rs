//! A file with a secret: readable for its owner alone, never written through a symbolic link, and never half written.

use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// A file to write.
pub(super) struct File<'a> {
    path: &'a Path,
    exists: bool,
}

/// A file cannot be written.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unwritable {
    /// The path leads elsewhere.
    #[error("{0} is a symbolic link, through which no key is written: name the file itself, or remove the link")]
    Link(PathBuf),
    /// The path is that of a directory or a device.
    #[error("{0} is no regular file: name another one; -o - writes to standard output")]
    NoFile(PathBuf),
    /// Another program has created the file in the meantime.
    #[error("another program has created {0} in the meantime: it was not replaced")]
    Exists(PathBuf),
    /// The operating system reported an error.
    #[error("could not write {0}")]
    Io(PathBuf, #[source] io::Error),
}

/// Checks that a file can be created or replaced.
///
/// # Errors
/// There is something else at the path.
pub(super) fn check(path: &Path) -> Result<File<'_>, Unwritable> {
    let exists = match fs::symlink_metadata(path) {
        Ok(found) if found.is_symlink() => return Err(Unwritable::Link(path.to_owned())),
        Ok(found) if !found.is_file() => return Err(Unwritable::NoFile(path.to_owned())),
        Ok(_) => true,
        Err(error) if error.kind() == ErrorKind::NotFound => false,
        Err(error) => return Err(Unwritable::Io(path.to_owned(), error)),
    };
    Ok(File { path, exists })
}

impl File<'_> {
    /// Returns true if the file would be replaced.
    pub(super) fn exists(&self) -> bool {
        self.exists
    }

    /// Writes the file. The content is complete before the file has its name, and a file that has appeared since the
    /// check stays.
    ///
    /// # Errors
    /// The file was not written.
    pub(super) fn write(self, content: &[u8]) -> Result<(), Unwritable> {
        let Self { path, exists } = self;
        let failed = |error| Unwritable::Io(path.to_owned(), error);
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        // Only its owner may read and write a temporary file. To rename it replaces a link, and does not follow it.
        let mut file = NamedTempFile::new_in(directory).map_err(failed)?;
        file.write_all(content).map_err(failed)?;
        let renamed = if exists { file.persist(path) } else { file.persist_noclobber(path) };
        renamed.map(drop).map_err(|error| match error.error.kind() {
            ErrorKind::AlreadyExists => Unwritable::Exists(path.to_owned()),
            _ => failed(error.error),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    /// Returns the content of a file and its mode.
    fn read(path: &Path) -> (String, u32) {
        let mode = fs::metadata(path).expect("a file").permissions().mode() & 0o777;
        (fs::read_to_string(path).expect("a text"), mode)
    }

    #[test]
    fn a_new_and_a_replaced_file_can_be_read_by_its_owner_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("key.txt");
        check(&path).expect("no file").write(b"first").expect("a file");
        assert_eq!(read(&path), ("first".into(), 0o600));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("a mode");
        let file = check(&path).expect("a file");
        assert!(file.exists());
        file.write(b"second").expect("a file");
        assert_eq!(read(&path), ("second".into(), 0o600));
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
    }

    #[test]
    fn no_key_is_written_through_a_link_or_over_a_file_that_has_just_appeared() {
        let folder = tempfile::tempdir().expect("a folder");
        let [target, link, late] = ["target", "link", "late"].map(|name| folder.path().join(name));
        for exists in [false, true] {
            if exists {
                fs::write(&target, "kept").expect("a file");
            } else {
                symlink(&target, &link).expect("a link");
            }
            assert!(matches!(check(&link), Err(Unwritable::Link(_))), "{exists}");
        }
        assert!(matches!(check(folder.path()), Err(Unwritable::NoFile(_))));
        let file = check(&late).expect("no file");
        symlink(&target, &late).expect("a link");
        assert!(matches!(file.write(b"key"), Err(Unwritable::Exists(_))));
        assert_eq!(fs::read_to_string(&target).expect("a text"), "kept");
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 3, "nothing temporary is left");
    }
}
