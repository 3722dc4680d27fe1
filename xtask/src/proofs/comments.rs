//! The tests of the work tree, and the comments `// proves:` above them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::workspace::root;

/// A claim that a test proves a promise.
pub struct Proof {
    /// The kind of the promise: `field`, `reason` and so on.
    pub kind: String,
    /// The name of the promise.
    pub name: String,
    /// The file of the test, from the root of the repository.
    pub file: String,
    /// The function below the comment.
    pub test: String,
    /// The function is a test.
    pub is_test: bool,
}

/// Returns the claims of all comments.
///
/// # Panics
/// A source file cannot be read.
#[must_use]
pub fn all() -> Vec<Proof> {
    let mut all = Vec::new();
    for folder in ["src", "simulator/src", "tests/integration", "tests/slow"] {
        each_file(&root().join(folder), &mut |path| read_file(path, &mut all));
    }
    all
}

/// Returns every test: its file, from the root of the repository, and its name.
///
/// # Panics
/// A source file cannot be read.
#[must_use]
pub fn tests() -> BTreeSet<(String, String)> {
    let mut tests = BTreeSet::new();
    for folder in ["src", "simulator/src", "tests/integration"] {
        each_file(&root().join(folder), &mut |path| {
            let file = below_root(path);
            let source = fs::read_to_string(path).expect("a source file can be read");
            each_function(&source, |name, is_test, _| {
                if is_test {
                    tests.insert((file.clone(), name.to_owned()));
                }
            });
        });
    }
    tests
}

pub(crate) fn each_file(folder: &Path, visit: &mut impl FnMut(&Path)) {
    let mut entries: Vec<_> =
        fs::read_dir(folder).expect("a folder of sources").map(|entry| entry.expect("an entry").path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            each_file(&path, visit);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            visit(&path);
        }
    }
}

fn below_root(path: &Path) -> String {
    path.strip_prefix(root()).expect("a path below the root").display().to_string()
}

fn read_file(path: &Path, all: &mut Vec<Proof>) {
    let file = below_root(path);
    let source = fs::read_to_string(path).expect("a source file can be read");
    each_function(&source, |test, is_test, items| {
        for item in items {
            let (kind, name) = item.split_once(' ').unwrap_or((&item, ""));
            let (kind, name) = (kind.to_owned(), name.to_owned());
            all.push(Proof { kind, name, file: file.clone(), test: test.to_owned(), is_test });
        }
    });
}

/// Visits each function of a source: its name, whether it is a test, and what the comments above it claim.
fn each_function(source: &str, mut visit: impl FnMut(&str, bool, Vec<String>)) {
    let (mut items, mut is_test) = (Vec::new(), false);
    for line in source.lines().map(str::trim) {
        if let Some(list) = line.strip_prefix("// proves: ") {
            items.extend(split(list));
        } else if line == "#[test]" || line.starts_with("#[tokio::test") {
            is_test = true;
        } else if let Some(name) = line.split("fn ").nth(1).filter(|_| !line.starts_with("//")) {
            let end = name.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(name.len());
            visit(&name[..end], is_test, std::mem::take(&mut items));
            is_test = false;
        }
    }
}

/// Returns the items of a list that is separated by commas. A comma in quotes separates nothing.
fn split(list: &str) -> Vec<String> {
    let mut quoted = false;
    let parts = list.split(|c: char| {
        quoted ^= c == '"';
        c == ',' && !quoted
    });
    parts.map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}
