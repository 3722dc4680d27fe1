//! The calls of [`testkit::documented`] in the sources of the tests: which test runs which command.

use std::fs;
use std::path::Path;

use testkit::documented::Typed;

use crate::proofs::comments;
use crate::workspace::root;

/// The functions of [`testkit::documented`] that name commands.
const FUNCTIONS: [&str; 2] = ["documented::all(", "documented::one("];

/// A call in a test that runs documented commands.
#[derive(Debug)]
pub struct Run {
    /// The page and the anchor of the commands.
    pub place: String,
    /// The text that only this command contains; none if all are run.
    pub text: Option<String>,
    /// The file of the test, from the root of the repository.
    pub file: String,
    /// The function with the call.
    pub function: String,
    /// The tests that are this function, or call it.
    pub tests: Vec<String>,
}

impl Run {
    /// Returns true if the call runs this command of a page.
    #[must_use]
    pub fn covers(&self, page: &str, typed: &Typed) -> bool {
        let (path, anchor) = self.place.split_once('#').unwrap_or((&self.place, ""));
        path == page
            && anchor == typed.anchor
            && self.text.as_ref().is_none_or(|text| typed.line.contains(text.as_str()))
    }
}

/// Returns the calls in the integration tests and the slow tests.
///
/// # Panics
/// A source file cannot be read.
#[must_use]
pub fn all() -> Vec<Run> {
    let mut runs = Vec::new();
    for folder in ["tests/integration", "tests/slow"] {
        comments::each_file(&root().join(folder), &mut |path| {
            let file = path.strip_prefix(root()).unwrap_or(path).display().to_string();
            runs.extend(of_source(&file, &source(path)));
        });
    }
    runs
}

fn source(path: &Path) -> String {
    fs::read_to_string(path).expect("a source file can be read")
}

/// Returns the calls in a source file.
#[must_use]
pub fn of_source(file: &str, source: &str) -> Vec<Run> {
    let functions = functions(source);
    let mut runs = Vec::new();
    for function in &functions {
        for (place, text) in calls(function.body) {
            let tests = tests_that_call(function, &functions);
            runs.push(Run { place, text, file: file.to_owned(), function: function.name.to_owned(), tests });
        }
    }
    runs
}

/// A function of a source file.
struct Function<'a> {
    name: &'a str,
    is_test: bool,
    /// The text from its name to the next function.
    body: &'a str,
}

fn functions(source: &str) -> Vec<Function<'_>> {
    let mut functions: Vec<Function<'_>> = Vec::new();
    let (mut begin, mut is_test) = (0, false);
    for line in source.split_inclusive('\n') {
        let code = line.trim_start();
        if code.starts_with("#[test]") {
            is_test = true;
        } else if let Some(name) = name_of_function(code) {
            functions.push(Function { name, is_test, body: &source[begin..] });
            if let [.., before, last] = functions.as_mut_slice() {
                before.body = &before.body[..before.body.len() - last.body.len()];
            }
            is_test = false;
        }
        begin += line.len();
    }
    functions
}

/// Returns the tests that are this function, or reach it by calls within the file.
fn tests_that_call<'a>(function: &Function<'a>, all: &[Function<'a>]) -> Vec<String> {
    let mut reached = vec![function.name];
    let mut next = 0;
    while let Some(name) = reached.get(next) {
        let call = format!("{name}(");
        let callers = all.iter().filter(|other| other.name != *name && mentions_call(other.body, &call));
        let callers: Vec<_> = callers.map(|other| other.name).filter(|other| !reached.contains(other)).collect();
        reached.extend(callers);
        next += 1;
    }
    let tests = all.iter().filter(|other| other.is_test && reached.contains(&other.name));
    tests.map(|test| test.name.to_owned()).collect()
}

/// Returns true if a body has this call, and not only one of a function whose name ends alike.
fn mentions_call(body: &str, call: &str) -> bool {
    body.match_indices(call).any(|(at, _)| !body[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_'))
}

/// Returns place and text of each call that names documented commands.
fn calls(body: &str) -> Vec<(String, Option<String>)> {
    let mut found = Vec::new();
    for call in FUNCTIONS {
        for (at, _) in body.match_indices(call) {
            let line = body[..at].rsplit('\n').next().unwrap_or_default();
            if line.trim_start().starts_with("//") {
                continue;
            }
            let mut arguments = literals(&body[at + call.len()..]).into_iter();
            // A call in quotes, as in a test of this search, has no literal.
            let Some(place) = arguments.next() else { continue };
            found.push((place, call.contains("one").then(|| arguments.next().unwrap_or_default())));
        }
    }
    found
}

/// Returns the name of the function that begins in a line.
fn name_of_function(code: &str) -> Option<&str> {
    let (head, name) = code.split_once("fn ")?;
    let is_head = head.split_whitespace().all(|word| ["async", "const"].contains(&word) || word.starts_with("pub"));
    let end = name.find(|c: char| !c.is_alphanumeric() && c != '_')?;
    (is_head && name[end..].starts_with(['(', '<'])).then(|| &name[..end])
}

/// Returns the string literals that a list of arguments begins with.
fn literals(arguments: &str) -> Vec<String> {
    let mut literals = Vec::new();
    let mut rest = arguments.trim_start();
    while let Some(literal) = rest.strip_prefix('"') {
        let mut characters = literal.char_indices();
        let mut text = String::new();
        let end = loop {
            match characters.next() {
                Some((at, '"')) => break at,
                Some((_, '\\')) => text.extend(characters.next().map(|(_, c)| c)),
                Some((_, c)) => text.push(c),
                None => return literals,
            }
        };
        literals.push(text);
        rest = literal[end + 1..].trim_start().trim_start_matches(',').trim_start();
    }
    literals
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_found_with_their_arguments_and_their_test() {
        let source = "fn unused() { documented::all(\"docs/a.md\"); }\nfn helper() { documented::all(\"docs/a.md\"); }\n\
                      #[test]\nfn a_test() {\n    // documented::all(\"no\")\n    helper();\n    documented::one(\n        \
                      \"docs/b.md#c\",\n        \"a \\\"b\\\"\",\n    );\n}\n";
        let runs: Vec<_> = of_source("x.rs", source).into_iter().map(|run| (run.place, run.text, run.tests)).collect();
        let test = vec!["a_test".to_owned()];
        assert_eq!(
            runs,
            [
                ("docs/a.md".into(), None, Vec::new()),
                ("docs/a.md".into(), None, test.clone()),
                ("docs/b.md#c".into(), Some("a \"b\"".into()), test),
            ]
        );
    }
}
