//! The comments `// proves:` above tests.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::page::package;

/// That a test proves something.
pub struct Proof {
    /// Of what kind it is: `field`, `reason` and so on.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// The file of the test, from the root of the repository.
    pub file: String,
    /// The test.
    pub test: String,
    /// Whether what stands below the comment is a test at all.
    pub is_test: bool,
}

/// All of them.
pub fn all() -> Vec<Proof> {
    let mut all = Vec::new();
    for folder in ["src", "simulator/src", "tests/integration", "tests/slow"] {
        each_file(&package().join(folder), &mut |path| of_file(path, &mut all));
    }
    all
}

/// Every test there is: its file, from the root of the repository, and its name.
pub fn tests() -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    for folder in ["src", "simulator/src", "tests/integration"] {
        each_file(&package().join(folder), &mut |path| {
            let file = below_package(path);
            let source = fs::read_to_string(path).expect("it can be read");
            each_function(&source, |name, is_test, _| {
                if is_test {
                    found.insert((file.clone(), name.to_owned()));
                }
            });
        });
    }
    found
}

fn each_file(folder: &Path, look: &mut impl FnMut(&Path)) {
    let mut entries: Vec<_> =
        fs::read_dir(folder).expect("the folder is there").map(|entry| entry.expect("an entry").path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            each_file(&path, look);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            look(&path);
        }
    }
}

fn below_package(path: &Path) -> String {
    path.strip_prefix(package()).expect("it lies in the package").display().to_string()
}

fn of_file(path: &Path, all: &mut Vec<Proof>) {
    let file = below_package(path);
    let source = fs::read_to_string(path).expect("it can be read");
    each_function(&source, |test, is_test, items| {
        for item in items {
            let (kind, name) = item.split_once(' ').unwrap_or((&item, ""));
            let (kind, name) = (kind.to_owned(), name.to_owned());
            all.push(Proof { kind, name, file: file.clone(), test: test.to_owned(), is_test });
        }
    });
}

/// Each function of a source, whether it is a test, and what the comments above it say that it proves.
fn each_function(source: &str, mut look: impl FnMut(&str, bool, Vec<String>)) {
    let (mut items, mut is_test) = (Vec::new(), false);
    for line in source.lines().map(str::trim) {
        if let Some(list) = line.strip_prefix("// proves: ") {
            items.extend(split(list));
        } else if line == "#[test]" || line.starts_with("#[tokio::test") {
            is_test = true;
        } else if let Some(name) = line.split("fn ").nth(1).filter(|_| !line.starts_with("//")) {
            let end = name.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(name.len());
            look(&name[..end], is_test, std::mem::take(&mut items));
            is_test = false;
        }
    }
}

/// The items of a list that is separated by commas; a comma in quotes separates nothing.
fn split(list: &str) -> Vec<String> {
    let mut quoted = false;
    let parts = list.split(|c: char| {
        quoted ^= c == '"';
        c == ',' && !quoted
    });
    parts.map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}
