//! Results of all points.

use std::collections::BTreeMap;
use std::time::Duration;

use super::ONLY;
use testkit::crash::{ConcurrentEvent, CrashMode, Outcome, Point};

/// Columns of the table.
const CRASH_MODES: [CrashMode; 5] =
    [CrashMode::Before, CrashMode::After, CrashMode::Swallowed, CrashMode::LateFirst, CrashMode::LateLast];
const CONCURRENT_EVENTS: [ConcurrentEvent; 4] =
    [ConcurrentEvent::Nothing, ConcurrentEvent::Rotated, ConcurrentEvent::Unbound, ConcurrentEvent::Deleted];
/// Smallest number of points for which one may remain unmet.
const POINTS_PER_UNMET: usize = 50;

/// Number of points, and of those that converged.
#[derive(Clone, Copy, Default)]
struct Count(usize, usize);

impl Count {
    fn add(&mut self, converged: bool) {
        self.0 += 1;
        self.1 += usize::from(converged);
    }

    fn format(self) -> String {
        if self.0 == 0 { "-".into() } else { format!("{}/{}", self.1, self.0) }
    }
}

/// Results by kind of request and crash mode.
#[derive(Default)]
pub(super) struct Table {
    rows: BTreeMap<String, BTreeMap<CrashMode, Count>>,
    meanwhile: BTreeMap<ConcurrentEvent, Count>,
    all: Count,
    lives: usize,
    uploads: usize,
    double_uploads: usize,
    wrong_deletes: usize,
    unmet: Vec<String>,
    wrong: Vec<String>,
}

impl Table {
    /// Adds a life. The last life of a point adds the point, too.
    pub(super) fn add(&mut self, point: &Point, outcome: Outcome, is_last: bool) {
        let Outcome { reached: met, requests: _, history, failure: wrong } = outcome;
        self.lives += 1;
        self.uploads += history.writes.iter().filter(|write| *write == "Put").count();
        self.double_uploads += history.double_uploads;
        self.wrong_deletes += history.wrong_deletes;
        if !is_last {
            return;
        }
        if !met && wrong.is_none() {
            self.unmet.push(point.to_string());
            return;
        }
        let kind = self.rows.entry(point.request.kind.clone()).or_default();
        for count in
            [kind.entry(point.mode).or_default(), self.meanwhile.entry(point.event).or_default(), &mut self.all]
        {
            count.add(wrong.is_none());
        }
        if let Some(wrong) = wrong {
            say(&format!("WRONG: {point}\n{wrong}"));
            self.wrong.push(point.to_string());
        }
    }

    /// Prints a row for each kind of request and a column for each crash mode.
    pub(super) fn print(&self, took: Duration, beds: usize) {
        let print_row = |name: &str, cells: [String; 5]| {
            let cells = cells.map(|cell| format!("{cell:>17}")).concat();
            say(&format!("{name:<42}{cells}"));
        };
        print_row("request", CRASH_MODES.map(|mode| mode.to_string()));
        for (kind, counts) in &self.rows {
            print_row(kind, CRASH_MODES.map(|mode| counts.get(&mode).copied().unwrap_or_default().format()));
        }
        for meanwhile in CONCURRENT_EVENTS {
            let count = self.meanwhile.get(&meanwhile).copied().unwrap_or_default();
            say(&format!("meanwhile{}: {} converged", name(meanwhile), count.format()));
        }
        for unmet in &self.unmet {
            say(&format!("not met by any life: {unmet}"));
        }
        let Self { all: Count(met, converged), lives, uploads, double_uploads, wrong_deletes, unmet, .. } = self;
        say(&format!("{lives} lives with {uploads} uploads on {beds} API servers in {} s", took.as_secs()));
        say(&format!(
            "{} points, {converged} met and converged, {} not met; {double_uploads} double uploads, {wrong_deletes} wrong \
             deletes",
            met + unmet.len(),
            unmet.len()
        ));
    }

    pub(super) fn assert_converged(&self) {
        let wrong = self.wrong.join("\n");
        assert!(wrong.is_empty(), "set {ONLY} to a name, or a part of it, to run that point alone:\n{wrong}");
        let unmet = self.unmet.len();
        assert!(
            unmet * POINTS_PER_UNMET <= self.all.0 + unmet,
            "{unmet} points were not met:\n{}",
            self.unmet.join("\n")
        );
    }
}

fn name(meanwhile: ConcurrentEvent) -> String {
    if meanwhile == ConcurrentEvent::Nothing { ", nothing".into() } else { meanwhile.to_string() }
}

#[expect(clippy::print_stdout, reason = "the table is what a person runs the matrix for")]
pub(super) fn say(line: &str) {
    println!("crash matrix: {line}");
}
