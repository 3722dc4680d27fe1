//! The commands of `almkey`, a file each.

mod crds;
mod election;
mod operator;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

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
}

/// Runs what the arguments of the process ask for.
#[must_use]
pub fn run() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Operator(arguments) => operator::run(arguments),
        Command::Crds(arguments) => crds::run(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(error.as_ref());
            ExitCode::FAILURE
        }
    }
}

/// Says what failed, and each cause below it.
#[expect(clippy::print_stderr, reason = "this is where the command line speaks")]
fn complain(error: &dyn std::error::Error) {
    eprintln!("almkey: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        eprintln!("  because: {error}");
        cause = error.source();
    }
}
