//! The commands of `almkey`, one file per command.

mod crds;
mod egress;
mod election;
mod key_file;
mod operator;
mod test;
mod validate;

use std::error::Error;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

/// Exit code for wrong usage (clap's own) and for files that cannot be read.
const EXIT_USAGE: u8 = 2;

/// Keeps the SAP Cloud ALM service key in Landscape Management in sync with the cluster.
#[derive(Parser)]
#[command(name = "almkey", version, about, propagate_version = true, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the operator in a cluster.
    Operator(operator::Arguments),
    /// Print the CustomResourceDefinitions.
    Crds(crds::Arguments),
    /// Check a service key against the upload rules, offline.
    Validate(validate::Arguments),
    /// Check a service key against the upload rules, and sign in with it.
    Test(test::Arguments),
}

/// Returns the tree of commands and their flags.
#[must_use]
pub fn tree() -> clap::Command {
    Arguments::command()
}

/// Runs the command that the arguments of the process name.
#[must_use]
pub fn run() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Operator(arguments) => operator::run(arguments).map(|()| ExitCode::SUCCESS),
        Command::Crds(arguments) => crds::run(&arguments).map(|()| ExitCode::SUCCESS),
        Command::Validate(arguments) => return exit_code(validate::run(&arguments)),
        Command::Test(arguments) => return exit_code(test::run(arguments)),
    };
    result.unwrap_or_else(|error| {
        print_error(error.as_ref());
        ExitCode::FAILURE
    })
}

/// Returns the exit code of a command that checks a file. A file that could not be checked has a code of its own,
/// because failure means that the file is invalid.
fn exit_code(result: Result<ExitCode, Box<dyn Error>>) -> ExitCode {
    result.unwrap_or_else(|error| {
        print_error(error.as_ref());
        ExitCode::from(EXIT_USAGE)
    })
}

/// Prints an error and its causes.
#[expect(clippy::print_stderr, reason = "a command reports its failure on standard error")]
fn print_error(error: &dyn Error) {
    eprintln!("almkey: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        eprintln!("  caused by: {error}");
        cause = error.source();
    }
}
