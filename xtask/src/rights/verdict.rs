//! Whether what was asked for is what is declared.

use std::collections::{BTreeMap, BTreeSet};

use super::requests::{Gap, Outcome, Request};
use super::{Mode, Right};

/// Changes the very `ClusterRole`, to see what a refusal is taken for: all that it gives on Secrets is taken from it.
const TAKES_A_RIGHT_AWAY: (&str, &str) =
    ("scenarios::security::rights::a_forbidden_read_is_not_an_absence", "secrets");

/// How what is declared for a mode and what was asked for fit together.
#[derive(Debug, Default)]
pub struct Verdict {
    /// How many requests each declared right let through.
    pub used: BTreeMap<Right, usize>,
    /// What is wrong, a line each.
    pub wrong: BTreeSet<String>,
    /// Denials.
    pub denied: usize,
    /// Denials that do not count, by what they are and where: somebody had taken the right away.
    pub set_aside: BTreeMap<String, usize>,
}

impl Verdict {
    /// Of these requests.
    pub fn of(declared: BTreeSet<Right>, requests: &[Request]) -> Self {
        let mut verdict = Self { used: declared.into_iter().map(|right| (right, 0)).collect(), ..Self::default() };
        for request in requests {
            verdict.add(request);
        }
        verdict
    }

    fn add(&mut self, request: &Request) {
        let Request { test, told, outcome } = request;
        match outcome {
            Outcome::Allowed { right } => self.count(right, test),
            Outcome::Outside(reason) => self.wrong(format!("outside the table: {told}, {reason} ({test})")),
            Outcome::Denied { right, gaps } => {
                if let Some(excuse) = gaps.iter().find_map(|gap| self.excuse(right, *gap, test)) {
                    return self.set_aside(excuse, test);
                }
                self.denied += 1;
                self.wrong(format!("denied: {told} ({test})"));
            }
            Outcome::Terminating => self.set_aside("Events in a namespace that is being deleted", test),
            Outcome::Unclear(what) => self.wrong(format!("unclear: {told}, {what} ({test})")),
        }
    }

    /// Why a denial does not count: the right is declared, and somebody had taken just this one away.
    fn excuse(&self, right: &Right, gap: Gap, test: &str) -> Option<&'static str> {
        let same = |declared: &&Right| {
            (&declared.group, &declared.resource, &declared.verb) == (&right.group, &right.resource, &right.verb)
                && (declared.name.is_empty() || declared.name == right.name)
        };
        let mut declared = self.used.keys().filter(same);
        match gap {
            Gap::Withdrawn if declared.any(|declared| declared.place == right.place) => {
                Some("the RoleBinding there had been deleted")
            }
            Gap::Changed if (test, right.resource.as_str()) == TAKES_A_RIGHT_AWAY && declared.next().is_some() => {
                Some("the ClusterRole had been changed")
            }
            Gap::ComingUp if declared.next().is_some() => {
                Some("the API server was coming up and had not read its roles")
            }
            _ => None,
        }
    }

    /// A right that is limited to a name is used by requests for that object alone.
    fn count(&mut self, right: &Right, test: &str) {
        let whole = Right { name: String::new(), ..right.clone() };
        let key = [right, &whole].into_iter().find(|right| self.used.contains_key(right));
        match key {
            Some(key) => *self.used.entry(key.clone()).or_default() += 1,
            None => self.wrong(format!("outside the table: {right} ({test})")),
        }
    }

    fn wrong(&mut self, what: String) {
        self.wrong.insert(what);
    }

    fn set_aside(&mut self, what: &str, test: &str) {
        *self.set_aside.entry(format!("{what}: {test}")).or_default() += 1;
    }

    /// Rights that no request needed.
    pub fn unused(&self) -> impl Iterator<Item = &Right> {
        self.used.iter().filter(|(_, count)| **count == 0).map(|(right, _)| right)
    }

    /// Whether declared and used are the same, and nothing was denied.
    pub fn is_clean(&self) -> bool {
        self.wrong.is_empty() && self.unused().next().is_none()
    }

    /// One line.
    pub fn summary(&self, mode: Mode) -> String {
        let declared = self.used.len();
        let used = declared - self.unused().count();
        format!("{} {declared} verbs declared, {used} used, {} denied", mode.name(), self.denied)
    }
}

/// All rights with the number of requests that each let through, and whatever is wrong.
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
