//! A stand-in for SAP: several tenants, each with a token endpoint and a Landscape Management, over real HTTPS.
//!
//! It keeps state, rejects unexpected requests, and records each call in a journal. It is never part of the operator's
//! image.

mod admin;
pub mod canary;
pub mod certificates;
mod client;
mod conformance;
mod contract;
mod corruption;
mod dispatch;
mod faults;
pub mod files;
mod http;
mod journal;
mod keys;
mod landscape;
mod leak_check;
mod listeners;
mod serve;
mod slot;
mod state;
mod sync;
mod xsuaa;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// A stand-in for SAP Cloud ALM: token endpoints and Landscape Management over HTTPS, below *.localhost.
#[derive(Parser)]
#[command(name = "almkey-simulator", version, about, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the simulator. The first line of output is JSON with its port, the URL of its admin API, and the path of its CA
    /// certificate.
    Serve {
        /// Loopback address to listen on. Port 0 selects a free port.
        #[arg(long, default_value = "127.0.0.1:0")]
        address: SocketAddr,
        /// Folder to write the CA certificate to, as ca.pem.
        #[arg(long, default_value = ".")]
        directory: PathBuf,
        /// Port in all URLs and keys, if clients reach the simulator through a proxy.
        #[arg(long, value_name = "PORT")]
        public_port: Option<u16>,
    },
    /// Print the contract of Landscape Management as an OpenAPI 3.1 document.
    Contract {
        /// Write the document to this file instead of printing it.
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// Check whether a server keeps the contract of Landscape Management. The slot is empty before and after. Exits with 0 if
    /// all checks pass, with 1 if one fails, with 2 if they could not be run.
    Conformance(Box<conformance::Arguments>),
    /// Call the admin API of a running simulator.
    #[command(flatten)]
    Client(client::Command),
}

/// Runs the command that the arguments of this process name.
pub async fn run() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Serve { address, directory, public_port } => serve::run(address, &directory, public_port).await,
        Command::Contract { file } => contract::print(file.as_deref()),
        Command::Conformance(arguments) => {
            return conformance::run(*arguments).await.unwrap_or_else(|error| {
                report(error.as_ref());
                ExitCode::from(2)
            });
        }
        Command::Client(command) => client::run(command).await,
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(error.as_ref());
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stderr, reason = "a command reports its failure")]
fn report(error: &dyn std::error::Error) {
    eprintln!("almkey-simulator: {error}");
}
