//! The architecture, read from the sources so that no import slips through: the walls between the folders, no import
//! cycles, the language of comments, and names that do not come back.

mod comments;
mod cycles;
mod names;
pub(crate) mod sources;

use std::fs;
use std::path::Path;

use testkit::bed::cluster::package;

use sources::{ROOTS, code, rust_files, sources};

/// One rule: which lines may stand in which files.
struct Rule {
    /// The rule in words.
    says: &'static str,
    /// True for the paths below `src/` that the rule holds for.
    holds_for: fn(&str) -> bool,
    /// True for a line of code that breaks the rule.
    broken_by: fn(&str) -> bool,
}

const NO_IO_IN_THE_DOMAIN: Rule = Rule {
    says: "domain and executor know neither kube nor HTTP",
    holds_for: |path| path.starts_with("domain/") || path.starts_with("executor/"),
    broken_by: |line| ["kube", "k8s_openapi", "reqwest", "tokio"].iter().any(|name| mentions(line, name)),
};

const HTTP_IN_THE_ADAPTERS: Rule = Rule {
    says: "only http, sign_in and landscape/http speak HTTP",
    holds_for: |path| !["http/", "sign_in/", "landscape/http/"].iter().any(|place| path.starts_with(place)),
    broken_by: |line| mentions(line, "reqwest"),
};

const HTTP_IS_SERVED_IN_ONE_PLACE: Rule = Rule {
    says: "only process serves HTTP",
    holds_for: |path| !path.starts_with("process/"),
    broken_by: |line| mentions(line, "hyper") || mentions(line, "hyper_util"),
};

const THE_DOMAIN_DOES_NOT_KNOW_THE_API: Rule = Rule {
    says: "domain never imports api",
    holds_for: |path| path.starts_with("domain/"),
    broken_by: |line| mentions(line, "api"),
};

const WIRE_STRINGS_IN_ONE_PLACE: Rule = Rule {
    says: "wire strings stand in names.rs alone (and in the derive, which takes literals only)",
    holds_for: |path| path != "names.rs",
    broken_by: |line| {
        let group = ["almkey.dev", "services.cloud.sap.com"].iter().any(|name| line.contains(name));
        let agent = line.contains("alm-key-operator/") && !line.contains("CARGO_PKG_VERSION");
        (group && line.trim() != "group = \"almkey.dev\",") || agent
    },
};

/// Maximum length of a file, in lines.
const MAX_FILE_LINES: usize = 400;

/// Marks of unfinished work and of tests that are switched off. They are in pieces because this file is read, too.
const MARKS: [&str; 4] =
    [concat!("#[", "ignore"), concat!("to", "do!("), concat!("unim", "plemented!("), concat!("db", "g!(")];

/// Returns true if a line of code uses a name: by a path, in a group, or under another name. Text in quotes does not
/// count.
fn mentions(line: &str, name: &str) -> bool {
    let unquoted = line.split('"').step_by(2);
    unquoted.flat_map(|code| code.split(|c: char| !c.is_alphanumeric() && c != '_')).any(|word| word == name)
}

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

/// Files longer than they may be.
fn too_long(root: &Path) -> Vec<String> {
    let lines = |file: &Path| fs::read_to_string(file).expect("a source file").lines().count();
    let long =
        rust_files(root).into_iter().map(|file| (lines(&file), file)).filter(|(lines, _)| *lines > MAX_FILE_LINES);
    long.map(|(lines, file)| format!("{}:{lines}: the last line", file.display())).collect()
}

/// Lines with a mark of something unfinished or switched off, comments included.
fn left_for_later(root: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for file in rust_files(root) {
        let text = fs::read_to_string(&file).expect("a source file");
        let marked = text.lines().enumerate().filter(|(_, line)| MARKS.iter().any(|mark| line.contains(mark)));
        found.extend(marked.map(|(number, line)| format!("{}:{}: {}", file.display(), number + 1, line.trim())));
    }
    found
}

fn assert_kept(rule: &Rule) {
    let broken = broken(rule, &package().join("src"));
    assert!(broken.is_empty(), "{}, but:\n{}", rule.says, broken.join("\n"));
}

/// Returns the number of findings of `check` in a folder with one file.
fn planted(path: &str, text: &str, check: impl Fn(&Path) -> Vec<String>) -> usize {
    let root = tempfile::tempdir().expect("a folder");
    let file = root.path().join(path);
    fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
    fs::write(&file, text).expect("a file");
    check(root.path()).len()
}

/// Asserts that a rule finds a planted line, and ignores it in a comment.
fn assert_noticed(rule: &Rule, path: &str, line: &str) {
    let found = planted(path, &format!("//! {line}\n{line}\n"), |root| broken(rule, root));
    assert_eq!(found, 1, "{line:?} in {path} must break: {}", rule.says);
}

/// Returns the findings of `check` in all crates and in the tests.
fn everywhere(check: fn(&Path) -> Vec<String>) -> Vec<String> {
    ROOTS.iter().flat_map(|folder| check(&package().join(folder))).collect()
}

#[test]
fn the_decision_knows_neither_kube_nor_http() {
    assert_kept(&NO_IO_IN_THE_DOMAIN);
    assert_noticed(&NO_IO_IN_THE_DOMAIN, "domain/plan/write.rs", "use kube::Api;");
    assert_noticed(&NO_IO_IN_THE_DOMAIN, "domain/plan/write.rs", "use kube as k;");
    assert_noticed(&NO_IO_IN_THE_DOMAIN, "executor/execute.rs", "use reqwest::Client;");
}

#[test]
fn http_is_spoken_by_the_adapters_only() {
    assert_kept(&HTTP_IN_THE_ADAPTERS);
    assert_noticed(&HTTP_IN_THE_ADAPTERS, "controller/mod.rs", "use reqwest::Client;");
}

#[test]
fn http_is_served_in_one_place_only() {
    assert_kept(&HTTP_IS_SERVED_IN_ONE_PLACE);
    assert_noticed(&HTTP_IS_SERVED_IN_ONE_PLACE, "controller/mod.rs", "use hyper::Request;");
}

#[test]
fn the_domain_does_not_know_the_api_types() {
    assert_kept(&THE_DOMAIN_DOES_NOT_KNOW_THE_API);
    assert_noticed(&THE_DOMAIN_DOES_NOT_KNOW_THE_API, "domain/policy.rs", "use crate::api::ALMTenant;");
    assert_noticed(&THE_DOMAIN_DOES_NOT_KNOW_THE_API, "domain/policy.rs", "use crate::{api, names};");
    assert_noticed(&THE_DOMAIN_DOES_NOT_KNOW_THE_API, "domain/policy.rs", "use super::super::api::ALMTenant;");
}

#[test]
fn wire_strings_stand_in_one_place() {
    assert_kept(&WIRE_STRINGS_IN_ONE_PLACE);
    assert_noticed(&WIRE_STRINGS_IN_ONE_PLACE, "source/binding.rs", "let group = \"services.cloud.sap.com\";");
    assert_noticed(&WIRE_STRINGS_IN_ONE_PLACE, "api/tenant.rs", "let agent = \"alm-key-operator/1\";");
}

#[test]
fn no_file_is_longer_than_four_hundred_lines() {
    let long = everywhere(too_long);
    assert!(long.is_empty(), "is each about one thing?\n{}", long.join("\n"));
    for file in ["domain/policy.rs", "domain/plan/tests/gone.rs", "domain/service_key/tests.rs"] {
        assert_eq!(planted(file, &"\n".repeat(MAX_FILE_LINES), too_long), 0);
        assert_eq!(planted(file, &"\n".repeat(MAX_FILE_LINES + 1), too_long), 1, "{file}");
    }
}

#[test]
fn nothing_is_left_for_later_and_no_test_is_switched_off() {
    let marked = everywhere(left_for_later);
    assert!(marked.is_empty(), "finish it, or take it out:\n{}", marked.join("\n"));
    for mark in MARKS {
        for file in ["domain/policy.rs", "domain/plan/tests/gone.rs", "domain/service_key/tests.rs"] {
            assert_eq!(planted(file, mark, left_for_later), 1, "{mark} in {file}");
        }
    }
}
