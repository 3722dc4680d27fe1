//! Findings: the defects of a document, described so that its owner can fix them.

use std::fmt;

use crate::domain::reason::Reason;

/// One defect. Never contains a value of the document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The reason that names the violated rule.
    pub reason: Reason,
    /// The JSON path of the defect, such as `$.uaa.clientid`.
    pub path: &'static str,
    /// A description of the found value, never the value itself.
    pub found: String,
    /// A description of the expected value.
    pub expected: String,
    /// The next step for the user.
    pub remedy: &'static str,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: found {}, expected {}; {}", self.path, self.found, self.expected, self.remedy)
    }
}

/// All defects of a document: at least one finding, in the order of SAP's rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Findings {
    first: Finding,
    more: Vec<Finding>,
}

impl Findings {
    /// Returns the findings in `all`, or `None` if there are none.
    #[must_use]
    pub fn from_vec(all: Vec<Finding>) -> Option<Self> {
        let mut all = all.into_iter();
        let first = all.next()?;
        Some(Self { first, more: all.collect() })
    }

    /// Returns the reason of the first finding, which becomes the reason of the `Valid` condition.
    #[must_use]
    pub fn reason(&self) -> Reason {
        self.first.reason
    }

    /// Returns all findings in order.
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
