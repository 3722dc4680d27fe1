//! The comparison of the rights that were used with those that are declared.

use std::collections::{BTreeMap, BTreeSet};

use super::requests::{Gap, Outcome, Request};
use super::right::{Mode, Right};

/// The one test that removes rights from the `ClusterRole`, and the resource that all of them are about.
const TAKES_A_RIGHT_AWAY: (&str, &str) = ("scenarios::security::rights::a_forbidden_read_is_not_an_absence", "secrets");

/// The result of the comparison for one mode.
#[derive(Debug, Default)]
pub struct Verdict {
    /// Each declared right, with the number of requests that it allowed.
    pub used: BTreeMap<Right, usize>,
    /// Findings, a line each.
    pub wrong: BTreeSet<String>,
    /// The number of denials.
    pub denied: usize,
    /// Denials that do not count, because a test had removed the right, by reason and test.
    pub set_aside: BTreeMap<String, usize>,
}

impl Verdict {
    /// Compares the declared rights with these requests.
    #[must_use]
    pub fn of(declared: BTreeSet<Right>, requests: &[Request]) -> Self {
        let mut verdict = Self { used: declared.into_iter().map(|right| (right, 0)).collect(), ..Self::default() };
        for request in requests {
            verdict.add(request);
        }
        verdict
    }

    fn add(&mut self, request: &Request) {
        let Request { test, told: text, outcome } = request;
        match outcome {
            Outcome::Allowed { right } => self.count(right, test),
            Outcome::Outside(reason) => self.add_finding(format!("outside the table: {text}, {reason} ({test})")),
            Outcome::Denied { right, gaps } => {
                if let Some(excuse) = gaps.iter().find_map(|gap| self.excuse(right, *gap, test)) {
                    return self.set_aside(excuse, test);
                }
                self.denied += 1;
                self.add_finding(format!("denied: {text} ({test})"));
            }
            Outcome::Terminating => self.set_aside("Events in a namespace that is being deleted", test),
            Outcome::Unclear(what) => self.add_finding(format!("unclear: {text}, {what} ({test})")),
        }
    }

    /// Returns why a denial does not count: the right is declared, and a test had removed it.
    fn excuse(&self, right: &Right, gap: Gap, test: &str) -> Option<&'static str> {
        let is_same = |declared: &&Right| {
            (&declared.group, &declared.resource, &declared.verb) == (&right.group, &right.resource, &right.verb)
                && (declared.name.is_empty() || declared.name == right.name)
        };
        let mut declared = self.used.keys().filter(is_same);
        match gap {
            Gap::Withdrawn if declared.any(|declared| declared.place == right.place) => {
                Some("the RoleBinding there had been deleted")
            }
            Gap::Changed if (test, right.resource.as_str()) == TAKES_A_RIGHT_AWAY && declared.next().is_some() => {
                Some("the ClusterRole had been changed")
            }
            Gap::ComingUp if declared.next().is_some() => {
                Some("the API server was starting and had not read its roles")
            }
            _ => None,
        }
    }

    /// Counts a request. A right that is limited to a name is used only by requests for that object.
    fn count(&mut self, right: &Right, test: &str) {
        let unlimited = Right { name: String::new(), ..right.clone() };
        let key = [right, &unlimited].into_iter().find(|right| self.used.contains_key(right));
        match key {
            Some(key) => *self.used.entry(key.clone()).or_default() += 1,
            None => self.add_finding(format!("outside the table: {right} ({test})")),
        }
    }

    fn add_finding(&mut self, what: String) {
        self.wrong.insert(what);
    }

    fn set_aside(&mut self, what: &str, test: &str) {
        *self.set_aside.entry(format!("{what}: {test}")).or_default() += 1;
    }

    /// Returns the rights that no request needed.
    pub fn unused(&self) -> impl Iterator<Item = &Right> {
        self.used.iter().filter(|(_, count)| **count == 0).map(|(right, _)| right)
    }

    /// Returns true if used and declared rights are the same, and nothing was denied.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.wrong.is_empty() && self.unused().next().is_none()
    }

    /// Returns the summary, one line.
    #[must_use]
    pub fn summary(&self, mode: Mode) -> String {
        let declared = self.used.len();
        let used = declared - self.unused().count();
        format!("{} {declared} verbs declared, {used} used, {} denied", mode.name(), self.denied)
    }
}

/// Returns a table of all rights with the number of requests that each allowed, and all findings below it.
#[must_use]
pub fn table(verdicts: &[(Mode, Verdict)]) -> String {
    let rights: BTreeSet<&Right> = verdicts.iter().flat_map(|(_, verdict)| verdict.used.keys()).collect();
    let mut lines: Vec<String> = Vec::new();
    let row = |cells: &[String], last: &str| {
        let cells: Vec<_> = cells.iter().map(|cell| format!("{cell:>17}")).collect();
        format!("{}  {last}", cells.concat())
    };
    let heads: Vec<_> = verdicts.iter().map(|(mode, _)| mode.name().to_owned()).collect();
    lines.push(row(&heads, "right"));
    for right in rights {
        let cell = |verdict: &Verdict| verdict.used.get(right).map_or_else(|| "–".into(), ToString::to_string);
        let cells: Vec<_> = verdicts.iter().map(|(_, verdict)| cell(verdict)).collect();
        lines.push(row(&cells, &right.to_string()));
    }
    for (mode, verdict) in verdicts {
        let mode = mode.name();
        lines.extend(verdict.set_aside.iter().map(|(what, count)| format!("{mode}: set aside, {count} of {what}")));
        lines.extend(verdict.unused().map(|right| format!("{mode}: WRONG, no scenario uses: {right}")));
        lines.extend(verdict.wrong.iter().map(|what| format!("{mode}: WRONG, {what}")));
    }
    lines.join("\n")
}
