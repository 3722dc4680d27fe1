//! The comments `// proves:` above tests.

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
    for folder in ["src", "tests/it"] {
        of_folder(&package().join(folder), &mut all);
    }
    all
}

fn of_folder(folder: &Path, all: &mut Vec<Proof>) {
    let mut entries: Vec<_> =
        fs::read_dir(folder).expect("the folder is there").map(|entry| entry.expect("an entry").path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            of_folder(&path, all);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            of_file(&path, all);
        }
    }
}

fn of_file(path: &Path, all: &mut Vec<Proof>) {
    let file = path.strip_prefix(package()).expect("it lies in the package").display().to_string();
    let source = fs::read_to_string(path).expect("it can be read");
    let (mut items, mut is_test) = (Vec::new(), false);
    for line in source.lines().map(str::trim) {
        if let Some(list) = line.strip_prefix("// proves: ") {
            items.extend(split(list));
        } else if line == "#[test]" || line.starts_with("#[tokio::test") {
            is_test = true;
        } else if let Some(name) = line.split("fn ").nth(1).filter(|_| !line.starts_with("//")) {
            let test: String = name.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            for item in items.drain(..) {
                let (kind, name) = item.split_once(' ').unwrap_or((&item, ""));
                let (kind, name) = (kind.to_owned(), name.to_owned());
                all.push(Proof { kind, name, file: file.clone(), test: test.clone(), is_test });
            }
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
