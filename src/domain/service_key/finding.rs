//! What is wrong with a document, said so that its owner can mend it.

use std::fmt;

use crate::domain::reason::Reason;

/// One thing that is wrong. Never holds a value of the document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule that it breaks.
    pub reason: Reason,
    /// JSON path of the place, such as `$.uaa.clientid`.
    pub path: &'static str,
    /// What was found there: a kind of thing, not its value.
    pub found: String,
    /// What was expected there.
    pub expected: String,
    /// What to do next.
    pub remedy: &'static str,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: found {}, expected {}; {}", self.path, self.found, self.expected, self.remedy)
    }
}

/// All that is wrong with a document: at least one finding, in the order of SAP's rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Findings {
    first: Finding,
    more: Vec<Finding>,
}

impl Findings {
    /// The findings in `all`, or none if it is empty.
    #[must_use]
    pub fn from_vec(all: Vec<Finding>) -> Option<Self> {
        let mut all = all.into_iter();
        let first = all.next()?;
        Some(Self { first, more: all.collect() })
    }

    /// The reason of the first finding: what the `Valid` condition says in one word.
    #[must_use]
    pub fn reason(&self) -> Reason {
        self.first.reason
    }

    /// All findings in order.
    pub fn iter(&self) -> impl Iterator<Item = &Finding> {
        std::iter::once(&self.first).chain(&self.more)
    }
}

impl From<Finding> for Findings {
    fn from(first: Finding) -> Self {
        Self { first, more: Vec::new() }
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.first)?;
        for finding in &self.more {
            write!(f, ". {finding}")?;
        }
        Ok(())
    }
}
