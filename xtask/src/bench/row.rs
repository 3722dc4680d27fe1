//! A row of the table of results.

use serde::{Deserialize, Serialize};

/// The unit of the values of a row.
#[derive(Clone, Copy, Deserialize, PartialEq, Eq, Serialize)]
pub enum Unit {
    Seconds,
    Milliseconds,
    Mebibytes,
    /// Share of one core.
    Percent,
    /// A number of things.
    Count,
}

impl Unit {
    /// Returns the symbol after a value.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Seconds => " s",
            Self::Milliseconds => " ms",
            Self::Mebibytes => " MiB",
            Self::Percent => " %",
            Self::Count => "",
        }
    }
}

/// A quantity that was measured, once or more often.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// The quantity, as it stands in the table.
    pub what: String,
    /// The unit of all numbers.
    pub unit: Unit,
    /// All measured values.
    pub values: Vec<f64>,
    /// The largest median that meets the budget of the project.
    pub floor: Option<f64>,
    /// The largest 99th percentile that meets it.
    pub floor_of_p99: Option<f64>,
    /// The value that no implementation can be below.
    pub bound: Option<f64>,
}

impl Row {
    /// Returns a row without a floor and a bound.
    pub fn new(what: impl Into<String>, unit: Unit, values: Vec<f64>) -> Self {
        assert!(!values.is_empty(), "a row has a value");
        Self { what: what.into(), unit, values, floor: None, floor_of_p99: None, bound: None }
    }

    /// Returns a row with one value.
    pub fn single(what: impl Into<String>, unit: Unit, value: f64) -> Self {
        Self::new(what, unit, vec![value])
    }

    /// Returns a row with one number.
    pub fn count(what: impl Into<String>, count: usize) -> Self {
        Self::counts(what, vec![count])
    }

    /// Returns a row with numbers.
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    pub fn counts(what: impl Into<String>, counts: Vec<usize>) -> Self {
        Self::new(what, Unit::Count, counts.into_iter().map(|count| count as f64).collect())
    }

    pub fn with_floor(self, floor: f64) -> Self {
        Self { floor: Some(floor), ..self }
    }

    pub fn with_floor_of_p99(self, floor: f64) -> Self {
        Self { floor_of_p99: Some(floor), ..self }
    }

    pub fn with_bound(self, bound: f64) -> Self {
        Self { bound: Some(bound), ..self }
    }

    /// Returns the median.
    pub fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    /// Returns the value at a quantile, by the nearest rank: it is one of the measured values.
    pub fn quantile(&self, quantile: f64) -> f64 {
        let mut sorted = self.values.clone();
        sorted.sort_by(f64::total_cmp);
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a rank"
        )]
        let rank = (quantile * sorted.len() as f64).ceil() as usize;
        sorted[rank.clamp(1, sorted.len()) - 1]
    }

    /// Returns true if the floors are met; none without a floor.
    pub fn is_met(&self) -> Option<bool> {
        let median = self.floor.map(|floor| self.median() <= floor);
        let p99 = self.floor_of_p99.map(|floor| self.quantile(0.99) <= floor);
        match (median, p99) {
            (None, None) => None,
            (median, p99) => Some(median.unwrap_or(true) && p99.unwrap_or(true)),
        }
    }
}

/// Returns bytes in MiB.
#[expect(clippy::cast_precision_loss, reason = "a few digits are shown")]
pub fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / (1024.0 * 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_a_measured_value_by_its_nearest_rank() {
        let row = Row::new("", Unit::Count, (1..=100).rev().map(f64::from).collect());
        let found = [0.0, 0.5, 0.99, 1.0].map(|quantile| row.quantile(quantile).to_string());
        assert_eq!(found, ["1", "50", "99", "100"]);
        assert_eq!(Row::single("", Unit::Count, 7.0).quantile(0.99).to_string(), "7");
    }

    #[test]
    fn a_row_meets_its_floors_if_median_and_p99_do() {
        let row = || Row::new("", Unit::Count, vec![1.0, 1.0, 9.0]);
        assert_eq!(row().is_met(), None);
        assert_eq!(row().with_floor(1.0).is_met(), Some(true));
        assert_eq!(row().with_floor(1.0).with_floor_of_p99(8.0).is_met(), Some(false));
        assert_eq!(row().with_floor(0.5).is_met(), Some(false));
    }
}
