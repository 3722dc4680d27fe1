//! Runs other programs.

use std::io::{self, Write};
use std::process::{Command, ExitStatus, Stdio};
use std::thread;

use crate::console::{self, Output};
use crate::error::Error;
use crate::group::{self, Child};

/// A place for the output of a program.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sink {
    /// The console.
    Console,
    /// Standard output goes to the console and is kept; errors go to the console.
    Both,
    /// Standard output is kept; errors go to the console.
    Memory,
    /// All output is kept, and none is printed.
    AllMemory,
}

/// Runs a program and prints its output. `activity` ends the sentence "still …" in a log.
pub fn run(command: &mut Command, activity: &str) -> Result<(), Error> {
    execute(command, activity, Sink::Console).and_then(|finished| finished.success(command)).map(drop)
}

/// Runs a program, prints its output, and returns what it wrote to standard output.
pub fn run_and_read(command: &mut Command, activity: &str) -> Result<String, Error> {
    execute(command, activity, Sink::Both).and_then(|finished| finished.success(command))
}

/// Runs a program and returns what it wrote to standard output, which is not printed.
pub fn read(command: &mut Command, activity: &str) -> Result<String, Error> {
    execute(command, activity, Sink::Memory).and_then(|finished| finished.success(command))
}

/// Runs a program whose failure is a result like any other. Nothing is printed.
pub fn finish(command: &mut Command) -> Result<Finished, Error> {
    execute(command, "", Sink::AllMemory)
}

/// Returns an error that names `needed_by` if a program is not installed.
pub fn require(program: &str, needed_by: &str) -> Result<(), Error> {
    let version = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    match version {
        Ok(_) => Ok(()),
        Err(error) => Err(Error::Finding(format!("{needed_by}, but `{program}` cannot be started: {error}"))),
    }
}

/// A program that has ended.
pub struct Finished {
    /// The exit status.
    pub status: ExitStatus,
    /// The output, as far as it was kept.
    pub output: String,
}

impl Finished {
    fn success(self, command: &Command) -> Result<String, Error> {
        if self.status.success() {
            return Ok(self.output);
        }
        Err(Error::Failed { command: command_line(command), status: self.status, output: String::new() })
    }
}

/// Returns the command line as a person would type it, but for quoting.
fn command_line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

fn execute(command: &mut Command, activity: &str, sink: Sink) -> Result<Finished, Error> {
    // On a terminal cargo draws a progress bar, which it does not into a pipe.
    let is_watched = console::is_terminal();
    let pipes_stdout = sink != Sink::Console || !is_watched;
    let pipes_stderr = sink == Sink::AllMemory || !is_watched;
    command.stdout(if pipes_stdout { Stdio::piped() } else { Stdio::inherit() });
    command.stderr(if pipes_stderr { Stdio::piped() } else { Stdio::inherit() });
    let line = command_line(command);
    let output = Output::new();
    let mut child = Child::spawn(command)?;
    let (stdout, stderr) = (child.stdout(), child.stderr());
    let status = thread::scope(|scope| {
        let output = &output;
        let prints_stdout = matches!(sink, Sink::Console | Sink::Both);
        let prints_stderr = sink != Sink::AllMemory;
        if let Some(stream) = stdout {
            let to = prints_stdout.then(io::stdout);
            scope.spawn(move || output.copy(stream, to, sink != Sink::Console));
        }
        if let Some(stream) = stderr {
            let to = prints_stderr.then(io::stderr);
            scope.spawn(move || output.copy(stream, to, sink == Sink::AllMemory));
        }
        child.wait(|| {
            if !is_watched && prints_stderr {
                output.beat(activity, &line);
            }
        })
    });
    let _ = io::stdout().flush();
    let status = status.map_err(Error::not_started(command))?;
    if group::are_ending() {
        return Err(Error::Interrupted);
    }
    Ok(Finished { status, output: output.collected() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn standard_output_is_read_without_errors() {
        assert_eq!(read(&mut shell("echo out; echo error >&2"), "testing").expect("it succeeds"), "out\n");
    }

    #[test]
    fn a_failed_program_is_an_error_that_names_the_command_line() {
        let error = run(&mut shell("exit 3"), "testing").expect_err("it fails");
        assert_eq!(error.to_string(), "failed (exit status: 3): sh -c exit 3");
    }

    #[test]
    fn the_result_of_a_program_that_may_fail_has_all_its_output() {
        let finished = finish(&mut shell("echo out; echo error >&2; exit 1")).expect("it runs");
        assert!(!finished.status.success());
        assert!(finished.output.contains("out\n") && finished.output.contains("error\n"), "{}", finished.output);
    }

    #[test]
    fn a_program_that_is_not_installed_is_named() {
        let error = run(&mut Command::new("no-such-program"), "testing").expect_err("there is none");
        assert!(error.to_string().starts_with("`no-such-program` cannot be started: "), "{error}");
        let error = require("no-such-program", "this test needs it").expect_err("there is none");
        assert!(error.to_string().starts_with("this test needs it, but `no-such-program`"), "{error}");
    }
}
