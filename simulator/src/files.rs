//! Files that other processes read.

use std::ffi::OsString;
use std::io;
use std::path::Path;

/// Writes a file under a temporary name and renames it, so that a reader finds the old content or the new one, and never
/// a part of it.
///
/// # Errors
/// The file cannot be written or renamed.
pub fn write_atomically(path: &Path, content: impl AsRef<[u8]>) -> io::Result<()> {
    let mut temporary = path.file_name().map_or_else(OsString::new, OsString::from);
    temporary.push(format!(".{:016x}.tmp", rand::random::<u64>()));
    let temporary = path.with_file_name(temporary);
    let written = std::fs::write(&temporary, content).and_then(|()| std::fs::rename(&temporary, path));
    if written.is_err() {
        // The first error is the one to report.
        let _ = std::fs::remove_file(&temporary);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_as_a_whole_and_nothing_else_is_left() {
        let folder = std::env::temp_dir().join(format!("almkey-files-{:016x}", rand::random::<u64>()));
        std::fs::create_dir(&folder).expect("a folder");
        let path = folder.join("ca.pem");
        for content in ["first", "second"] {
            write_atomically(&path, content).expect("the file can be written");
            assert_eq!(std::fs::read_to_string(&path).expect("the file"), content);
        }
        assert!(write_atomically(&folder.join("missing/ca.pem"), "x").is_err());
        assert_eq!(std::fs::read_dir(&folder).expect("the folder").count(), 1);
        std::fs::remove_dir_all(&folder).expect("the folder can be deleted");
    }
}
