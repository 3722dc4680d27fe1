//! Names that were given up do not come back, and the name of a test fits into a line.

use std::fs;

use regex::{Regex, RegexSet, RegexSetBuilder};
use testkit::bed::cluster::package;

use super::sources::{all_rust_texts, below_package, files};

/// The table of former names: a pattern, and the name that replaces it.
const TABLE: &str = "tests/data/former-names.tsv";
/// Files that may hold a former name: the table, and the history of the project.
const EXEMPT: [&str; 3] = [TABLE, "CHANGELOG.md", "Cargo.lock"];
/// The longest name of a test, in characters.
const MAX_TEST_NAME: usize = 80;

/// Returns the rows of the table: the pattern, and the new name.
fn rows(table: &str) -> Vec<(&str, Regex)> {
    let rows = table.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    rows.map(|row| {
        let (pattern, new) = row.split_once('\t').unwrap_or_else(|| panic!("{TABLE}: no tab in {row:?}"));
        assert!(!new.trim().is_empty(), "{TABLE}: {pattern} has no new name");
        (new, Regex::new(pattern).unwrap_or_else(|error| panic!("{TABLE}: {error}")))
    })
    .collect()
}

/// Returns all patterns as one, which a text is searched for once.
fn any_of(rows: &[(&str, Regex)]) -> RegexSet {
    let patterns = rows.iter().map(|(_, pattern)| pattern.as_str());
    RegexSetBuilder::new(patterns).multi_line(true).size_limit(1 << 28).build().expect("patterns")
}

/// Returns the lines of a text, and the path itself, that hold a former name.
fn former_names(path: &str, text: &str, rows: &[(&str, Regex)]) -> Vec<String> {
    let mut found = Vec::new();
    for (new, pattern) in rows {
        if pattern.is_match(path) {
            found.push(format!("{path}: the path matches {pattern}: {new}"));
        }
        let lines = text.lines().enumerate().filter(|(_, line)| pattern.is_match(line));
        found.extend(lines.map(|(number, line)| format!("{path}:{}: {pattern} -> {new}: {}", number + 1, line.trim())));
    }
    found
}

/// Returns the names of the tests in a source file.
fn test_names(text: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut is_test = false;
    for line in text.lines().map(str::trim) {
        if line == "#[test]" || line.starts_with("#[tokio::test") {
            is_test = true;
        } else if let Some((_, rest)) = line.split_once("fn ").filter(|_| is_test && !line.starts_with("//")) {
            names.push(rest.split(['(', '<']).next().unwrap_or_default());
            is_test = false;
        }
    }
    names
}

#[test]
#[expect(clippy::print_stdout, reason = "the count is asked for")]
fn no_former_name_has_come_back() {
    let table = fs::read_to_string(package().join(TABLE)).expect("the table");
    let rows = rows(&table);
    let any = any_of(&rows);
    let mut found = Vec::new();
    for file in files(&package()) {
        let path = below_package(&file);
        // Inputs of the fuzzer and recordings are data, not words.
        if EXEMPT.contains(&path.as_str())
            || path.starts_with("fuzz/seeds")
            || file.extension().is_some_and(|extension| extension == "jsonl")
        {
            continue;
        }
        if let Ok(text) = fs::read_to_string(&file)
            && (any.is_match(&path) || any.is_match(&text))
        {
            found.extend(former_names(&path, &text, &rows));
        }
    }
    println!("{} former names, {} found", rows.len(), found.len());
    assert!(found.is_empty(), "{} former names:\n{}", found.len(), found.join("\n"));
}

#[test]
fn a_planted_former_name_is_found_in_a_line_and_in_a_path() {
    let rows = rows("\\bOldName\\b\tNewName\n^src/old/\tsrc/new\n");
    assert_eq!(former_names("src/a.rs", "struct OldName;\nstruct OldNames;", &rows).len(), 1);
    assert_eq!(former_names("src/old/mod.rs", "", &rows).len(), 1);
}

#[test]
fn the_name_of_a_test_has_at_most_eighty_characters() {
    let texts = all_rust_texts();
    let long = texts.iter().flat_map(|(path, text)| {
        let names = test_names(text).into_iter().filter(|name| name.len() > MAX_TEST_NAME);
        names.map(move |name| format!("{path}: {name} ({})", name.len()))
    });
    let long: Vec<_> = long.collect();
    assert!(long.is_empty(), "{} names are longer:\n{}", long.len(), long.join("\n"));
    let name = "a".repeat(MAX_TEST_NAME + 1);
    assert_eq!(test_names(&format!("#[test]\nfn {name}() {{}}\nfn helper() {{}}")), [name]);
}
