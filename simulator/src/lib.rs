//! A stand-in for SAP: several tenants, each with a token endpoint and a Landscape Management, over real HTTPS.
//!
//! It keeps state, rejects requests that it does not expect, and writes each request to a journal. It is never part of
//! the operator's image.

mod admin;
pub mod canary;
pub mod certificates;
mod client;
mod conformance;
mod contract;
mod corruption;
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
mod tenants;
mod xsuaa;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// A stand-in for SAP Cloud ALM: token endpoints and Landscape Management, over HTTPS below *.localhost.
#[derive(Parser)]
#[command(name = "almkey-simulator", version, about, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run it. The first line of output is JSON and says where it is.
    Serve {
        /// Loopback address to listen on; port 0 takes a free one.
        #[arg(long, default_value = "127.0.0.1:0")]
        address: SocketAddr,
        /// Where ca.pem is written.
        #[arg(long, default_value = ".")]
        directory: PathBuf,
        /// Port in the URLs and keys that it makes, if something stands before it.
        #[arg(long, value_name = "PORT")]
        public_port: Option<u16>,
    },
    /// Print the contract of Landscape Management as an OpenAPI 3.1 document.
    Contract {
        /// Write it to this file instead.
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// Try whether a server keeps the contract of Landscape Management, from an empty slot to an empty slot. Ends with 0 if
    /// it does, with 1 if not, with 2 if that could not be tried.
    Conformance(Box<conformance::Arguments>),
    /// Ask a running one.
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
                complain(error.as_ref());
                ExitCode::from(2)
            });
        }
        Command::Client(command) => client::run(command).await,
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(error.as_ref());
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stderr, reason = "this is where the command line speaks")]
fn complain(error: &dyn std::error::Error) {
    eprintln!("almkey-simulator: {error}");
}
