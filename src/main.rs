//! `almkey`: arguments to command.

use std::process::ExitCode;

fn main() -> ExitCode {
    alm_key_operator::process::panics::install();
    // One TLS provider for everything in this process, chosen before anything can choose another.
    rustls::crypto::ring::default_provider().install_default().expect("nothing was installed before");
    alm_key_operator::cli::run()
}
