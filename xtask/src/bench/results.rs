//! The results: kept as JSON, and as the table of `docs/benchmarks.md`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use xtask::workspace::root;

use super::row::Row;
use crate::error::Error;

/// The lines of the page between which the table is.
const MARKS: [&str; 2] = ["<!-- Written by `make bench` -->", "<!-- End of the table -->"];
const HEAD: &str = "| what | floor | median | p99 | lowest to highest (number) | bound | median ÷ bound | met |\n\
                    |---|---|---|---|---|---|---|---|\n";

/// The last run of each benchmark, by its name.
#[derive(Default, Deserialize, Serialize)]
pub struct Results(BTreeMap<String, Run>);

/// A run of one benchmark.
#[derive(Deserialize, Serialize)]
pub struct Run {
    /// The commit that was measured.
    pub commit: String,
    /// The processor and the number of its cores.
    pub machine: String,
    /// The duration of the benchmark, in seconds.
    pub duration: u64,
    /// The measured rows.
    pub rows: Vec<Row>,
}

impl Results {
    /// Reads the results of earlier runs.
    pub fn read() -> Result<Self, Error> {
        let file = json();
        if !file.exists() {
            return Ok(Self::default());
        }
        let text = fs::read_to_string(&file).map_err(Error::file(&file))?;
        serde_json::from_str(&text).map_err(|error| Error::Finding(format!("{}: {error}", file.display())))
    }

    /// Replaces the results of one benchmark.
    pub fn replace(&mut self, name: &str, run: Run) {
        self.0.insert(name.to_owned(), run);
    }

    /// Writes JSON and page.
    pub fn write(&self) -> Result<(), Error> {
        let text = serde_json::to_string_pretty(self).expect("results are JSON") + "\n";
        fs::write(json(), text).map_err(Error::file(&json()))?;
        let page = root().join("docs/benchmarks.md");
        let text = fs::read_to_string(&page).map_err(Error::file(&page))?;
        let parts = text.split_once(MARKS[0]).and_then(|(before, rest)| Some((before, rest.split_once(MARKS[1])?.1)));
        let (before, after) = parts.ok_or_else(|| Error::Finding(format!("{} has no table", page.display())))?;
        let text = format!("{before}{}\n\n{}{}{after}", MARKS[0], self.tables(), MARKS[1]);
        fs::write(&page, text).map_err(Error::file(&page))
    }

    fn tables(&self) -> String {
        self.0.iter().fold(String::new(), |mut text, (name, Run { commit, machine, duration, rows })| {
            let _ = write!(text, "### `{name}`\n\nCommit {commit}, {machine}, {duration} s.\n\n{HEAD}");
            text.extend(rows.iter().map(line));
            text + "\n"
        })
    }
}

fn json() -> PathBuf {
    root().join("docs/benchmarks.json")
}

/// Returns the line of a row.
pub fn line(row: &Row) -> String {
    let symbol = row.unit.symbol();
    let shown = |value: f64| format!("{}{symbol}", rounded(value));
    let optional = |value: Option<f64>| value.map(shown).unwrap_or_default();
    let repeated = |text: String| if row.values.len() > 1 { text } else { String::new() };
    let floor = match (row.floor, row.floor_of_p99) {
        (floor, None) => optional(floor),
        (floor, Some(p99)) => format!("{}, p99 {}", optional(floor), shown(p99)),
    };
    let ratio = row.bound.map(|bound| rounded(row.median() / bound)).unwrap_or_default();
    let met = row.is_met().map_or("", |met| if met { "yes" } else { "**no**" });
    format!(
        "| {} | {floor} | {} | {} | {} | {} | {ratio} | {met} |\n",
        row.what,
        shown(row.median()),
        repeated(shown(row.quantile(0.99))),
        repeated(format!("{} to {} ({})", rounded(row.quantile(0.0)), shown(row.quantile(1.0)), row.values.len())),
        optional(row.bound),
    )
}

/// Returns a number with three significant digits, or all digits before the point.
fn rounded(value: f64) -> String {
    match value.abs() {
        size if size.fract() == 0.0 => format!("{value:.0}"),
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::row::Unit;
    use super::*;

    #[test]
    fn the_line_of_a_row_shows_what_was_measured_beside_floor_and_bound() {
        let row = Row::new("a rotation", Unit::Milliseconds, vec![110.0, 120.0, 1234.5]);
        let row = row.with_floor(120.0).with_floor_of_p99(1000.0).with_bound(100.0);
        let expected =
            "| a rotation | 120 ms, p99 1000 ms | 120 ms | 1234 ms | 110 to 1234 ms (3) | 100 ms | 1.20 | **no** |\n";
        assert_eq!(line(&row), expected);
        let row = Row::single("memory", Unit::Mebibytes, 1.234);
        assert_eq!(line(&row), "| memory |  | 1.23 MiB |  |  |  |  |  |\n");
    }
}
