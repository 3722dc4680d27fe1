//! The pages for readers: the generated ones are up to date, links lead somewhere, and a test runs each command.

use std::fs;

use alm_key_operator::domain::reason::Reason;
use testkit::documented::{Markdown, Page, pages};
use xtask::docs::commands::{self, EXCEPTIONS, Exception};
use xtask::docs::{api, links, reasons, runs};

/// Returns a page that was never written.
fn page(path: &str, text: &str) -> Page {
    Page { path: path.into(), text: text.into(), markdown: Markdown::read(text) }
}

#[test]
#[expect(clippy::print_stdout, reason = "the list is asked for")]
fn a_test_runs_each_documented_command() {
    let table = commands::table(&pages(), &runs::all(), &EXCEPTIONS);
    println!("{}", commands::written(&table.unwrap_or_else(|problems| panic!("{}", problems.join("\n")))));
}

#[test]
fn a_command_that_no_test_runs_and_a_call_without_a_command_are_found() {
    let planted = [page("docs/x.md", "# Use\n```console\n$ almkey status\n$ almkey never\n```\n")];
    let source = "#[test]\nfn runs() { documented::one(\"docs/x.md#use\", \"status\"); documented::all(\"docs/x.md#gone\"); }\n\
                  fn helper() { documented::one(\"docs/x.md#use\", \"status\"); }\n";
    let needless = [Exception { place: "docs/x.md#use", command: "make", reason: "none" }];

    let problems = commands::table(&planted, &runs::of_source("x.rs", source), &needless).err().expect("four problems");

    assert_eq!(
        problems,
        [
            "x.rs: runs runs what is not documented: a command of \"docs/x.md#gone\"",
            "x.rs: no test of this file calls helper, which runs commands of docs/x.md#use",
            "no command needs the exception docs/x.md#use \"make\"",
            "docs/x.md#use: no test runs: almkey never",
        ]
    );
}

#[test]
#[expect(clippy::print_stdout, reason = "the list is asked for")]
fn each_relative_link_leads_to_a_file_and_each_anchor_to_a_heading() {
    let pages = pages();
    for (link, pages) in links::external(&pages) {
        println!("{link} ({})", pages.join(", "));
    }
    let broken = links::broken(&pages);
    assert!(broken.is_empty(), "{} broken links:\n{}", broken.len(), broken.join("\n"));
}

#[test]
fn a_link_to_no_file_to_no_heading_and_out_of_the_repository_is_found() {
    let text = "# A\n[a](gone.md) [b](#gone) [c](../src/main.rs#L1) [d](../../x.md) [e](#a) [f](../src/main.rs)";
    let broken = links::broken(&[page("docs/x.md", &format!("{text} [g](https://example.com)"))]);
    assert_eq!(
        broken,
        [
            "docs/x.md: (gone.md) docs/gone.md does not exist",
            "docs/x.md: (#gone) docs/x.md has no heading with this anchor",
            "docs/x.md: (../src/main.rs#L1) src/main.rs is no page, so it has no anchors",
            "docs/x.md: (../../x.md) leaves the repository",
        ]
    );
}

#[test]
fn the_summary_lists_each_page_of_the_folder_docs() {
    let pages = pages();
    let summary = pages.iter().find(|page| page.path == "docs/SUMMARY.md").expect("docs/SUMMARY.md");
    let listed: Vec<_> = summary.markdown.links.iter().map(|link| format!("docs/{}", link.destination)).collect();
    let missing: Vec<_> = pages
        .iter()
        .map(|page| &page.path)
        .filter(|path| path.starts_with("docs/") && *path != "docs/SUMMARY.md" && !listed.contains(path))
        .collect();
    assert!(missing.is_empty(), "docs/SUMMARY.md does not list {missing:?}");
}

#[test]
#[expect(clippy::print_stdout, reason = "the list is asked for")]
fn docs_reasons_has_a_section_for_each_reason_and_is_up_to_date() {
    let expected = reasons::written().unwrap_or_else(|problems| panic!("{}", problems.join("\n")));
    let found = fs::read_to_string(reasons::path()).expect("docs/reasons.md");
    assert!(found == expected, "docs/reasons.md is out of date: run make generate");
    let anchors: Vec<_> = Markdown::read(&found).headings.into_iter().map(|heading| heading.anchor).collect();
    for reason in Reason::ALL {
        let anchor = reason.as_str().to_lowercase();
        assert!(anchors.contains(&anchor), "docs/reasons.md has no section for {reason}");
        println!("{reason}: docs/reasons.md#{anchor}");
    }
}

#[test]
fn a_reason_in_no_group_or_in_two_is_found() {
    let groups = &reasons::GROUPS[..1];
    let all = [Reason::Uploaded, Reason::Removing];
    assert_eq!(reasons::misplaced(&all, groups), ["Removing is in 0 groups of xtask/src/docs/reasons.rs, not in one"]);
}

#[test]
fn docs_api_is_up_to_date() {
    let found = fs::read_to_string(api::path()).expect("docs/api.md");
    assert!(found == api::written(), "docs/api.md is out of date: run make generate");
}
