//! Every remote call under every fault: what is said then, when it is tried again, what is written; and that all is as it
//! should be once the fault stops. One operator, a tenant for each cell of the table in [`expected`].

mod calls;
mod cell;
mod expected;
mod faults;
mod passes;
mod scene;

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::time::Instant;

use futures::{FutureExt, StreamExt, stream};
use reqwest::Method;
use serde_json::json;

use self::cell::Cell;
use self::faults::ELSEWHERE;
use self::passes::Passes;
use testkit::bed::{Setup, TestBed};

/// Cells that are under way at the same time: more than the operator's places, since most of them wait.
const IN_FLIGHT: usize = 24;
/// Names parts of cells' names, with `|` between them, to run those cells alone.
const ONLY: &str = "ALMKEY_FAULTS";

const SETUP: Setup = Setup {
    bindings: false,
    log: "info,alm_key_operator=debug",
    arguments: &["--leader-elect=false", "--log-format", "json"],
    audit: false,
    namespaces: &[],
    controller_manager: false,
    users: &[],
    proxy: false,
};

#[test]
fn every_remote_call_under_every_fault_says_what_is_stated_and_converges_once_the_fault_stops() {
    let only = std::env::var(ONLY).unwrap_or_default();
    let is_meant = |cell: &Cell| only.split('|').any(|part| cell.name().contains(part));
    let cells: Vec<Cell> = expected::cells().into_iter().filter(is_meant).collect();
    assert!(!cells.is_empty(), "no cell has {only:?} in its name");
    tokio::runtime::Runtime::new().expect("a runtime").block_on(async {
        let bed = TestBed::start(SETUP).await;
        bed.simulator.admin(Method::POST, "/tenants", Some(json!({ "identityZone": ELSEWHERE }))).await;
        let log = bed.operator.as_ref().expect("it runs").log.clone();
        let passes = Passes::of(log.clone());
        let began = Instant::now();

        let (bed, passes) = (&bed, &passes);
        let results: BTreeMap<String, Result<(), String>> = stream::iter(cells.clone())
            .map(|cell| async move { (cell.name(), outcome(&cell, bed, passes).await) })
            .buffer_unordered(IN_FLIGHT)
            .collect()
            .await;

        let failed: Vec<_> = results.iter().filter_map(|(name, result)| Some((name, result.as_ref().err()?))).collect();
        print(&cells, &results, began);
        for (name, why) in &failed {
            say(&format!(
                "\n{name}: {why}\n  alone: {ONLY}='{name}' cargo test --test prove fault_matrix -- --nocapture"
            ));
        }
        assert!(failed.is_empty(), "{} of {} cells failed", failed.len(), cells.len());
        assert_eq!(results.len(), cells.len(), "each cell has a name of its own");
        let followed = bed.simulator.journal(ELSEWHERE, 0, std::time::Duration::ZERO).await;
        assert!(followed.is_empty(), "a redirect was followed: {followed:#?}");
        let log = std::fs::read_to_string(log).expect("the operator's log");
        assert!(!log.contains("CANARY"), "a secret, or what a faulty answer said, is in the log");
    });
}

/// What became of a cell; why it failed, if it did.
async fn outcome(cell: &Cell, bed: &TestBed, passes: &Passes) -> Result<(), String> {
    let run = AssertUnwindSafe(cell.run(bed, passes)).catch_unwind().await;
    run.map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string)).unwrap_or_default()
    })
}

/// The table as it was found: a fault a line.
fn print(cells: &[Cell], results: &BTreeMap<String, Result<(), String>>, began: Instant) {
    say(expected::head());
    for (fault, line) in expected::lines() {
        let of_line: Vec<_> = cells.iter().filter(|cell| cell.fault == fault).collect();
        if of_line.is_empty() {
            continue;
        }
        let wrong = |cell: &&&Cell| results.get(&cell.name()).is_some_and(Result::is_err);
        let wrong: Vec<_> = of_line.iter().filter(wrong).map(|cell| cell.call.name()).collect();
        let wrong = if wrong.is_empty() { String::new() } else { format!(" FAILED: {}", wrong.join(", ")) };
        say(&format!("{line}{wrong}"));
    }
    let passed = results.values().filter(|result| result.is_ok()).count();
    say(&format!(
        "fault matrix: {} cells, {passed} asserted and converged, in {} s",
        results.len(),
        began.elapsed().as_secs()
    ));
}

#[expect(clippy::print_stdout, reason = "this is what was asked for")]
fn say(line: &str) {
    println!("{line}");
}
