//! The commands of `almkey`, a file each.

mod crds;
mod election;
mod key_file;
mod operator;
mod test;
mod validate;

use std::error::Error;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

/// Exit code of wrong usage (clap's own) and of files that cannot be read.
const UNUSABLE: u8 = 2;

/// Keeps the SAP Cloud ALM service key of Landscape Management true to the cluster.
#[derive(Parser)]
#[command(name = "almkey", version, about, propagate_version = true, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the controller.
    Operator(operator::Arguments),
    /// Print the CustomResourceDefinitions.
    Crds(crds::Arguments),
    /// Hold a service key against the rules of the upload, offline.
    Validate(validate::Arguments),
    /// Hold a service key against the rules, and sign in with it.
    Test(test::Arguments),
}

/// The command line as a tree of commands and their flags.
#[must_use]
pub fn tree() -> clap::Command {
    Arguments::command()
}

/// Runs what the arguments of the process ask for.
#[must_use]
pub fn run() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Operator(arguments) => operator::run(arguments).map(|()| ExitCode::SUCCESS),
        Command::Crds(arguments) => crds::run(&arguments).map(|()| ExitCode::SUCCESS),
        Command::Validate(arguments) => return last_tested(validate::run(&arguments)),
        Command::Test(arguments) => return last_tested(test::run(arguments)),
    };
    result.unwrap_or_else(|error| {
        complain(error.as_ref());
        ExitCode::FAILURE
    })
}

/// The exit code of a command whose failure is a verdict on a file: that it could not be had is another one.
fn last_tested(result: Result<ExitCode, Box<dyn Error>>) -> ExitCode {
    result.unwrap_or_else(|error| {
        complain(error.as_ref());
        ExitCode::from(UNUSABLE)
    })
}

/// Says what failed, and each cause below it.
#[expect(clippy::print_stderr, reason = "this is where the command line speaks")]
fn complain(error: &dyn Error) {
    eprintln!("almkey: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        eprintln!("  because: {error}");
        cause = error.source();
    }
}
