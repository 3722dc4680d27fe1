//! The table of `docs/rights.md`.

use std::collections::BTreeSet;

use super::right::{Mode, Place, Right};
use crate::workspace::root;

/// The head of the table.
const HEAD: &str = "| role | API group | resource | name | verbs | all namespaces | single namespaces | why |";

/// Returns all rights that are declared for a mode.
///
/// # Panics
/// The page or a row of its table cannot be read.
#[must_use]
pub fn of(mode: Mode) -> BTreeSet<Right> {
    let page = root().join("docs/rights.md");
    let text = std::fs::read_to_string(page).expect("docs/rights.md");
    parse(&text, mode)
}

/// Returns the rights that a table declares for a mode.
///
/// # Panics
/// A row cannot be read.
#[must_use]
pub fn parse(text: &str, mode: Mode) -> BTreeSet<Right> {
    let rows = text.lines().skip_while(|line| *line != HEAD).skip(2).take_while(|line| line.starts_with('|'));
    let mut rights = BTreeSet::new();
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [role, group, resource, name, verbs, everywhere, single, why] = cells[..] else {
            panic!("docs/rights.md: a row has {} cells instead of 8: {row}", cells.len());
        };
        assert!(!why.is_empty(), "docs/rights.md: the reason is missing: {row}");
        let place = match mode {
            Mode::ClusterWide => everywhere,
            Mode::NamespaceScoped => single,
        };
        let place = match place {
            "–" => continue,
            "cluster" => Place::Cluster,
            "own namespace" => Place::OwnNamespace,
            "each served namespace" => Place::ServedNamespaces,
            other => panic!("docs/rights.md: {other:?} is not a place: {row}"),
        };
        for verb in verbs.split(", ") {
            let right = Right {
                role: quoted(role),
                place,
                group: if group == "core" { String::new() } else { quoted(group) },
                resource: quoted(resource),
                name: if name == "any" { String::new() } else { quoted(name) },
                verb: quoted(verb),
            };
            assert!(rights.insert(right), "docs/rights.md: declared twice: {verb} of {row}");
        }
    }
    rights
}

fn quoted(cell: &str) -> String {
    let inner = cell.strip_prefix('`').and_then(|rest| rest.strip_suffix('`'));
    inner.unwrap_or_else(|| panic!("docs/rights.md: {cell:?} should be in backticks")).to_owned()
}
