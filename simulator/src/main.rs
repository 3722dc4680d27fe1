//! `almkey-simulator`: hands its arguments to the library.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    rustls::crypto::ring::default_provider().install_default().expect("nothing was installed before");
    almkey_simulator::run().await
}
