//! `docs/tutorial.md`, from its first command to its last.

use std::time::Duration;

use testkit::documented::{self, Shell};

/// Time for the programs to be compiled and started.
const START: Duration = Duration::from_mins(10);

#[test]
fn the_tutorial_leads_from_nothing_to_a_healthy_key_and_back() {
    let shell = Shell::without_cluster();
    let start = documented::one("docs/tutorial.md#start", "make tutorial");
    let mut running = start.start(&shell, &[]);
    running.await_text("Everything stays up until Ctrl-C", START);
    let commands: Vec<_> = [
        documented::all("docs/tutorial.md#connect-a-tenant"),
        documented::all("docs/tutorial.md#upload-a-key"),
        documented::all("docs/tutorial.md#rotate-it"),
        documented::all("docs/tutorial.md#let-it-die"),
        documented::all("docs/tutorial.md#delete-it"),
        documented::all("docs/tutorial.md#the-same-in-manual-mode"),
    ]
    .into_iter()
    .flatten()
    .collect();

    let printed = documented::must_run_together(&commands, &shell, &[]);

    let seen = ["condition met", "Ready is True (Uploaded)", "CredentialsRefused", "\"key\": null", "\n1. "];
    let missing: Vec<_> = seen.iter().filter(|text| !printed.contains(**text)).collect();
    assert!(missing.is_empty(), "{missing:?} in:\n{printed}");
}

#[test]
fn the_demo_ends_after_a_whole_life_of_a_key() {
    let printed = documented::one("README.md#alm-key-operator", "make demo").must_run(&Shell::without_cluster(), &[]);
    assert!(printed.contains("no dead key is left behind") && printed.contains("DELETED"), "{printed}");
}
