//! The walls of the house: which part may know of what. Read from the sources, so that no import slips through.

use std::fs;
use std::path::{Path, PathBuf};

use crate::world::cluster::package;

/// One rule: which lines may stand in which files.
struct Rule {
    /// What it says.
    says: &'static str,
    /// Whether it holds for a file, by its path below `src/`.
    holds_for: fn(&str) -> bool,
    /// Whether a line of code breaks it.
    broken_by: fn(&str) -> bool,
}

const NO_IO_IN_THE_DOMAIN: Rule = Rule {
    says: "domain and pass know neither kube nor HTTP",
    holds_for: |path| path.starts_with("domain/") || path.starts_with("pass/"),
    broken_by: |line| ["kube::", "k8s_openapi", "reqwest", "tokio::"].iter().any(|name| line.contains(name)),
};

const HTTP_IN_TWO_PLACES: Rule = Rule {
    says: "only sign_in and landscape/http speak HTTP (and the simulator's command line)",
    holds_for: |path| !["sign_in/", "landscape/http/", "bin/"].iter().any(|place| path.starts_with(place)),
    broken_by: |line| line.contains("reqwest"),
};

const THE_DOMAIN_DOES_NOT_KNOW_THE_API: Rule = Rule {
    says: "domain never imports api",
    holds_for: |path| path.starts_with("domain/"),
    broken_by: |line| line.contains("crate::api"),
};

const WIRE_STRINGS_IN_ONE_PLACE: Rule = Rule {
    says: "wire strings stand in names.rs alone (and in the derive, which takes literals only)",
    holds_for: |path| path != "names.rs",
    broken_by: |line| {
        let wire = ["almkey.dev", "services.cloud.sap.com", "alm-key-operator/"].iter().any(|name| line.contains(name));
        wire && line.trim() != "group = \"almkey.dev\"," && !line.contains("CARGO_PKG_VERSION")
    },
};

/// The longest a file may be, in lines.
const LONGEST_FILE: usize = 400;

/// Lines of code that break the rule, as `path:line: text`.
fn broken(rule: &Rule, root: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for file in sources(root) {
        let path = file.strip_prefix(root).expect("below the root").display().to_string();
        if !(rule.holds_for)(&path) {
            continue;
        }
        let text = fs::read_to_string(&file).expect("a source file");
        for (number, line) in code(&text) {
            if (rule.broken_by)(line) {
                found.push(format!("src/{path}:{number}: {}", line.trim()));
            }
        }
    }
    found
}

/// The lines of a file that are code: no comments, and nothing after the unit tests begin.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .take_while(|(_, line)| line.trim() != "mod tests {")
        .map(|(number, line)| (number + 1, line))
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
}

fn sources(root: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() && !path.ends_with("tests") {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("tests.rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

fn assert_kept(rule: &Rule) {
    let broken = broken(rule, &package().join("src"));
    assert!(broken.is_empty(), "{}, but:\n{}", rule.says, broken.join("\n"));
}

/// The rule notices a line that is planted into a file.
fn assert_noticed(rule: &Rule, path: &str, line: &str) {
    let root = tempfile::tempdir().expect("a folder");
    let file = root.path().join(path);
    fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
    fs::write(&file, format!("//! {line}\n{line}\n")).expect("a file");
    assert_eq!(broken(rule, root.path()).len(), 1, "{line:?} in {path} must break: {}", rule.says);
}

#[test]
fn the_decision_knows_neither_kube_nor_http() {
    assert_kept(&NO_IO_IN_THE_DOMAIN);
    assert_noticed(&NO_IO_IN_THE_DOMAIN, "domain/plan/keep.rs", "use kube::Api;");
    assert_noticed(&NO_IO_IN_THE_DOMAIN, "pass/run.rs", "use reqwest::Client;");
}

#[test]
fn http_is_spoken_in_two_places_only() {
    assert_kept(&HTTP_IN_TWO_PLACES);
    assert_noticed(&HTTP_IN_TWO_PLACES, "controller/mod.rs", "use reqwest::Client;");
}

#[test]
fn the_domain_does_not_know_the_api_types() {
    assert_kept(&THE_DOMAIN_DOES_NOT_KNOW_THE_API);
    assert_noticed(&THE_DOMAIN_DOES_NOT_KNOW_THE_API, "domain/policy.rs", "use crate::api::ALMTenant;");
}

#[test]
fn wire_strings_stand_in_one_place() {
    assert_kept(&WIRE_STRINGS_IN_ONE_PLACE);
    assert_noticed(&WIRE_STRINGS_IN_ONE_PLACE, "source/binding.rs", "let group = \"services.cloud.sap.com\";");
}

#[test]
fn no_file_is_longer_than_four_hundred_lines() {
    let all = sources(&package().join("src")).into_iter().chain(sources(&package().join("tests")));
    let long: Vec<String> = all
        .filter_map(|file| {
            let lines = fs::read_to_string(&file).expect("a source file").lines().count();
            (lines > LONGEST_FILE).then(|| format!("{}: {lines} lines", file.display()))
        })
        .collect();
    assert!(long.is_empty(), "is each about one thing?\n{}", long.join("\n"));
}

#[test]
fn nothing_is_left_for_later_and_no_test_is_switched_off() {
    const MARKS: [&str; 4] =
        [concat!("#[", "ignore"), concat!("to", "do!("), concat!("unim", "plemented!("), concat!("db", "g!(")];
    let all = sources(&package().join("src")).into_iter().chain(sources(&package().join("tests")));
    for file in all {
        let text = fs::read_to_string(&file).expect("a source file");
        for mark in MARKS {
            assert!(!text.contains(mark), "{} holds {mark}", file.display());
        }
    }
}
