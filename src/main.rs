//! The executable `almkey`.

use std::process::ExitCode;

fn main() -> ExitCode {
    alm_key_operator::process::panics::install();
    // Installed first, so that every TLS client of the process uses the same provider.
    rustls::crypto::ring::default_provider().install_default().expect("no other provider is installed");
    alm_key_operator::cli::run()
}
