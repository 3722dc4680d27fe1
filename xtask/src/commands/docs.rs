//! `cargo xtask docs`: the pages of `docs/` as a book with search.

use std::fs;
use std::path::Path;
use std::process::Command;

use testkit::documented::pages;
use xtask::docs::book;
use xtask::workspace::{root, target};

use crate::console::say;
use crate::error::Error;
use crate::process;
use crate::tool::Tool;

const MDBOOK: Tool = Tool { name: "mdbook", version: "0.5.4" };
/// Draws the diagrams, which code hosts draw themselves.
const MERMAID: Tool = Tool { name: "mdbook-mermaid", version: "0.17.1" };
const SETTINGS: &str = "book.toml";

/// Builds the book in `target/book`.
pub fn run() -> Result<(), Error> {
    let (mdbook, mermaid) = (MDBOOK.find_or_install()?, MERMAID.find_or_install()?);
    let source = target().join("book-source");
    stage(&source)?;
    process::run(Command::new(&mermaid).arg("install").arg(&source), "adding the diagrams")?;
    let book = target().join("book");
    let mut build = Command::new(mdbook);
    build.arg("build").arg(&source).arg("--dest-dir").arg(&book);
    // mdbook looks for its preprocessor in `PATH`.
    let tools = mermaid.parent().map(Path::to_owned).into_iter();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(tools.chain(std::env::split_paths(&path)));
    build.env("PATH", path.map_err(|error| Error::Finding(error.to_string()))?);
    process::run(&mut build, "building the book")?;
    say(format!("{}", book.join("index.html").display()));
    Ok(())
}

/// Writes the pages, their pictures and the settings into an empty folder, as mdbook reads them.
fn stage(folder: &Path) -> Result<(), Error> {
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(Error::file(folder))?;
    }
    fs::create_dir_all(folder).map_err(Error::file(folder))?;
    let docs = root().join("docs");
    for entry in fs::read_dir(&docs).map_err(Error::file(&docs))? {
        let path = entry.map_err(Error::file(&docs))?.path();
        if path.extension().is_some_and(|extension| ["svg", "toml"].iter().any(|other| extension == *other)) {
            let copy = folder.join(path.file_name().unwrap_or_default());
            fs::copy(&path, copy).map_err(Error::file(&path))?;
        }
    }
    for page in pages() {
        if let Some(path) = book::path(&page) {
            let staged = folder.join(path);
            fs::write(&staged, book::text(&page)).map_err(Error::file(&staged))?;
        }
    }
    let settings = folder.join(SETTINGS);
    settings.is_file().then_some(()).ok_or_else(|| Error::Finding(format!("docs/{SETTINGS} is missing")))
}
