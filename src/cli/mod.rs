//! The commands of `almkey`, one file per command.

mod action;
mod check;
mod cluster;
mod completion;
mod confirm;
mod confirmation;
mod crds;
mod delete;
mod deletion;
mod done;
mod download;
mod egress;
mod election;
mod evidence;
mod explain;
mod key_file;
mod operator;
mod output;
mod reconcile;
mod resume;
mod show;
mod sign_in;
mod slot_key;
mod status;
mod steps;
mod stored_key;
mod suspend;
mod tenant_rules;
mod test;
mod text;
mod upload;
mod validate;

use std::error::Error;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use clap_complete::env::CompleteEnv;

/// Exit code for wrong usage (clap's own), for files that cannot be read, and for clusters that cannot be asked.
const EXIT_USAGE: u8 = 2;

/// File name under which kubectl finds this program as its plugin `almkey`.
const PLUGIN: &str = "kubectl-almkey";

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
    /// Check a service key in a file or in the cluster against the upload rules, and sign in with it.
    Test(test::Arguments),
    /// Show tenants and keys: what is in Landscape Management, and what to do.
    Status(status::Arguments),
    /// Explain the state of a key: the evidence, what happens next, and what to do.
    Explain(explain::Arguments),
    /// Confirm what was done in Landscape Management in manual mode, and wait until that is recorded.
    Done(done::Arguments),
    /// Compare the key that is in Landscape Management with that of an ALMServiceKey, and record it.
    Check(check::Arguments),
    /// Show the key in the source of an ALMServiceKey, without its secrets.
    Show(show::Arguments),
    /// Write the key in the source of an ALMServiceKey to a file.
    Download(download::Arguments),
    /// Check a key in a file, make the objects for it, and wait until it is uploaded.
    Upload(upload::Arguments),
    /// Delete an ALMServiceKey: say what that does, and wait until it is gone.
    Delete(delete::Arguments),
    /// Request a reconciliation of a key, and wait for it.
    Reconcile(reconcile::Arguments),
    /// Stop all work on a key.
    Suspend(suspend::Arguments),
    /// Resume the work on a suspended key, and wait for its first reconciliation.
    Resume(resume::Arguments),
}

/// Returns the tree of commands and their flags.
#[must_use]
pub fn tree() -> clap::Command {
    Arguments::command()
}

/// Returns the arguments of the process. Wrong usage ends it, as help does.
fn arguments() -> Arguments {
    let program = std::env::args_os().next().unwrap_or_default();
    let is_plugin = Path::new(&program).file_stem().is_some_and(|name| name == PLUGIN);
    let command = if is_plugin { tree().bin_name("kubectl almkey") } else { tree() };
    Arguments::from_arg_matches(&command.get_matches()).unwrap_or_else(|error| error.exit())
}

/// Runs the command that the arguments of the process name.
#[must_use]
pub fn run() -> ExitCode {
    // A shell asks for completions by a variable; the process ends then.
    CompleteEnv::with_factory(tree).complete();
    let result = match arguments().command {
        Command::Operator(arguments) => operator::run(arguments).map(|()| ExitCode::SUCCESS),
        Command::Crds(arguments) => crds::run(&arguments).map(|()| ExitCode::SUCCESS),
        Command::Validate(arguments) => return exit_code(validate::run(&arguments)),
        Command::Test(arguments) => return exit_code(test::run(arguments)),
        Command::Status(arguments) => return exit_code(status::run(arguments)),
        Command::Explain(arguments) => return exit_code(explain::run(arguments)),
        Command::Done(arguments) => return exit_code(done::run(arguments)),
        Command::Check(arguments) => return exit_code(check::run(arguments)),
        Command::Show(arguments) => return exit_code(show::run(arguments)),
        Command::Download(arguments) => return exit_code(download::run(arguments)),
        Command::Upload(arguments) => return exit_code(upload::run(arguments)),
        Command::Delete(arguments) => return exit_code(delete::run(arguments)),
        Command::Reconcile(arguments) => return exit_code(reconcile::run(arguments)),
        Command::Suspend(arguments) => return exit_code(suspend::run(arguments)),
        Command::Resume(arguments) => return exit_code(resume::run(arguments)),
    };
    result.unwrap_or_else(|error| {
        report(error.as_ref());
        ExitCode::FAILURE
    })
}

/// Prints an error. A reader of standard output that wants no more, such as `head`, is no mistake to report.
fn report(error: &(dyn Error + 'static)) {
    let is_closed = error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe);
    if !is_closed {
        text::print_error(error);
    }
}

/// Returns the exit code of a command with a verdict on a file or an object. A failure to get one has a code of its own,
/// because code 1 means that the verdict is negative.
fn exit_code(result: Result<ExitCode, Box<dyn Error>>) -> ExitCode {
    result.unwrap_or_else(|error| {
        report(error.as_ref());
        ExitCode::from(EXIT_USAGE)
    })
}
