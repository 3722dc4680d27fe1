//! The source files that the rules are checked against, read once and without building anything.

use std::fs;
use std::path::{Path, PathBuf};

use testkit::bed::cluster::package;

/// The folders that hold Rust code of this project, from the root of the repository.
pub(super) const ROOTS: [&str; 6] = ["src", "simulator/src", "testkit/src", "properties/src", "xtask/src", "tests"];

/// Returns every Rust file below a folder, sorted.
pub(super) fn rust_files(root: &Path) -> Vec<PathBuf> {
    files(root).into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}

/// Returns every file below a folder, sorted. Build output and hidden folders are left out.
pub(super) fn files(root: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.expect("an entry").path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir() {
                if name != "target" && !name.starts_with('.') {
                    folders.push(path);
                }
            } else {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

/// Returns the files that the walls are about: all but unit tests, which may import what they like.
pub(crate) fn sources(root: &Path) -> Vec<PathBuf> {
    let is_test = |file: &Path| {
        let below = file.strip_prefix(root).expect("below the root");
        below.components().any(|part| ["tests", "tests.rs", "simulation"].iter().any(|name| part.as_os_str() == *name))
    };
    rust_files(root).into_iter().filter(|file| !is_test(file)).collect()
}

/// Returns the lines of a file that are code, with their numbers: no comments, and nothing after the unit tests begin.
pub(crate) fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .take_while(|(_, line)| line.trim() != "mod tests {")
        .map(|(number, line)| (number + 1, line))
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
}

/// Returns the Rust files of the whole project with their texts, by their paths from the root of the repository.
pub(super) fn all_rust_texts() -> Vec<(String, String)> {
    let files = ROOTS.iter().flat_map(|root| rust_files(&package().join(root)));
    files.map(|file| (below_package(&file), fs::read_to_string(&file).expect("a source file"))).collect()
}

/// Returns the path of a file from the root of the repository.
pub(super) fn below_package(file: &Path) -> String {
    file.strip_prefix(package()).expect("below the package").display().to_string()
}

/// Returns a folder with one file in it, for a rule that must notice what the file says.
pub(super) fn planted(files: &[(&str, &str)]) -> tempfile::TempDir {
    let root = tempfile::tempdir().expect("a folder");
    for (path, text) in files {
        let file = root.path().join(path);
        fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        fs::write(&file, text).expect("a file");
    }
    root
}
