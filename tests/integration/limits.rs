//! `docs/limits.md` tells each limit of the code with its value, and forgets none.

use std::collections::BTreeMap;
use std::fs;

use super::architecture::{code, sources};
use testkit::bed::cluster::package;

/// Types whose values limit nothing, without the length of an array. One that is not among them may.
const NO_NUMBERS: [&str; 8] =
    ["&str", "&[u8]", "[&str]", "[Self]", "&'static [Self]", "[Reason]", "[Ipv4Addr]", "[Ipv6Addr]"];

/// Numbers that limit nothing, and why.
const NO_LIMITS: [(&str, &str); 6] = [
    ("cli UNUSABLE", "an exit code"),
    ("controller UNBOUNDED", "of the queue: what runs is bounded by controller/context CONCURRENCY"),
    ("process/leadership/guard WAITING", "a line in kube's own client: who finds it full waits"),
    ("http/client MAX_CAUSE_CHARS", "of a part of a message, which is bounded as a whole"),
    ("landscape/http/slot OWNER_RESERVE_BYTES", "memory that is taken beforehand"),
    ("process/metrics BUCKETS", "the classes that durations are counted in"),
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

/// The constants of the code that may limit something, as `file NAME`, with their values as the page writes them.
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
        all.extend(code(&text).filter_map(|(_, line)| {
            let (name, value) = limit(line)?;
            Some((format!("{path} {name}"), told(value)))
        }));
    }
    all
}

/// Name and value of the constant that is declared in a line, if it may limit something. Where it stands does not matter.
fn limit(line: &str) -> Option<(&str, &str)> {
    let (before, declared) = line.split_once("const ").or_else(|| line.split_once("static "))?;
    let (name, rest) = declared.trim_start_matches("mut ").split_once(": ")?;
    let (kind, value) = rest.split_once(" =")?;
    let is_visibility = before.trim().is_empty() || before.trim().starts_with("pub");
    let is_name = name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
    // `[T; N]` is `[T]`.
    let (element, end) = kind.split_once("; ").map_or((kind, ""), |(element, _)| (element, "]"));
    let is_number = !NO_NUMBERS.contains(&format!("{element}{end}").as_str());
    (is_visibility && is_name && is_number).then(|| (name, value.trim().trim_end_matches(';')))
}

/// A value as a person writes it.
fn told(expression: &str) -> String {
    if let Some((burst, period)) =
        expression.strip_prefix("Rate { burst: ").and_then(|rate| rate.split_once(", period: "))
    {
        return format!("{burst}, then one in {}", told(period.trim_end_matches(" }")));
    }
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
    expression.trim_matches(['[', ']']).replace('_', ",")
}

#[test]
fn a_constant_of_whatever_type_may_limit_something_unless_that_type_is_known_to_have_no_number() {
    for (line, expected) in [
        ("const A: usize = 4_096;", Some(("A", "4_096"))),
        ("    pub(crate) const A: Rate = Rate { burst: 3 };", Some(("A", "Rate { burst: 3 }"))),
        ("static A: AtomicUsize = AtomicUsize::new(1);", Some(("A", "AtomicUsize::new(1)"))),
        ("const A: [f64; 2] = [0.0, 1.0];", Some(("A", "[0.0, 1.0]"))),
        ("const A: Bounds =", Some(("A", ""))),
        ("const A: [&str; 2] = [\"a\", \"b\"];", None),
        ("const A: &str = \"a\";", None),
        ("    const ALL: [Self; 2] = [Self::A, Self::B];", None),
        ("type A<const N: usize> = [u8; N];", None),
        ("pub const fn a(b: usize) -> usize {", None),
    ] {
        assert_eq!(limit(line), expected, "{line}");
    }
    assert_eq!(told("Rate { burst: 3, period: Duration::from_secs(10) }"), "3, then one in 10 s");
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
