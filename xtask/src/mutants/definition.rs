//! Mutants as `tests/mutants/*.toml` defines them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use xtask::workspace::root;

use crate::error::Error;

/// A file of mutants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Catalogue {
    /// Mutants that a test of the suite catches, each its own.
    Suite,
    /// Mutants that the random histories of the simulation find.
    Simulation,
}

impl Catalogue {
    /// Returns its path from the root.
    pub fn path(self) -> &'static str {
        match self {
            Self::Suite => "tests/mutants/suite.toml",
            Self::Simulation => "tests/mutants/simulation.toml",
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    /// The test that catches mutants which name none.
    caught_by: Option<String>,
    mutant: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    breaks: String,
    caught_by: Option<String>,
    edit: Vec<Edit>,
}

/// One change of a file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    /// The path from the root.
    pub file: String,
    /// The text that is replaced. It occurs exactly once.
    pub find: String,
    /// The text that replaces it.
    pub replace: String,
}

/// A way to break the code.
#[derive(Debug)]
pub struct Mutant {
    /// The name, unique in its file.
    pub name: String,
    /// A description of what the broken code does.
    pub breaks: String,
    /// The path of the test that fails by it.
    pub caught_by: String,
    /// The changes, in order.
    pub edits: Vec<Edit>,
}

/// Reads all mutants of a catalogue.
pub fn read(catalogue: Catalogue) -> Result<Vec<Mutant>, Error> {
    let path = root().join(catalogue.path());
    let text = std::fs::read_to_string(&path).map_err(Error::file(&path))?;
    parse(&text).map_err(|problem| Error::Finding(format!("{}: {problem}", catalogue.path())))
}

fn parse(text: &str) -> Result<Vec<Mutant>, String> {
    let Document { caught_by, mutant } = toml::from_str(text).map_err(|error| error.to_string())?;
    let complete = |entry: Entry| {
        let Entry { name, breaks, caught_by: own, edit: edits } = entry;
        let caught_by = own.or_else(|| caught_by.clone()).ok_or_else(|| format!("{name} has no caught_by"))?;
        Ok(Mutant { name, breaks, caught_by, edits })
    };
    mutant.into_iter().map(complete).collect()
}

impl Mutant {
    /// Returns the files that it changes, by their paths from the root, with their broken texts.
    pub fn mutated(&self, root: &Path) -> Result<BTreeMap<PathBuf, String>, String> {
        let mut files = BTreeMap::new();
        for Edit { file, find, replace } in &self.edits {
            let path = PathBuf::from(file);
            let text = match files.remove(&path) {
                Some(text) => text,
                None => std::fs::read_to_string(root.join(&path))
                    .map_err(|error| format!("{}: {file} cannot be read: {error}", self.name))?,
            };
            match text.matches(find.as_str()).count() {
                1 if find != replace => files.insert(path, text.replacen(find.as_str(), replace, 1)),
                1 => return Err(format!("{}: an edit of {file} changes nothing", self.name)),
                count => return Err(format!("{}: found {count} times instead of once in {file}:\n{find}", self.name)),
            };
        }
        Ok(files)
    }
}
