//! Durations in the notation of the Gateway API (GEP-2257): `90s`, `15m`, `1h30m`.

use std::fmt::{self, Display};

use serde::{Deserialize, Serialize, Serializer};

/// A non-negative duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Duration(kube::core::Duration);

impl Duration {
    /// Converts to the standard library's type. The schema admits no negative duration.
    #[must_use]
    pub fn to_std(self) -> std::time::Duration {
        self.0.into()
    }
}

impl From<std::time::Duration> for Duration {
    fn from(duration: std::time::Duration) -> Self {
        Self(duration.into())
    }
}

/// Writes the notation that the schema admits: kube's own would contain fractions and `0ns`.
impl Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = self.to_std();
        let (seconds, milliseconds) = (all.as_secs(), u64::from(all.subsec_millis()));
        let parts = [(seconds / 3600, "h"), (seconds / 60 % 60, "m"), (seconds % 60, "s"), (milliseconds, "ms")];
        if parts.iter().all(|(number, _)| *number == 0) {
            return f.write_str("0s");
        }
        parts.iter().filter(|(number, _)| *number > 0).try_for_each(|(number, unit)| write!(f, "{number}{unit}"))
    }
}

impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_written_in_the_notation_that_the_schema_admits() {
        for (read, written) in
            [("0s", "0s"), ("90s", "1m30s"), ("1500ms", "1s500ms"), ("24h", "24h"), ("0h10m", "10m"), ("720h", "720h")]
        {
            let duration: Duration = serde_json::from_value(read.into()).expect("a duration");
            assert_eq!(serde_json::to_value(duration).expect("JSON"), written, "{read}");
        }
    }
}
