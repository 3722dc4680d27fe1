//! The one layer of the image, and archives like it: they depend on nothing but the contents of their files.

use std::collections::BTreeSet;
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use flate2::read::GzDecoder;
use flate2::{Compression, GzBuilder};
use tar::{Archive, Builder, EntryType, Header};

/// A regular file.
pub struct File {
    /// Path from the root, without a leading slash.
    pub path: String,
    /// Permissions.
    pub mode: u32,
    /// Contents.
    pub contents: Vec<u8>,
}

/// Returns a tar archive with these files and the folders above them. All belong to root, and have the same time.
///
/// # Errors
/// A path is too long for tar.
pub fn archive(files: &[File], seconds: u64) -> io::Result<Vec<u8>> {
    let mut builder = Builder::new(Vec::new());
    for folder in folders(files) {
        builder.append_data(&mut header(EntryType::Directory, 0o755, 0, seconds), folder, io::empty())?;
    }
    for file in files {
        let size = file.contents.len() as u64;
        let mut header = header(EntryType::Regular, file.mode, size, seconds);
        builder.append_data(&mut header, &file.path, file.contents.as_slice())?;
    }
    builder.into_inner()
}

/// Returns all folders above the files, each before what is in it.
fn folders(files: &[File]) -> BTreeSet<&Path> {
    let above = files.iter().flat_map(|file| Path::new(&file.path).ancestors().skip(1));
    above.filter(|folder| !folder.as_os_str().is_empty()).collect()
}

fn header(kind: EntryType, mode: u32, size: u64, seconds: u64) -> Header {
    let mut header = Header::new_ustar();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_size(size);
    header.set_mtime(seconds);
    header
}

/// Compresses an archive. The header of gzip holds neither a time nor a name.
///
/// # Errors
/// None is expected, as nothing is written to a file.
pub fn compress(archive: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
    encoder.write_all(archive)?;
    encoder.finish()
}

/// Returns the archive that was compressed.
///
/// # Errors
/// The data are not those of gzip.
pub fn decompress(compressed: &[u8]) -> io::Result<Vec<u8>> {
    let mut archive = Vec::new();
    GzDecoder::new(compressed).read_to_end(&mut archive)?;
    Ok(archive)
}

/// Unpacks an archive into a folder, with its permissions.
///
/// # Errors
/// The data are not an archive, or the folder cannot be written to.
pub fn unpack(archive: &[u8], folder: &Path) -> io::Result<()> {
    let mut archive = Archive::new(archive);
    archive.set_preserve_permissions(true);
    archive.unpack(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> [File; 2] {
        [
            File { path: "almkey".into(), mode: 0o555, contents: b"program".to_vec() },
            File { path: "etc/ssl/certs/ca-certificates.crt".into(), mode: 0o444, contents: b"certificates".to_vec() },
        ]
    }

    #[test]
    fn an_archive_lists_folders_before_their_files_and_belongs_to_root() {
        let archive = archive(&files(), 7).expect("an archive");
        let mut archive = Archive::new(archive.as_slice());
        let entries = archive.entries().expect("entries").map(|entry| {
            let entry = entry.expect("an entry");
            let header = entry.header();
            assert_eq!((header.uid().ok(), header.gid().ok(), header.mtime().ok()), (Some(0), Some(0), Some(7)));
            (entry.path().expect("a path").display().to_string(), header.mode().expect("a mode"))
        });
        let expected = [
            ("etc", 0o755),
            ("etc/ssl", 0o755),
            ("etc/ssl/certs", 0o755),
            ("almkey", 0o555),
            ("etc/ssl/certs/ca-certificates.crt", 0o444),
        ];
        assert_eq!(entries.collect::<Vec<_>>(), expected.map(|(path, mode)| (path.to_owned(), mode)));
    }

    #[test]
    fn a_compressed_archive_is_the_same_each_time_and_unpacks_to_its_files() {
        let archive = archive(&files(), 7).expect("an archive");
        let compressed = compress(&archive).expect("gzip");
        assert_eq!(compress(&archive).expect("gzip"), compressed);
        let folder = tempfile::tempdir().expect("a folder");
        unpack(&decompress(&compressed).expect("gzip"), folder.path()).expect("files");
        let certificates = folder.path().join("etc/ssl/certs/ca-certificates.crt");
        assert_eq!(std::fs::read(certificates).expect("a file"), b"certificates");
    }
}
