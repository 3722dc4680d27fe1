//! Every remote call under every fault: the report, the next attempt and the writes are as expected, and the object converges
//! once the fault ends. One operator, and a tenant for each cell of the table in [`expected`].

mod calls;
mod cell;
mod expected;
mod faults;
mod reconciliations;
mod scene;

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::time::Instant;

use futures::{FutureExt, StreamExt, stream};
use reqwest::Method;
use serde_json::json;

use self::cell::Cell;
use self::faults::ELSEWHERE;
use self::reconciliations::Reconciliations;
use testkit::bed::{Setup, TestBed};

/// Number of cells that run at the same time: more than the operator reconciles at once, because most of them wait.
const IN_FLIGHT: usize = 24;
/// Environment variable: runs only the cells whose name contains its value, or one of several separated by `|`.
const ONLY: &str = "ALMKEY_FAULTS";

const SETUP: Setup = Setup {
    bindings: false,
    log: "info,alm_key_operator=debug",
    arguments: &["--leader-elect=false", "--log-format", "json"],
    ..Setup::DEFAULT
};

#[test]
fn every_remote_call_under_every_fault_reports_as_stated_and_then_converges() {
    let only = std::env::var(ONLY).unwrap_or_default();
    let is_selected = |cell: &Cell| only.split('|').any(|part| cell.name().contains(part));
    let cells: Vec<Cell> = expected::cells().into_iter().filter(is_selected).collect();
    assert!(!cells.is_empty(), "no cell has {only:?} in its name");
    tokio::runtime::Runtime::new().expect("a runtime").block_on(async {
        let bed = TestBed::start(SETUP).await;
        bed.simulator.admin(Method::POST, "/tenants", Some(json!({ "identityZone": ELSEWHERE }))).await;
        let log = bed.operator.as_ref().expect("the operator runs").log.clone();
        let reconciliations = Reconciliations::follow(log.clone());
        let began = Instant::now();

        let (bed, reconciliations) = (&bed, &reconciliations);
        let results: BTreeMap<String, Result<(), String>> = stream::iter(cells.clone())
            .map(|cell| async move { (cell.name(), run_cell(&cell, bed, reconciliations).await) })
            .buffer_unordered(IN_FLIGHT)
            .collect()
            .await;

        let failed: Vec<_> = results.iter().filter_map(|(name, result)| Some((name, result.as_ref().err()?))).collect();
        print(&cells, &results, began);
        for (name, why) in &failed {
            say(&format!(
                "\n{name}: {why}\n  alone: {ONLY}='{name}' cargo test --test slow fault_matrix -- --nocapture"
            ));
        }
        assert!(failed.is_empty(), "{} of {} cells failed", failed.len(), cells.len());
        assert_eq!(results.len(), cells.len(), "cells have unique names");
        let followed = bed.simulator.journal(ELSEWHERE, 0, std::time::Duration::ZERO).await;
        assert!(followed.is_empty(), "a redirect was followed: {followed:#?}");
        let log = std::fs::read_to_string(log).expect("the operator's log");
        assert!(!log.contains("CANARY"), "a secret, or the text of a faulty response, is in the log");
    });
}

/// Runs a cell, and returns the message of its panic if it failed.
async fn run_cell(cell: &Cell, bed: &TestBed, log: &Reconciliations) -> Result<(), String> {
    let run = AssertUnwindSafe(cell.run(bed, log)).catch_unwind().await;
    run.map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string)).unwrap_or_default()
    })
}

/// Prints the table of the results, a line for each fault.
fn print(cells: &[Cell], results: &BTreeMap<String, Result<(), String>>, began: Instant) {
    say(expected::head());
    for (fault, line) in expected::lines() {
        let selected: Vec<_> = cells.iter().filter(|cell| cell.fault == fault).collect();
        if selected.is_empty() {
            continue;
        }
        let has_failed = |cell: &&&Cell| results.get(&cell.name()).is_some_and(Result::is_err);
        let failed: Vec<_> = selected.iter().filter(has_failed).map(|cell| cell.call.name()).collect();
        let failed = if failed.is_empty() { String::new() } else { format!(" FAILED: {}", failed.join(", ")) };
        say(&format!("{line}{failed}"));
    }
    let passed = results.values().filter(|result| result.is_ok()).count();
    say(&format!(
        "fault matrix: {} cells, {passed} asserted and converged, in {} s",
        results.len(),
        began.elapsed().as_secs()
    ));
}

#[expect(clippy::print_stdout, reason = "the table is what a person runs the matrix for")]
fn say(line: &str) {
    println!("{line}");
}
