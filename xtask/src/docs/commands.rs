//! Every documented command, and the test that runs it.

use std::fmt::Write as _;

use testkit::documented::{Page, Typed};

use super::runs::Run;

/// A command that no test runs, with the reason.
#[derive(Debug)]
pub struct Exception {
    /// The page and the anchor of the command.
    pub place: &'static str,
    /// The beginning of the command.
    pub command: &'static str,
    /// The reason why no test can run it.
    pub reason: &'static str,
}

/// The commands that no test runs.
pub const EXCEPTIONS: [Exception; 6] = [
    Exception { place: "README.md#alm-key-operator", command: "make test", reason: "runs all tests, and so this list" },
    Exception {
        place: "docs/rights.md#see-for-yourself",
        command: "cargo xtask audit",
        reason: "runs all tests; `make prove` runs it",
    },
    Exception { place: "docs/image.md#the-image", command: "make image", reason: "`make prove` runs it" },
    Exception { place: "docs/image.md#the-image", command: "skopeo copy", reason: "needs a registry" },
    Exception {
        place: "docs/image.md#with-a-container-engine",
        command: "docker buildx build",
        reason: "needs a container engine",
    },
    Exception {
        place: "docs/sources.md#sealed-secrets",
        command: "kubectl create secret generic calm -n team-a --from-file=key.json --dry-run=client -o yaml | kubeseal",
        reason: "kubeseal needs a controller of Sealed Secrets in the cluster",
    },
];

/// A documented command with the tests that run it.
pub struct Row {
    /// The page and the anchor of the command.
    pub place: String,
    /// The command line.
    pub line: String,
    /// The tests that run it, as `file: test`; or the reason why none does.
    pub run_by: Vec<String>,
}

/// Returns each documented command with the tests that run it.
///
/// # Errors
/// Commands that no test runs, calls that name no command or are not in a test, and exceptions that are not needed, a line
/// each.
pub fn table(pages: &[Page], runs: &[Run], exceptions: &[Exception]) -> Result<Vec<Row>, Vec<String>> {
    let mut problems = false_calls(pages, runs, exceptions);
    let mut rows = Vec::new();
    for (page, typed) in commands(pages) {
        let place = place(page, typed);
        let covering = runs.iter().filter(|run| run.covers(&page.path, typed));
        let tests = covering.flat_map(|run| run.tests.iter().map(move |test| format!("{}: {test}", run.file)));
        let mut run_by: Vec<_> = tests.collect();
        let excepted = exceptions.iter().filter(|exception| is_excepted(exception, page, typed));
        run_by.extend(excepted.map(|exception| format!("no test: {}", exception.reason)));
        run_by.sort();
        run_by.dedup();
        if run_by.is_empty() {
            problems.push(format!("{place}: no test runs: {}", typed.line));
        }
        rows.push(Row { place, line: typed.line.clone(), run_by });
    }
    if problems.is_empty() { Ok(rows) } else { Err(problems) }
}

/// Returns the table as text.
#[must_use]
pub fn written(rows: &[Row]) -> String {
    let mut text = String::new();
    for Row { place, line, run_by } in rows {
        let _ = writeln!(text, "{place}\n  $ {}", line.replace('\n', "\n    "));
        for test in run_by {
            let _ = writeln!(text, "    {test}");
        }
    }
    let excepted = rows.iter().filter(|row| row.run_by.iter().all(|test| test.starts_with("no test: "))).count();
    let _ = writeln!(text, "{} documented commands; tests run {} of them", rows.len(), rows.len() - excepted);
    text
}

fn commands(pages: &[Page]) -> impl Iterator<Item = (&Page, &Typed)> {
    pages.iter().flat_map(|page| page.markdown.commands.iter().map(move |typed| (page, typed)))
}

fn place(page: &Page, typed: &Typed) -> String {
    if typed.anchor.is_empty() { page.path.clone() } else { format!("{}#{}", page.path, typed.anchor) }
}

fn is_excepted(exception: &Exception, page: &Page, typed: &Typed) -> bool {
    exception.place == place(page, typed) && typed.line.starts_with(exception.command)
}

fn false_calls(pages: &[Page], runs: &[Run], exceptions: &[Exception]) -> Vec<String> {
    let mut problems = Vec::new();
    for run in runs {
        let Run { place, text, file, function, tests } = run;
        if tests.is_empty() {
            problems.push(format!("{file}: no test of this file calls {function}, which runs commands of {place}"));
        }
        if !commands(pages).any(|(page, typed)| run.covers(&page.path, typed)) {
            let text = text.as_ref().map(|text| format!(" with {text:?}")).unwrap_or_default();
            problems.push(format!("{file}: {function} runs what is not documented: a command of {place:?}{text}"));
        }
    }
    for exception in exceptions {
        if !commands(pages).any(|(page, typed)| is_excepted(exception, page, typed)) {
            problems.push(format!("no command needs the exception {} {:?}", exception.place, exception.command));
        }
    }
    problems
}
