//! What came of all points.

use std::collections::BTreeMap;
use std::time::Duration;

use super::ONLY;
use testkit::crash::{ConcurrentEvent, CrashMode, Outcome, Point};

/// The columns.
const BLOWS: [CrashMode; 5] =
    [CrashMode::Before, CrashMode::After, CrashMode::Swallowed, CrashMode::LateFirst, CrashMode::LateLast];
const MEANWHILES: [ConcurrentEvent; 4] =
    [ConcurrentEvent::Nothing, ConcurrentEvent::Rotated, ConcurrentEvent::Unbound, ConcurrentEvent::Deleted];
/// At most one point in so many may be one that no life met.
const RARELY_UNMET: usize = 50;

/// Points, and those of them that converged.
#[derive(Clone, Copy, Default)]
struct Count(usize, usize);

impl Count {
    fn add(&mut self, converged: bool) {
        self.0 += 1;
        self.1 += usize::from(converged);
    }

    fn cell(self) -> String {
        if self.0 == 0 { "-".into() } else { format!("{}/{}", self.1, self.0) }
    }
}

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
    /// Adds a life; with the last one for a point, the point.
    pub(super) fn add(&mut self, point: &Point, lived: Outcome, is_last: bool) {
        let Outcome { reached: met, requests: _, history, failure: wrong } = lived;
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

    /// A row for each kind of request, a column for each blow.
    pub(super) fn print(&self, took: Duration, beds: usize) {
        let row = |name: &str, cells: [String; 5]| {
            let cells = cells.map(|cell| format!("{cell:>17}")).concat();
            say(&format!("{name:<42}{cells}"));
        };
        row("request", BLOWS.map(|blow| blow.to_string()));
        for (kind, counts) in &self.rows {
            row(kind, BLOWS.map(|blow| counts.get(&blow).copied().unwrap_or_default().cell()));
        }
        for meanwhile in MEANWHILES {
            let count = self.meanwhile.get(&meanwhile).copied().unwrap_or_default();
            say(&format!("meanwhile{}: {} converged", what(meanwhile), count.cell()));
        }
        for unmet in &self.unmet {
            say(&format!("no life made this request: {unmet}"));
        }
        let Self { all: Count(last_tested, converged), lives, uploads, double_uploads, wrong_deletes, unmet, .. } =
            self;
        say(&format!("{lives} lives with {uploads} uploads on {beds} API servers in {} s", took.as_secs()));
        say(&format!(
            "{} points, {converged} met and converged, {} not met; {double_uploads} double uploads, {wrong_deletes} wrong \
             deletes",
            last_tested + unmet.len(),
            unmet.len()
        ));
    }

    pub(super) fn assert_right(&self) {
        let wrong = self.wrong.join("\n");
        assert!(wrong.is_empty(), "to run one of them again, set {ONLY} to its name (or a part of it):\n{wrong}");
        let unmet = self.unmet.len();
        assert!(unmet * RARELY_UNMET <= self.all.0 + unmet, "{unmet} points were not met:\n{}", self.unmet.join("\n"));
    }
}

fn what(meanwhile: ConcurrentEvent) -> String {
    if meanwhile == ConcurrentEvent::Nothing { ", nothing".into() } else { meanwhile.to_string() }
}

#[expect(clippy::print_stdout, reason = "the table is for people")]
pub(super) fn say(line: &str) {
    println!("crash matrix: {line}");
}
