//! The contents of an archive.

use std::fs;
use std::io::{self, Cursor, Read as _, Write as _};
use std::path::Path;

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter};

use crate::image::layer::{self, File};
use crate::platform::Platform;

/// Files of the work tree that are in each archive.
const DOCUMENTS: [&str; 2] = ["LICENSE", "README.md"];

/// Returns the archive of a program, whose files all have the same time.
///
/// The program is in it twice: kubectl finds a plugin by its file name, and not every tool unpacks links on Windows.
///
/// # Errors
/// A document cannot be read.
pub fn pack(platform: Platform, program: &[u8], root: &Path, seconds: u64) -> io::Result<Vec<u8>> {
    let mut files = Vec::new();
    for name in ["almkey", "kubectl-almkey"] {
        files.push(File { path: platform.program(name), mode: 0o755, contents: program.to_vec() });
    }
    for document in DOCUMENTS {
        files.push(File { path: document.to_owned(), mode: 0o644, contents: fs::read(root.join(document))? });
    }
    if platform.os == "windows" { zip_archive(&files) } else { layer::compress(&layer::archive(&files, seconds)?) }
}

fn zip_archive(files: &[File]) -> io::Result<Vec<u8>> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for file in files {
        // Times in zip have no time zone; the earliest one says nothing.
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .last_modified_time(DateTime::default())
            .unix_permissions(file.mode);
        writer.start_file(&file.path, options)?;
        writer.write_all(&file.contents)?;
    }
    Ok(writer.finish()?.into_inner())
}

/// Returns the names and contents of the files in an archive.
///
/// # Errors
/// The data are no archive.
pub fn unpack(platform: Platform, archive: &[u8]) -> io::Result<Vec<(String, Vec<u8>)>> {
    let mut files = Vec::new();
    if platform.os == "windows" {
        let mut archive = ZipArchive::new(Cursor::new(archive))?;
        for index in 0..archive.len() {
            let mut file = archive.by_index(index)?;
            let mut contents = Vec::new();
            file.read_to_end(&mut contents)?;
            files.push((file.name()?.into_owned(), contents));
        }
        return Ok(files);
    }
    let archive = layer::decompress(archive)?;
    for entry in tar::Archive::new(archive.as_slice()).entries()? {
        let mut entry = entry?;
        let mut contents = Vec::new();
        entry.read_to_end(&mut contents)?;
        files.push((entry.path()?.display().to_string(), contents));
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::root;

    #[test]
    fn each_archive_holds_the_program_under_both_names_and_the_documents() {
        for (platform, programs) in [
            (Platform::LINUX_ARM64, ["almkey", "kubectl-almkey"]),
            (Platform::WINDOWS_AMD64, ["almkey.exe", "kubectl-almkey.exe"]),
        ] {
            let archive = pack(platform, b"program", root(), 7).expect("an archive");
            assert_eq!(pack(platform, b"program", root(), 7).expect("an archive"), archive, "it is reproducible");
            let files = unpack(platform, &archive).expect("files");
            let names: Vec<_> = files.iter().map(|(name, _)| name.as_str()).collect();
            assert_eq!(names, [programs[0], programs[1], "LICENSE", "README.md"]);
            assert!(files.iter().take(2).all(|(_, contents)| contents == b"program"));
        }
    }
}
