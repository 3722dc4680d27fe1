//! The catalogues match the code: a mutant that cannot be made, or that no test can catch, is found without trying it.

use xtask::workspace::root;

use super::definition::{Catalogue, Edit, Mutant, read};
use super::locate::Tests;

const CATALOGUES: [Catalogue; 2] = [Catalogue::Suite, Catalogue::Simulation];

fn all() -> impl Iterator<Item = (&'static str, Mutant)> {
    let mutants = |catalogue: Catalogue| read(catalogue).expect("a catalogue").into_iter();
    CATALOGUES.into_iter().flat_map(move |catalogue| mutants(catalogue).map(move |mutant| (catalogue.path(), mutant)))
}

fn mutant(file: &str, find: &str, replace: &str) -> Mutant {
    let edit = Edit { file: file.into(), find: find.into(), replace: replace.into() };
    Mutant { name: "m".into(), breaks: String::new(), caught_by: String::new(), edits: vec![edit] }
}

#[test]
fn each_edit_of_each_mutant_finds_its_text_exactly_once() {
    let problems = all().filter_map(|(path, mutant)| Some(format!("{path}: {}", mutant.mutated(root()).err()?)));
    let problems: Vec<_> = problems.collect();
    assert!(problems.is_empty(), "these edits cannot be made any more:\n{}", problems.join("\n"));
}

#[test]
fn each_mutant_names_a_test_that_exists() {
    let tests = Tests::read();
    let lost = all().filter(|(_, mutant)| tests.place(&mutant.caught_by).is_none());
    let lost: Vec<_> = lost.map(|(path, mutant)| format!("{path}: {}: {}", mutant.name, mutant.caught_by)).collect();
    assert!(lost.is_empty(), "there are no tests of these names:\n{}", lost.join("\n"));
}

#[test]
fn names_are_unique_in_a_catalogue() {
    for catalogue in CATALOGUES {
        let mut names: Vec<_> = read(catalogue).expect("a catalogue").into_iter().map(|mutant| mutant.name).collect();
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count, "{}", catalogue.path());
    }
}

#[test]
fn an_edit_that_cannot_be_made_says_why() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("a.rs"), "one two two").expect("a file");
    let problem = |file: &str, find: &str, replace: &str| {
        mutant(file, find, replace).mutated(folder.path()).expect_err("it cannot be made")
    };

    assert!(problem("b.rs", "one", "1").starts_with("m: b.rs cannot be read: "));
    assert_eq!(problem("a.rs", "two", "2"), "m: found 2 times instead of once in a.rs:\ntwo");
    assert_eq!(problem("a.rs", "three", "3"), "m: found 0 times instead of once in a.rs:\nthree");
    assert_eq!(problem("a.rs", "one", "one"), "m: an edit of a.rs changes nothing");
}

#[test]
fn edits_of_one_file_are_made_one_after_the_other() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("a.rs"), "one two").expect("a file");
    let mut mutant = mutant("a.rs", "one", "1");
    mutant.edits.push(Edit { file: "a.rs".into(), find: "1 two".into(), replace: "1 2".into() });

    let files = mutant.mutated(folder.path()).expect("both can be made");

    assert_eq!(files.into_values().collect::<Vec<_>>(), ["1 2"]);
}
