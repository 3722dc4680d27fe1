//! `docs/security.md` links each threat to a test: each test exists, and each test of an attack is linked.

use std::collections::BTreeSet;
use std::fs;

use testkit::bed::cluster::package;
use xtask::proofs::comments;

/// Returns the tests that a page links to, each with its file, relative to the repository.
fn linked_tests(page: &str) -> BTreeSet<(String, String)> {
    let links = page.split("[`").skip(1).filter_map(|rest| {
        let (test, rest) = rest.split_once("`](../")?;
        let (file, _) = rest.split_once(')')?;
        Some((file.to_owned(), test.to_owned()))
    });
    links.collect()
}

/// Returns the rows of threats without a test.
fn rows_without_a_test(page: &str) -> Vec<&str> {
    let threats =
        page.split_once("\n## Threats\n").and_then(|(_, rest)| rest.split_once("\n## ")).expect("the section").0;
    let rows = threats.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| threat |"));
    rows.filter(|row| linked_tests(row).is_empty()).collect()
}

fn page() -> String {
    fs::read_to_string(package().join("docs/security.md")).expect("the page")
}

#[test]
fn each_threat_in_docs_security_links_to_a_test_that_exists() {
    let tests = comments::tests();
    let missing: Vec<_> = linked_tests(&page()).into_iter().filter(|named| !tests.contains(named)).collect();
    assert!(missing.is_empty(), "docs/security.md links to tests that do not exist: {missing:#?}");
    assert_eq!(rows_without_a_test(&page()), Vec::<&str>::new(), "threats without a test");
    let attackers =
        tests.iter().filter(|(file, _)| file.starts_with("tests/integration/scenarios/security/attackers/"));
    let unlinked: Vec<_> = attackers.filter(|test| !linked_tests(&page()).contains(test)).collect();
    assert!(unlinked.is_empty(), "docs/security.md has no row for: {unlinked:#?}");
}

#[test]
fn a_link_to_a_missing_test_and_a_threat_without_a_test_are_found() {
    let planted = format!("{}[`never_written`](../src/lib.rs)", page());
    assert!(!comments::tests().is_superset(&linked_tests(&planted)));
    let planted = page().replacen("\n## Threats\n", "\n## Threats\n| theft | none |  |\n", 1);
    assert_eq!(rows_without_a_test(&planted), ["| theft | none |  |"]);
}
