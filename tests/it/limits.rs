//! `docs/limits.md` tells each limit of the code with its value, and forgets none.

use std::collections::BTreeMap;
use std::fs;

use super::house::{code, sources};
use crate::world::cluster::package;

/// Numbers that limit nothing, and why.
const NO_LIMITS: [(&str, &str); 5] = [
    ("cli UNUSABLE", "an exit code"),
    ("controller UNBOUNDED", "of the queue: what runs is bounded by controller/service_key/reconcile CONCURRENCY"),
    ("process/leadership/guard WAITING", "a line in kube's own client: who finds it full waits"),
    ("sign_in/transport LONGEST_CAUSE", "of a part of a message, which is bounded as a whole"),
    ("landscape/http/slot ROOM_FOR_THE_OWNER", "memory that is taken beforehand"),
];

/// What the page says: each constant and the cell with its value, which stands before it.
fn documented() -> BTreeMap<String, String> {
    let page = fs::read_to_string(package().join("docs/limits.md")).expect("the page");
    let mut all = BTreeMap::new();
    for row in page.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        if let [_, value, constant, ..] = cells[..]
            && constant.starts_with('`')
        {
            assert!(all.insert(constant.trim_matches('`').into(), value.into()).is_none(), "{constant} stands twice");
        }
    }
    all
}

/// The constants of the code that are numbers or durations, as `file NAME`, with their values as the page writes them.
fn constants() -> BTreeMap<String, String> {
    let root = package().join("src");
    let mut all = BTreeMap::new();
    for file in sources(&root) {
        let path = file.strip_prefix(&root).expect("below the root").with_extension("").display().to_string();
        let path = path.trim_end_matches("/mod");
        if path.starts_with("bin/") {
            continue;
        }
        let text = fs::read_to_string(&file).expect("a source file");
        for (_, line) in code(&text).filter(|(_, line)| !line.starts_with(' ')) {
            let Some((name, (kind, value))) = line
                .split_once("const ")
                .and_then(|(_, rest)| rest.split_once(": "))
                .and_then(|(name, rest)| Some((name, rest.split_once(" = ")?)))
            else {
                continue;
            };
            if ["usize", "u8", "u16", "u32", "u64", "Duration"].contains(&kind) {
                all.insert(format!("{path} {name}"), told(value.trim_end_matches(';')));
            }
        }
    }
    all
}

/// A value as a person writes it.
fn told(expression: &str) -> String {
    for (made_from, unit) in [("millis", "ms"), ("secs", "s"), ("mins", "min"), ("hours", "h")] {
        if let Some(number) = expression.strip_prefix(&format!("Duration::from_{made_from}(")) {
            return format!("{} {unit}", number.trim_end_matches(')'));
        }
    }
    for (factor, unit) in [(" * 1024 * 1024", "MiB"), (" * 1024", "KiB")] {
        if let Some(number) = expression.strip_suffix(factor) {
            return format!("{number} {unit}");
        }
    }
    expression.replace('_', ",")
}

#[test]
fn the_page_of_limits_has_every_limit_of_the_code_with_its_value_and_no_other() {
    let (mut documented, constants) = (documented(), constants());
    let mut wrong = Vec::new();
    for (constant, value) in &constants {
        match documented.remove(constant) {
            Some(cell) if cell == *value || cell.starts_with(&format!("{value} ")) => {}
            Some(cell) => wrong.push(format!("{constant} is {value}, and not {cell}")),
            None if NO_LIMITS.iter().any(|(name, _)| name == constant) => {}
            None => wrong.push(format!("{constant} ({value}) is not there")),
        }
    }
    wrong.extend(documented.keys().map(|constant| format!("there is no {constant}")));
    wrong.extend(
        NO_LIMITS.iter().filter(|(name, _)| !constants.contains_key(*name)).map(|(name, _)| format!("no {name}")),
    );
    assert!(wrong.is_empty(), "docs/limits.md:\n{}", wrong.join("\n"));
}
