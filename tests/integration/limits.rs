//! The limits that users meet: each constant that `docs/limits.md` names exists in the code with the value on the page.
//!
//! Other constants need no row. `traceability.rs` asks for a test of each listed limit.

use std::fs;

use testkit::bed::cluster::package;

/// Returns the rows of the page that name a constant: the constant as `path NAME`, and the cell with its value.
fn listed_limits() -> Vec<(String, String)> {
    let page = fs::read_to_string(package().join("docs/limits.md")).expect("docs/limits.md");
    let rows = page.lines().filter(|line| line.starts_with("| "));
    let cells = rows.map(|row| row.trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>());
    let constants = cells.filter(|cells| cells.get(2).is_some_and(|constant| constant.starts_with('`')));
    constants.map(|cells| (cells[2].trim_matches('`').to_owned(), cells[1].to_owned())).collect()
}

/// Reads the value of a constant from the code, as the page writes it. The path is that of a file or folder below `src/`.
fn value_in_code(constant: &str) -> Option<String> {
    let (path, name) = constant.split_once(' ')?;
    let source = package().join("src").join(path);
    let text =
        [source.with_extension("rs"), source.join("mod.rs")].iter().find_map(|file| fs::read_to_string(file).ok())?;
    value_in(&text, name)
}

/// Reads the value of a constant from the text of a file.
fn value_in(text: &str, name: &str) -> Option<String> {
    let (_, declaration) = text.split_once(&format!("const {name}: "))?;
    let (_, value) = declaration.split_once(" =")?;
    let (value, _) = value.split_once(";\n")?;
    Some(in_words(&value.split_whitespace().collect::<Vec<_>>().join(" ")))
}

/// Returns an expression as the page writes it: with a unit, and a rate as a burst and a period.
fn in_words(expression: &str) -> String {
    if let Some(rate) = expression.strip_prefix("Rate { burst: ")
        && let Some((burst, period)) = rate.split_once(", period: ")
    {
        return format!("{burst}, then one in {}", in_words(period.trim_end_matches(" }")));
    }
    for (constructor, unit) in [("millis", "ms"), ("secs", "s"), ("mins", "min"), ("hours", "h")] {
        if let Some(number) = expression.strip_prefix(&format!("Duration::from_{constructor}(")) {
            return format!("{} {unit}", number.trim_end_matches(')'));
        }
    }
    for (factor, unit) in [(" * 1024 * 1024", "MiB"), (" * 1024", "KiB")] {
        if let Some(number) = expression.strip_suffix(factor) {
            return format!("{number} {unit}");
        }
    }
    expression.trim_matches(['[', ']']).replace('_', "")
}

/// Returns true if a cell begins with the value, followed by nothing or by its unit or condition.
fn states(cell: &str, value: &str) -> bool {
    cell.strip_prefix(value).is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', ',']))
}

#[test]
fn each_limit_in_docs_limits_is_a_constant_with_that_value() {
    let limits = listed_limits();
    assert!(limits.len() > 20, "docs/limits.md has only {} limits", limits.len());
    let wrong = limits.iter().filter_map(|(constant, cell)| match value_in_code(constant) {
        None => Some(format!("the code has no constant `{constant}`")),
        Some(value) if states(cell, &value) => None,
        Some(value) => Some(format!("`{constant}` is {value}, but the page says {cell}")),
    });
    let wrong: Vec<_> = wrong.collect();
    assert!(wrong.is_empty(), "docs/limits.md:\n{}", wrong.join("\n"));
}

#[test]
fn values_are_read_in_the_form_of_the_page_and_another_value_is_noticed() {
    for (declaration, expected) in [
        ("const A: usize = 4_096;\n", "4096"),
        ("pub const A: u64 = 64 * 1024;\n", "64 KiB"),
        ("    pub(crate) const A: Duration = Duration::from_mins(5);\n", "5 min"),
        ("const A: [f64; 2] = [0.0, 1.0];\n", "0.0, 1.0"),
        ("const A: Rate =\n    Rate { burst: 3, period: Duration::from_secs(10) };\n", "3, then one in 10 s"),
    ] {
        assert_eq!(value_in(declaration, "A").as_deref(), Some(expected), "{declaration}");
    }
    assert_eq!(value_in("const AB: usize = 1;\n", "A"), None);
    assert!(states("253 characters", "253") && !states("2530", "253") && !states("2 s", "253"));
}
