//! A documented command, which a test must run.

use std::cell::Cell;

use super::markdown::Typed;
use super::page;
use super::running::Running;
use super::shell::Shell;

/// A documented command. The test fails if it is dropped without having run.
pub struct Command {
    line: String,
    has_run: Cell<bool>,
}

/// Returns the commands below a heading, up to the next heading. `place` is a page and an anchor, as in a link:
/// `docs/upgrading.md#uninstall`; a page alone is its part above the first heading.
pub fn all(place: &str) -> Vec<Command> {
    let found = at(place);
    assert!(!found.is_empty(), "{place} has no command");
    found.into_iter().map(Command::new).collect()
}

/// Returns the only command below a heading that contains `text`.
pub fn one(place: &str, text: &str) -> Command {
    let mut found = at(place);
    found.retain(|typed| typed.line.contains(text));
    assert_eq!(found.len(), 1, "{place}: one command with {text:?}, not {found:?}");
    Command::new(found.remove(0))
}

/// Returns the commands of a place.
fn at(place: &str) -> Vec<Typed> {
    let (path, anchor) = place.split_once('#').unwrap_or((place, ""));
    let mut commands = page::read(path.to_owned()).markdown.commands;
    commands.retain(|typed| typed.anchor == anchor);
    commands
}

/// Runs commands one after the other in one shell, which keeps its folder and its variables. Each of them must succeed.
/// Returns their standard output.
pub fn must_run_together(commands: &[Command], shell: &Shell, placeholders: &[(&str, &str)]) -> String {
    let script: Vec<_> = commands.iter().map(|command| command.filled_in(&[])).collect();
    let script = placeholders.iter().fold(script.join("\n"), |script, (placeholder, value)| {
        assert!(script.contains(placeholder), "{placeholder} is not in {script}");
        script.replace(placeholder, value)
    });
    shell.run(&script).unwrap_or_else(|error| panic!("{script}\nfailed: {error}"))
}

impl Command {
    fn new(typed: Typed) -> Self {
        Self { line: typed.line, has_run: Cell::new(false) }
    }

    /// Returns the line to run, after each placeholder is replaced, in this order.
    fn filled_in(&self, placeholders: &[(&str, &str)]) -> String {
        self.has_run.set(true);
        let replace = |line: String, (placeholder, value): &(&str, &str)| {
            assert!(line.contains(placeholder), "{placeholder} is not in {line}");
            line.replace(placeholder, value)
        };
        placeholders.iter().fold(self.line.clone(), replace)
    }

    /// Runs the command. Returns its standard output, or all of its output if it failed.
    ///
    /// # Errors
    /// The command fails.
    pub fn run(&self, shell: &Shell, placeholders: &[(&str, &str)]) -> Result<String, String> {
        shell.run(&self.filled_in(placeholders))
    }

    /// Starts the command, which runs until it is interrupted.
    pub fn start(&self, shell: &Shell, placeholders: &[(&str, &str)]) -> Running {
        shell.start(&self.filled_in(placeholders))
    }

    /// Runs the command, which must succeed, and returns its standard output.
    pub fn must_run(&self, shell: &Shell, placeholders: &[(&str, &str)]) -> String {
        self.run(shell, placeholders).unwrap_or_else(|error| panic!("{} failed: {error}", self.line))
    }

    /// Returns true if the command contains a text.
    pub fn contains(&self, text: &str) -> bool {
        self.line.contains(text)
    }
}

impl Drop for Command {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert!(self.has_run.get(), "the documented command was not run: {}", self.line);
        }
    }
}
