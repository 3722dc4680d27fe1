//! `cargo xtask`: the project's own commands. Each file below holds one of them.

mod demo;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use testkit::control_plane::ControlPlane;
use xtask::proofs;
use xtask::rights;

/// The project's own commands.
#[derive(Parser)]
#[command(name = "xtask", arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Show a key's whole life on a real API server.
    Demo,
    /// Build the control plane of the tests and the demo, if it is not cached yet.
    ControlPlane,
    /// Write docs/proofs.md.
    Proofs,
    /// Print, as JSON, the namespaces that each test of a run created.
    RightsNamespaces {
        /// The folder with the audit logs of the run.
        folder: PathBuf,
    },
    /// Compare the requests of two runs with the declared rights.
    RightsVerdict {
        /// The folder with the audit logs of the cluster-wide run.
        cluster_wide: PathBuf,
        /// The folder with the audit logs of the namespace-scoped run.
        namespace_scoped: PathBuf,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Demo => demo::run().await,
        Command::ControlPlane => match ControlPlane::build() {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(&error.to_string()),
        },
        Command::Proofs => match proofs::write_page() {
            Ok(()) => ExitCode::SUCCESS,
            Err(problems) => fail(&problems.join("\n")),
        },
        Command::RightsNamespaces { folder } => rights::print_namespaces(&folder),
        Command::RightsVerdict { cluster_wide, namespace_scoped } => {
            rights::print_verdict(&cluster_wide, &namespace_scoped)
        }
    }
}

#[expect(clippy::print_stderr, reason = "a command reports its failure")]
fn fail(message: &str) -> ExitCode {
    eprintln!("{message}");
    ExitCode::FAILURE
}
