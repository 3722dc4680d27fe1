//! Tables of the documentation, which tests compare with the code.

use std::fs;

use testkit::bed::cluster::package;
use testkit::monitoring::METRIC_PREFIXES;

/// Returns the cells of the table rows of a page whose first cell is code that begins with `prefix`.
pub(crate) fn rows(page: &str, prefix: &str) -> Vec<Vec<String>> {
    let text = fs::read_to_string(package().join("docs").join(page)).expect("the page");
    let rows = text.lines().filter(|line| line.starts_with(&format!("| `{prefix}")));
    rows.map(|row| row.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect()).collect()
}

/// Returns the rows of the table of metrics: name, type, unit, labels, meaning, use.
pub(crate) fn metrics() -> Vec<Vec<String>> {
    METRIC_PREFIXES.iter().flat_map(|prefix| rows("metrics.md", prefix)).collect()
}
