//! The pages for readers.

use std::fs;
use std::path::Path;

use super::markdown::Markdown;
use crate::bed::cluster::package;

/// Folders whose Markdown files are pages, from the root of the repository.
const FOLDERS: [&str; 4] = ["", "docs", "tests", "charts/alm-key-operator"];

/// A page.
pub struct Page {
    /// The path, from the root of the repository.
    pub path: String,
    /// The text.
    pub text: String,
    /// The headings, links and commands.
    pub markdown: Markdown,
}

/// Returns every page, sorted by path.
pub fn pages() -> Vec<Page> {
    let mut paths: Vec<String> = FOLDERS.iter().flat_map(|folder| in_folder(folder)).collect();
    paths.sort();
    paths.into_iter().map(read).collect()
}

/// Returns the Markdown files of a folder; none if there is no such folder.
fn in_folder(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(package().join(folder)).into_iter().flatten();
    let names = entries.filter_map(|entry| entry.expect("an entry").file_name().into_string().ok());
    let pages = names.filter(|name| Path::new(name).extension().is_some_and(|extension| extension == "md"));
    pages.map(|name| if folder.is_empty() { name } else { format!("{folder}/{name}") }).collect()
}

/// Reads a page.
pub(super) fn read(path: String) -> Page {
    let text = fs::read_to_string(package().join(&path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    Page { markdown: Markdown::read(&text), path, text }
}
